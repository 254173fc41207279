/** The life of one contact: drawn, and as a list of every event with its time and cause. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { duration } from '../i18n.ts';
import { type LifeEvent, lifeOf, scaleOf } from '../life.ts';
import { ask, type Refused } from '../notice-api.ts';
import type { Panel } from '../panel.ts';
import { reportWord, reportWordOf } from '../report-words.ts';
import type { Word } from './history.tsx';

const WIDE = 1200;
const NAMES = 130;
const LANE = 34;
const AXIS = 26;

export function LifeView({
  panel,
  contactId,
  agents,
  timeZone,
  onOpen,
  onClose,
}: {
  panel: Panel;
  contactId: string;
  /** Names by id. */
  agents: Readonly<Record<string, string>>;
  timeZone: string;
  onOpen: (contactId: string) => void;
  onClose: () => void;
}) {
  const { i18n } = panel;
  const language = i18n.language.value;
  const w: Word = (key, params) => reportWord(language, key, params);
  const events = useSignal<readonly LifeEvent[] | null>(null);
  const problem = useSignal<Refused | null>(null);
  useEffect(() => {
    let stale = false;
    events.value = null;
    problem.value = null;
    void ask<{ events: LifeEvent[] }>(`/api/contacts/${encodeURIComponent(contactId)}/events`).then((answer) => {
      if (stale) return;
      if (answer.ok) events.value = answer.value.events;
      else problem.value = answer.refused;
    });
    return () => {
      stale = true;
    };
  }, [contactId]);

  const back = useRef<HTMLButtonElement>(null);
  useEffect(() => back.current?.focus(), []);

  const nameOf = (agentId: string): string => agents[agentId] ?? agentId;
  const found = events.value;
  const continues = found?.[0]?.data['continues'];
  return (
    <div class="history">
      <header class="history-top">
        <h1>{w('life.title', { id: contactId })}</h1>
        <div class="history-buttons">
          {typeof continues === 'string' && (
            <button type="button" class="button" onClick={() => onOpen(continues)}>
              {w('column.continues')}: {continues}
            </button>
          )}
          <button type="button" class="button" ref={back} onClick={onClose}>
            {w('life.back')}
          </button>
        </div>
      </header>
      {problem.value !== null && (
        <p class="problem" role="alert">
          {problem.value.code === 'noSuchContact'
            ? w('life.none')
            : (reportWordOf(language, 'problem', problem.value.code) ?? w('problem.generic', { message: problem.value.message }))}
        </p>
      )}
      {problem.value === null && found === null && <p class="empty">{w('loading')}</p>}
      {found !== null && found.length > 0 && (
        <>
          <Drawing w={w} events={found} nameOf={nameOf} now={panel.now.peek()} timeZone={timeZone} language={language} />
          <EventTable panel={panel} w={w} events={found} nameOf={nameOf} timeZone={timeZone} />
        </>
      )}
    </div>
  );
}

