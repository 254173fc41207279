/** Figures of the past for supervisors: a report by interval and group, drawn and as a table, with how each figure is computed. */
import { type Signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ContactsView, ReportListView, ReportView } from '../../report-messages.ts';
import { duration, type Params } from '../i18n.ts';
import { type Answer, ask, type Refused } from '../notice-api.ts';
import type { Panel } from '../panel.ts';
import { type ReportWord, reportWord, reportWordOf } from '../report-words.ts';
import { LifeView } from './life.tsx';
import { Dialog } from './pieces.tsx';

type Report = ReportListView['reports'][number];
type Column = Report['columns'][number];
type Name = 'service' | 'handling' | 'agents' | 'callbacks' | 'contacts';
type Period = 'today' | 'yesterday' | 'week' | 'days';
type Interval = '15 minutes' | '1 hour' | '1 day';

/** What is drawn of each: an amount as bars, a share as a line. */
const DRAWN: Readonly<Record<string, readonly [bars: string, line: string]>> = {
  service: ['offered', 'service_level'],
  handling: ['offers', 'rona'],
  agents: ['logged_on_s', 'occupancy'],
  callbacks: ['requested', 'reached_share'],
};

interface Choice {
  readonly name: Name;
  readonly period: Period;
  readonly from: string;
  /** Included. */
  readonly until: string;
  readonly timeZone: string;
  readonly interval: Interval;
  readonly by: string;
  readonly target: number;
}
type Shown = { readonly name: Name } & ({ readonly figures: ReportView } | { readonly contacts: ContactsView });

/** `2026-11-20` of a moment, by the clock of a zone; of ours when there is no such zone. */
function dayIn(at: number, timeZone: string): string {
  try {
    return new Intl.DateTimeFormat('sv-SE', { timeZone }).format(at);
  } catch {
    // It is still being typed.
    return new Intl.DateTimeFormat('sv-SE').format(at);
  }
}
function addDays(day: string, days: number): string {
  const at = new Date(`${day}T00:00:00Z`);
  return Number.isNaN(at.getTime()) ? day : new Date(at.getTime() + days * 86_400_000).toISOString().slice(0, 10);
}

/** First and last day of what is chosen. Weeks begin on Monday. */
function daysOf({ period, from, until, timeZone }: Choice, now: number): readonly [string, string] {
  if (period === 'days') return [from, until];
  const today = dayIn(now, timeZone);
  if (period === 'today') return [today, today];
  if (period === 'yesterday') return [addDays(today, -1), addDays(today, -1)];
  const weekday = (new Date(`${today}T00:00:00Z`).getUTCDay() + 6) % 7;
  return [addDays(today, -weekday), today];
}

function queryOf(choice: Choice, now: number): string {
  const [from, until] = daysOf(choice, now);
  const { timeZone, interval, by, target } = choice;
  const period = { from, to: addDays(until, 1), timeZone };
  return new URLSearchParams(choice.name === 'contacts' ? period : { ...period, interval, groupBy: by, target: String(target) }).toString();
}

export type Word = (key: ReportWord, params?: Params) => string;