function Drawing({
  w,
  events,
  nameOf,
  now,
  timeZone,
  language,
}: {
  w: Word;
  events: readonly LifeEvent[];
  nameOf: (agentId: string) => string;
  now: number;
  timeZone: string;
  language: string;
}) {
  const life = lifeOf(events, now);
  const scale = scaleOf([life.from, life.until, ...events.map(({ at }) => at)].filter((at) => at <= life.until));
  const x = (at: number): number => NAMES + scale.place(at) * (WIDE - NAMES - 16);
  const high = AXIS + life.lanes.length * LANE + 20;
  const time = new Intl.DateTimeFormat(language, { timeZone, hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  const who = (agentId: string | null): string => (agentId === null ? w('life.party') : nameOf(agentId));
  const parts = life.lanes.flatMap(({ agentId, segments }) =>
    segments.map(({ kind, from, until }) =>
      w('life.part', { who: who(agentId), kind: w(`segment.${kind}`), duration: duration(until - from) }),
    ),
  );
  // Times are written where there is room for them: at the beginning of segments, from left to right.
  const moments = [...new Set([life.from, ...life.lanes.flatMap(({ segments }) => segments.map(({ from }) => from)), life.until])].sort(
    (a, b) => a - b,
  );
  const written: number[] = [];
  for (const at of moments) if (x(at) - x(written.at(-1) ?? Number.NEGATIVE_INFINITY) >= 74 || written.length === 0) written.push(at);
  return (
    <figure class="life">
      <svg viewBox={`0 0 ${WIDE} ${high}`} role="img" aria-label={w('life.drawing', { parts: parts.join(', ') })} data-testid="life">
        {written.map((at) => (
          <g key={at}>
            <line class="chart-grid" x1={x(at)} x2={x(at)} y1={AXIS - 6} y2={high - 14} />
            <text class="chart-scale" x={Math.min(x(at), WIDE - 30)} y={14} text-anchor={x(at) > WIDE - 40 ? 'end' : 'middle'}>
              {time.format(at)}
            </text>
          </g>
        ))}
        {life.lanes.map(({ agentId, segments }, lane) => (
          <g key={agentId ?? ''} transform={`translate(0 ${AXIS + lane * LANE})`}>
            <text class="life-who" x={NAMES - 10} y={LANE / 2 + 4} text-anchor="end">
              {who(agentId)}
            </text>
            {segments.map(({ kind, from, until, open }) => {
              const wide = Math.max(3, x(until) - x(from));
              const name = w(`segment.${kind}`);
              const lasted = duration(until - from);
              return (
                <g key={`${kind} ${from}`}>
                  <rect class="life-segment" data-kind={kind} data-open={open} x={x(from)} y={4} width={wide} height={LANE - 8} rx="4">
                    <title>{`${who(agentId)}: ${name} ${lasted}`}</title>
                  </rect>
                  {wide > 18 + name.length * (language === 'ja' ? 12.5 : 7) + lasted.length * 7.5 && (
                    <text class="life-label" x={x(from) + 7} y={LANE / 2 + 4}>
                      {name} {lasted}
                    </text>
                  )}
                </g>
              );
            })}
          </g>
        ))}
        {scale.cuts.map(({ from, until }) => (
          <text key={from} class="chart-scale" x={(x(from) + x(until)) / 2} y={high - 4} text-anchor="middle">
            ⫽ {w('life.cut')} {duration(until - from)}
          </text>
        ))}
        {events
          .filter(({ at }) => at <= life.until)
          .map(({ at, name }, i) => (
            <circle key={i} class="life-event" cx={x(at)} cy={high - 14} r="3">
              <title>{`${time.format(at)} ${reportWordOf(language === 'ja' ? 'ja' : 'en', 'event', name) ?? name}`}</title>
            </circle>
          ))}
      </svg>
    </figure>
  );
}

function EventTable({
  panel,
  w,
  events,
  nameOf,
  timeZone,
}: {
  panel: Panel;
  w: Word;
  events: readonly LifeEvent[];
  nameOf: (agentId: string) => string;
  timeZone: string;
}) {
  const { i18n } = panel;
  const language = i18n.language.value;
  const first = events[0]?.at ?? 0;
  const time = new Intl.DateTimeFormat(language, {
    timeZone,
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
  });
  const why = (cause: string): string => {
    const known = reportWordOf(language, 'why', cause);
    if (known !== null) return known;
    for (const prefix of ['cause', 'reason', 'state']) {
      const word = i18n.word(prefix, cause);
      if (word !== cause) return word;
    }
    return cause;
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and has nothing else in it that the keyboard could reach
    <section class="history-scroll" tabIndex={0} aria-label={w('life.events')}>
      <table class="history-table" data-testid="life-events">
        <thead>
          <tr>
            {(['at', 'after', 'event', 'who', 'cause', 'details'] as const).map((column) => (
              <th key={column} scope="col">
                {w(`life.${column}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {events.map(({ at, name, agentId, cause, data }, i) => (
            <tr key={i}>
              <td class="timer">{time.format(at)}</td>
              <td class="timer">+{duration(at - first)}</td>
              <th scope="row" title={name}>
                {reportWordOf(language, 'event', name) ?? name}
              </th>
              <td>{agentId === null ? '' : nameOf(agentId)}</td>
              <td>{cause === null ? '' : why(cause)}</td>
              <td class="muted small history-details">
                {Object.entries(data)
                  .map(([key, value]) => `${key}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
                  .join(' · ')}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