export function HistoryView({ panel }: { panel: Panel }) {
  const { i18n } = panel;
  const language = i18n.language.value;
  const w: Word = (key, params) => reportWord(language, key, params);
  const about = useSignal<ReportListView | null>(null);
  const problem = useSignal<Refused | null>(null);
  const shown = useSignal<Shown | null>(null);
  const counting = useSignal(false);
  const explained = useSignal<Column | null>(null);
  const life = useSignal<string | null>(new URLSearchParams(location.search).get('contact'));
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const today = dayIn(panel.now.peek(), here);
  const choice = useSignal<Choice>({
    name: 'service',
    period: 'today',
    from: today,
    until: today,
    timeZone: here,
    interval: '1 hour',
    by: 'none',
    target: 20,
  });
  const chosen = choice.value;

  useEffect(() => {
    void ask<ReportListView>('/api/reports').then((answer) => {
      if (answer.ok) about.value = answer.value;
      else problem.value = answer.refused;
    });
  }, []);
  useEffect(() => {
    let stale = false;
    counting.value = true;
    const query = queryOf(chosen, panel.now.peek());
    const { name } = chosen;
    const took = (answer: Answer<unknown>, next: () => Shown): void => {
      if (stale) return; // something else has been chosen in the meantime
      counting.value = false;
      problem.value = answer.ok ? null : answer.refused;
      shown.value = answer.ok ? next() : null;
    };
    if (name === 'contacts')
      void ask<ContactsView>(`/api/reports/contacts?${query}`).then((answer) =>
        took(answer, () => ({ name, contacts: answer.ok ? answer.value : { more: false, contacts: [], agents: {} } })),
      );
    else
      void ask<ReportView>(`/api/reports/${name}?${query}`).then((answer) => {
        if (answer.ok) took(answer, () => ({ name, figures: answer.value }));
        else took(answer, () => ({ name, contacts: { more: false, contacts: [], agents: {} } }));
      });
    return () => {
      stale = true;
    };
  }, [chosen]);

  const change = (changed: Partial<Choice>): void => {
    choice.value = { ...choice.value, ...changed };
  };
  const say = ({ code, message }: Refused): string => reportWordOf(language, 'problem', code) ?? w('problem.generic', { message });

  if (!panel.mayWatch.value) return <p class="empty">{w('problem.notAllowed')}</p>;
  const report = about.value?.reports.find(({ name }) => name === chosen.name);
  const found = shown.value?.name === chosen.name ? shown.value : null;
  if (life.value !== null) {
    const agents = found !== null && 'contacts' in found ? found.contacts.agents : {};
    return (
      <LifeView
        panel={panel}
        contactId={life.value}
        agents={agents}
        timeZone={chosen.timeZone}
        onOpen={(id) => {
          life.value = id;
        }}
        onClose={() => {
          const id = life.value ?? '';
          life.value = null;
          // Back to where the keyboard was.
          requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-contact="${CSS.escape(id)}"]`)?.focus());
        }}
      />
    );
  }
  return (
    <div class="history">
      <header class="history-top">
        <h1>{w('title')}</h1>
        <nav class="tabs" aria-label={w('reports')}>
          {(['service', 'handling', 'agents', 'callbacks', 'contacts'] as const).map((name) => (
            <button
              key={name}
              type="button"
              aria-current={chosen.name === name ? 'page' : undefined}
              onClick={() => {
                const by = about.value?.reports.find((one) => one.name === name)?.by.includes(chosen.by) === true ? chosen.by : 'none';
                change({ name, by });
              }}
            >
              {w(`report.${name}`)}
            </button>
          ))}
        </nav>
      </header>
      <Choices w={w} choice={choice} report={report} zones={about.value?.timeZones ?? []} change={change} now={panel.now.peek()} />
      {report !== undefined && <p class="muted small history-about">{report.about[language]}</p>}
      {problem.value !== null && (
        <p class="problem" role="alert">
          {say(problem.value)}
        </p>
      )}
      <div class="history-result" aria-busy={counting.value}>
        {found === null ? (
          problem.value === null && <p class="empty">{w('loading')}</p>
        ) : 'contacts' in found ? (
          <Contacts
            panel={panel}
            w={w}
            found={found.contacts}
            columns={report?.columns ?? []}
            timeZone={chosen.timeZone}
            explain={explained}
            open={life}
          />
        ) : found.figures.total === null ? (
          <Empty w={w} />
        ) : (
          report !== undefined && <Result panel={panel} w={w} view={found.figures} report={report} explain={explained} />
        )}
      </div>
      {explained.value !== null && report !== undefined && (
        <Explanation w={w} column={explained} language={language} file={`reports/${report.name}.sql`} />
      )}
    </div>
  );
}

function Empty({ w }: { w: Word }) {
  return (
    <div class="card history-empty">
      <h2>{w('empty')}</h2>
      <p class="muted">{w('emptyText')}</p>
    </div>
  );
}

function Choices({
  w,
  choice,
  report,
  zones,
  change,
  now,
}: {
  w: Word;
  choice: Signal<Choice>;
  report: Report | undefined;
  zones: readonly string[];
  change: (changed: Partial<Choice>) => void;
  now: number;
}) {
  const chosen = choice.value;
  const { name, period } = chosen;
  const figures = name !== 'contacts';
  const all = [...new Set([...zones, ...Intl.supportedValuesOf('timeZone')])];
  return (
    <form class="history-choices" onSubmit={(event) => event.preventDefault()}>
      <label class="field">
        <span>{w('period')}</span>
        <select
          value={period}
          onChange={(event) => {
            const next = event.currentTarget.value as Period;
            const [from, until] = daysOf(chosen, now);
            change(next === 'days' ? { period: next, from, until } : { period: next });
          }}
        >
          {(['today', 'yesterday', 'week', 'days'] as const).map((one) => (
            <option key={one} value={one}>
              {w(`period.${one}`)}
            </option>
          ))}
        </select>
      </label>
      {period === 'days' && (
        <>
          <Typed label={w('from')} type="date" value={chosen.from} take={(day) => day !== '' && change({ from: day })} />
          <Typed label={w('until')} type="date" value={chosen.until} take={(day) => day !== '' && change({ until: day })} />
        </>
      )}
      <Typed label={w('timeZone')} list="history-zones" value={chosen.timeZone} take={(zone) => change({ timeZone: zone.trim() })} />
      <datalist id="history-zones">
        {all.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>

      {figures && (
        <label class="field">
          <span>{w('interval')}</span>
          <select value={chosen.interval} onChange={(event) => change({ interval: event.currentTarget.value as Interval })}>
            {(['15 minutes', '1 hour', '1 day'] as const).map((one) => (
              <option key={one} value={one}>
                {w(`interval.${one}`)}
              </option>
            ))}
          </select>
        </label>
      )}
      {figures && (
        <label class="field">
          <span>{w('by')}</span>
          <select value={chosen.by} onChange={(event) => change({ by: event.currentTarget.value })}>
            {(report?.by ?? ['none']).map((one) => (
              <option key={one} value={one}>
                {w(`by.${one}` as ReportWord)}
              </option>
            ))}
          </select>
        </label>
      )}
      {name === 'service' && (
        <Typed
          label={w('target')}
          type="number"
          value={String(chosen.target)}
          take={(text) => {
            const target = text === '' ? -1 : Number(text);
            if (target >= 0 && target <= 86_400) change({ target });
          }}
        />
      )}
      <a class="button" href={`/api/reports/${name}.csv?${queryOf(chosen, now)}`} download>
        {w('csv')}
      </a>
    </form>
  );
}

/** What is being typed stays while figures come in; it counts when the field is left, or by Enter. */
function Typed({
  label,
  value,
  take,
  type = 'text',
  list,
}: {
  label: string;
  value: string;
  take: (value: string) => void;
  type?: 'text' | 'date' | 'number';
  list?: string;
}) {
  const draft = useSignal(value);
  return (
    <label class="field" data-type={type}>
      <span>{label}</span>
      <input
        type={type}
        list={list}
        min={type === 'number' ? 0 : undefined}
        autocomplete="off"
        spellcheck={false}
        value={draft.value}
        onInput={(event) => {
          draft.value = event.currentTarget.value;
        }}
        onChange={(event) => take(event.currentTarget.value)}
      />
    </label>
  );
}

function Explanation({ w, column, language, file }: { w: Word; column: Signal<Column | null>; language: 'en' | 'ja'; file: string }) {
  const { value } = column;
  if (value === null) return null;
  return (
    <Dialog
      title={w('howTitle', { column: w(`column.${value.name}` as ReportWord) })}
      closeLabel={w('close')}
      onClose={() => {
        column.value = null;
      }}
    >
      <p class="history-how">{value.how[language]}</p>
      <p class="muted small">{w('howFile', { file })}</p>
    </Dialog>
  );
}

function Head({ w, column, explain }: { w: Word; column: Column; explain: Signal<Column | null> }) {
  const name = w(`column.${column.name}` as ReportWord);
  return (
    <th scope="col" data-numeric={column.kind === 'text' ? undefined : true}>
      <button
        type="button"
        class="history-why"
        aria-label={w('how', { column: name })}
        title={w('how', { column: name })}
        onClick={() => {
          explain.value = column;
        }}
      >
        {name}
        <span class="history-mark">{'\u00a0?'}</span>
      </button>
    </th>
  );
}

/** Times of intervals, told apart also where an hour comes twice: then with the distance from UTC. */
function labelsOf({ rows, timeZone, interval, from, to }: ReportView, language: string): (at: number) => string {
  const offset = new Intl.DateTimeFormat(language, { timeZone, timeZoneName: 'shortOffset' });
  const offsetAt = (at: number): string => offset.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const changes = interval !== '1 day' && offsetAt(from) !== offsetAt(to);
  const day = { month: 'short', day: 'numeric', weekday: 'short' } as const;
  const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const first = rows[0]?.startsAt ?? from;
  const manyDays = dayIn(first, timeZone) !== dayIn(rows.at(-1)?.startsAt ?? first, timeZone);
  const format = new Intl.DateTimeFormat(language, {
    timeZone,
    ...(interval === '1 day' ? day : manyDays ? { month: 'short', day: 'numeric', ...clock } : clock),
  });
  return (at) => `${format.format(at)}${changes ? ` (${offsetAt(at)})` : ''}`;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
function figure(value: number | null | undefined, kind: string): string {
  if (value === null || value === undefined) return '–';
  return kind === 'share' ? percent(value) : kind === 'seconds' ? duration(1000 * value) : String(value);
}

function Result({
  panel,
  w,
  view,
  report,
  explain,
}: {
  panel: Panel;
  w: Word;
  view: ReportView;
  report: Report;
  explain: Signal<Column | null>;
}) {
  const { i18n } = panel;
  const label = labelsOf(view, i18n.language.value);
  const grouped = view.by !== 'none';
  const groupName = (group: ReportView['rows'][number]['group']): string =>
    group === null
      ? w('nobody')
      : view.by === 'channel' || view.by === 'origin' || view.by === 'disposition'
        ? i18n.word(view.by, group.id)
        : group.name;
  return (
    <>
      {!grouped && <Chart w={w} view={view} report={report} label={label} />}
      <div class="history-scroll">
        <table class="history-table" data-testid="history-table">
          <thead>
            <tr>
              <th scope="col">{w('time')}</th>
              {grouped && <th scope="col">{w(`column.${view.by}` as ReportWord)}</th>}
              {report.columns.map((column) => (
                <Head key={column.name} w={w} column={column} explain={explain} />
              ))}
            </tr>
          </thead>
          <tbody>
            {view.rows.map(({ startsAt, group, figures }) => (
              <tr key={`${startsAt} ${group?.id ?? ''}`}>
                <th scope="row">{label(startsAt)}</th>
                {grouped && <td>{groupName(group)}</td>}
                {report.columns.map(({ name, kind }) => (
                  <td key={name} data-numeric data-column={name}>
                    {figure(figures[name], kind)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">{w('total')}</th>
              {grouped && <td />}
              {report.columns.map(({ name, kind }) => (
                <td key={name} data-numeric data-column={name}>
                  {figure(view.total?.[name], kind)}
                </td>
              ))}
            </tr>
          </tfoot>
        </table>
      </div>
    </>
  );
}

const STEP_MS: Readonly<Record<string, number>> = { '15 minutes': 900_000, '1 hour': 3_600_000, '1 day': 86_400_000 };
const WIDE = 1200;
const HIGH = 150;
const LEFT = 46;
const RIGHT = 46;
const FOOT = 22;

/** Amounts as bars from the left scale, a share as a line from the right one; intervals in which nothing was are gaps. */
function Chart({ w, view, report, label }: { w: Word; view: ReportView; report: Report; label: (at: number) => string }) {
  const [bars, line] = DRAWN[report.name] ?? ['', ''];
  const step = STEP_MS[view.interval] ?? 3_600_000;
  const first = view.rows[0]?.startsAt ?? view.from;
  const last = view.rows.at(-1)?.startsAt ?? first;
  // A day of 25 hours moves the next one's place by a part of a bar: nobody sees it.
  const slots = Math.max(1, Math.round((last - first) / step) + 1);
  const width = (WIDE - LEFT - RIGHT) / Math.max(slots, 8);
  const seconds = report.columns.find(({ name }) => name === bars)?.kind === 'seconds';
  const most = Math.max(1, ...view.rows.map(({ figures }) => figures[bars] ?? 0));
  const x = (at: number): number => LEFT + ((at - first) / step) * width;
  const y = (part: number): number => 8 + (1 - part) * (HIGH - FOOT - 8);
  const points = view.rows.flatMap(({ startsAt, figures }) => {
    const share = figures[line];
    return typeof share === 'number' ? [{ at: startsAt, x: x(startsAt) + width / 2, y: y(share) }] : [];
  });
  // The line goes from one interval to the next; where there was nothing in between, it breaks off.
  const path = points.map((point, i) => {
    const before = points[i - 1];
    return `${before !== undefined && point.at - before.at < 1.5 * step ? 'L' : 'M'}${point.x} ${point.y}`;
  });
  const every = Math.ceil(view.rows.length / 12);
  const [barName, lineName] = [w(`column.${bars}` as ReportWord), w(`column.${line}` as ReportWord)];
  return (
    <figure class="history-chart">
      <svg viewBox={`0 0 ${WIDE} ${HIGH}`} role="img" aria-label={w('chart', { bars: barName, line: lineName })}>
        {[0, 0.5, 1].map((part) => (
          <g key={part}>
            <line class="chart-grid" x1={LEFT} x2={WIDE - RIGHT} y1={y(part)} y2={y(part)} />
            <text class="chart-scale" x={LEFT - 6} y={y(part) + 4} text-anchor="end">
              {seconds ? duration(1000 * most * part) : Number.isInteger(most * part) ? most * part : ''}
            </text>
            <text class="chart-scale" x={WIDE - RIGHT + 6} y={y(part) + 4}>
              {100 * part} %
            </text>
          </g>
        ))}
        {view.rows.map(({ startsAt, figures }, i) => (
          <g key={startsAt}>
            <rect
              class="chart-bar"
              x={x(startsAt) + width * 0.12}
              width={width * 0.76}
              y={y((figures[bars] ?? 0) / most)}
              height={y(0) - y((figures[bars] ?? 0) / most)}
            />
            {i % every === 0 && (
              <text class="chart-scale" x={x(startsAt) + width / 2} y={HIGH - 5} text-anchor="middle">
                {label(startsAt)}
              </text>
            )}
          </g>
        ))}
        <path class="chart-line" d={path.join('')} />
        {points.map((point) => (
          <circle key={point.x} class="chart-point" cx={point.x} cy={point.y} r="3" />
        ))}
      </svg>
      <figcaption class="small">
        <span class="chart-key" data-key="bar" /> {barName} <span class="chart-key" data-key="line" /> {lineName}
      </figcaption>
    </figure>
  );
}

function Contacts({
  panel,
  w,
  found,
  columns,
  timeZone,
  explain,
  open,
}: {
  panel: Panel;
  w: Word;
  found: ContactsView;
  columns: readonly Column[];
  timeZone: string;
  explain: Signal<Column | null>;
  open: Signal<string | null>;
}) {
  const { i18n } = panel;
  if (found.contacts.length === 0) return <Empty w={w} />;
  const time = new Intl.DateTimeFormat(i18n.language.value, {
    timeZone,
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  const link = (id: string) => (
    <button
      type="button"
      class="history-link"
      data-contact={id}
      aria-label={w('openLife', { id })}
      onClick={() => {
        open.value = id;
      }}
    >
      {id}
    </button>
  );
  return (
    <>
      {found.more && <p class="muted small">{w('more', { count: found.contacts.length })}</p>}
      <div class="history-scroll">
        <table class="history-table" data-testid="history-contacts">
          <thead>
            <tr>
              {columns.map((column) => (
                <Head key={column.name} w={w} column={column} explain={explain} />
              ))}
            </tr>
          </thead>
          <tbody>
            {found.contacts.map((one) => (
              <tr key={one.contactId}>
                <th scope="row">{link(one.contactId)}</th>
                <td>{time.format(one.arrivedAt)}</td>
                <td>{i18n.word('channel', one.channel)}</td>
                <td>{i18n.word('origin', one.origin)}</td>
                <td>{one.desk?.name ?? '–'}</td>
                <td>{one.agent?.name ?? '–'}</td>
                <td>{figure(one.waitedS, 'seconds')}</td>
                <td>{figure(one.talkedS, 'seconds')}</td>
                <td>{one.cause === null ? w('notOver') : i18n.word('cause', one.cause)}</td>
                <td>{one.disposition === null ? '–' : i18n.word('disposition', one.disposition)}</td>
                <td>{one.continues === null ? '–' : link(one.continues)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
