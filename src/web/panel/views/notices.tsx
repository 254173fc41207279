/** What a supervisor sees of notices: how far they are, live; making a new one, with all that is wrong in its list before it is made. */
import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { NoticeCheckView, NoticeHistoryView, NoticeListView, NoticeView } from '../../notice-messages.ts';
import type { Params } from '../i18n.ts';
import {
  type Answer,
  changeNotice,
  checkNotice,
  createNotice,
  listNotices,
  newRequestId,
  outcomesPath,
  type Refused,
  showNotice,
  toBase64,
} from '../notice-api.ts';
import { type NoticeWord, noticeWord, problemWord } from '../notice-words.ts';
import { formatNumber } from '../numbers.ts';
import type { Panel } from '../panel.ts';
import { Dialog } from './pieces.tsx';

const POLL_MS = 3_000;

type Word = (key: NoticeWord, params?: Params) => string;
const wordsOf =
  (panel: Panel): Word =>
  (key, params) =>
    noticeWord(panel.i18n.language.value, key, params);

export function NoticesView({ panel }: { panel: Panel }) {
  const w = wordsOf(panel);
  const list = useSignal<NoticeListView | null>(null);
  const problem = useSignal<Refused | null>(null);
  const creating = useSignal(false);
  const stopping = useSignal<NoticeView | null>(null);

  const look = async (): Promise<void> => {
    const answer = await listNotices();
    problem.value = answer.ok ? null : answer.refused;
    if (answer.ok) list.value = answer.value;
  };
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let gone = false;
    const lookOn = async (): Promise<void> => {
      const began = performance.now();
      if (document.visibilityState === 'visible') await look();
      // Counting long lists costs the centre something: it is asked so that it is busy with it for a tenth of the time at most.
      if (!gone) timer = setTimeout(() => void lookOn(), Math.max(POLL_MS, 10 * (performance.now() - began)));
    };
    void lookOn();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, []);

  const say = ({ code, message }: Refused): string => problemWord(panel.i18n.language.value, code, message);
  const change = async (notice: NoticeView, verb: 'pause' | 'resume' | 'stop'): Promise<void> => {
    const answer = await changeNotice(notice.id, verb);
    if (!answer.ok) panel.toast(say(answer.refused));
    await look();
  };

  if (!panel.mayWatch.value) return <p class="empty">{w('problem.notAllowed')}</p>;
  const found = list.value;
  return (
    <div class="notices">
      <header class="notices-top">
        <div>
          <h1>{w('title')}</h1>
          <p class="muted">{w('about')}</p>
        </div>
        {!creating.value && (
          <button
            type="button"
            class="button primary"
            disabled={found === null}
            onClick={() => {
              creating.value = true;
            }}
          >
            {w('create')}
          </button>
        )}
      </header>
      {problem.value !== null && (
        <p class="problem" role="alert">
          {say(problem.value)}
        </p>
      )}
      {creating.value && found !== null && (
        <NoticeForm
          panel={panel}
          desks={found.desks}
          scenarios={found.scenarios}
          say={say}
          onClose={(created) => {
            creating.value = false;
            if (created === null) return;
            panel.toast(w('created', { id: created.id }));
            void look();
          }}
        />
      )}
      {found === null ? (
        problem.value === null && <p class="empty">{w('loading')}</p>
      ) : found.notices.length === 0 ? (
        !creating.value && (
          <div class="card notices-empty">
            <h2>{w('empty')}</h2>
            <p class="muted">{w('emptyText')}</p>
          </div>
        )
      ) : (
        <ul class="notice-list">
          {found.notices.map((notice) => (
            <NoticeCard
              key={notice.id}
              panel={panel}
              notice={notice}
              onChange={(verb) => {
                if (verb === 'stop') stopping.value = notice;
                else void change(notice, verb);
              }}
            />
          ))}
        </ul>
      )}
      {stopping.value !== null && <StopDialog panel={panel} stopping={stopping} stop={(notice) => void change(notice, 'stop')} />}
    </div>
  );
}

function StopDialog({ panel, stopping, stop }: { panel: Panel; stopping: Signal<NoticeView | null>; stop: (notice: NoticeView) => void }) {
  const w = wordsOf(panel);
  const notice = stopping.value;
  if (notice === null) return null;
  const close = (): void => {
    stopping.value = null;
  };
  return (
    <Dialog title={w('stop.title', { id: notice.id })} closeLabel={w('stop.no')} onClose={close}>
      <p>{w('stop.text', { count: notice.waiting })}</p>
      <div class="notice-buttons">
        <button type="button" class="button" onClick={close}>
          {w('stop.no')}
        </button>
        <button
          type="button"
          class="button danger"
          onClick={() => {
            stop(notice);
            close();
          }}
        >
          {w('stop.yes')}
        </button>
      </div>
    </Dialog>
  );
}

const PARTS = ['reached', 'notReached', 'underWay', 'stopped', 'waiting'] as const;

function NoticeCard({
  panel,
  notice,
  onChange,
}: {
  panel: Panel;
  notice: NoticeView;
  onChange: (verb: 'pause' | 'resume' | 'stop') => void;
}) {
  const { i18n } = panel;
  const w = wordsOf(panel);
  const open = useSignal(false);
  const now = panel.now.value;
  const over = notice.reached + notice.notReached + notice.stopped;
  const time = (at: number): string => i18n.time(at, now);
  const when =
    notice.overAt !== null
      ? w('overAt', { time: time(notice.overAt) })
      : notice.state === 'paused'
        ? w('pausedHint')
        : notice.callsFrom !== null
          ? w('callsFrom', { time: time(notice.callsFrom) })
          : notice.estimatedEndAt !== null
            ? w('estimatedEnd', { time: time(notice.estimatedEndAt) })
            : '';
  return (
    <li class="card notice" data-notice-state={notice.state} data-testid={`notice-${notice.id}`}>
      <div class="notice-head">
        <span class="badge notice-state">{w(`state.${notice.state}`)}</span>
        <strong class="notice-text" lang={notice.language} title={notice.text}>
          {notice.id}. {notice.text.split('\n', 1)[0]}
        </strong>
        <span class="notice-total">{w('total', { over, total: notice.total })}</span>
      </div>
      <div
        class="notice-bar"
        role="progressbar"
        aria-label={notice.text}
        aria-valuemin={0}
        aria-valuemax={notice.total}
        aria-valuenow={over}
      >
        {PARTS.map((part) => notice[part] > 0 && <span key={part} data-part={part} style={{ flexGrow: notice[part] }} />)}
      </div>
      <dl class="notice-counts">
        {PARTS.map(
          (part) =>
            (notice[part] > 0 || part === 'reached') && (
              <div key={part} data-part={part}>
                <dt>{w(part)}</dt>
                <dd>
                  {notice[part]}
                  {part === 'underWay' && notice.resting > 0 && (
                    <span class="muted small"> ({w('resting', { count: notice.resting })})</span>
                  )}
                </dd>
              </div>
            ),
        )}
      </dl>
      <div class="notice-foot">
        <span class="muted small">
          {notice.desk.name} · {notice.scenario !== null && `${w('toldBy', { name: notice.scenario })} · `}
          {w('pace', notice.pace)} · {w('by', { name: notice.createdBy, time: time(notice.createdAt) })}
        </span>
        {when !== '' && <span class="notice-when small">{when}</span>}
        <div class="notice-buttons">
          <button
            type="button"
            class="button slim quiet"
            aria-expanded={open.value}
            onClick={() => {
              open.value = !open.value;
            }}
          >
            {w('details')}
          </button>
          {notice.state === 'running' && (
            <button type="button" class="button slim" onClick={() => onChange('pause')}>
              {w('pause')}
            </button>
          )}
          {notice.state === 'paused' && (
            <button type="button" class="button slim" onClick={() => onChange('resume')}>
              {w('resume')}
            </button>
          )}
          {(notice.state === 'running' || notice.state === 'paused') && (
            <button type="button" class="button slim danger-quiet" onClick={() => onChange('stop')}>
              {w('stop')}
            </button>
          )}
        </div>
      </div>
      {open.value && <NoticeDetails panel={panel} notice={notice} />}
    </li>
  );
}

function NoticeDetails({ panel, notice }: { panel: Panel; notice: NoticeView }) {
  const { i18n } = panel;
  const w = wordsOf(panel);
  const history = useSignal<NoticeHistoryView['history']>([]);
  useEffect(() => {
    void showNotice(notice.id).then((answer) => {
      if (answer.ok) history.value = answer.value.history;
    });
  }, [notice.id, notice.state]);
  const some = (counts: Readonly<Record<string, number>>, word: (code: string) => string) =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([code, count]) => (
        <li key={code}>
          {word(code)} <strong>{count}</strong>
        </li>
      ));
  return (
    <div class="notice-details">
      <p class="notice-whole" lang={notice.language}>
        {notice.text}
      </p>
      <ul class="notice-outcomes">
        {some(notice.dispositions, (code) => (code === '' ? w('nothingNoted') : i18n.word('disposition', code)))}
        {some(notice.causes, (code) => i18n.word('cause', code))}
      </ul>
      <section>
        <h3>{w('history')}</h3>
        <ul class="small">
          {history.value.map(({ at, by, action, reason }) => (
            <li key={`${at} ${action}`}>
              <time>{i18n.time(at, panel.now.value)}</time> {w(`action.${action}`)} · {by ?? w('itself')}
              {reason !== null && ` (${reason})`}
            </li>
          ))}
        </ul>
        <a href={outcomesPath(notice.id)} download>
          {w('download')}
        </a>
      </section>
    </div>
  );
}

const PROBLEMS_SHOWN = 50;

interface FormProps {
  readonly panel: Panel;
  readonly desks: NoticeListView['desks'];
  readonly scenarios: NoticeListView['scenarios'];
  readonly say: (refused: Refused) => string;
  /** Null: nothing was created. */
  readonly onClose: (created: NoticeView | null) => void;
}

function NoticeForm({ panel, desks, scenarios, say, onClose }: FormProps) {
  const w = wordsOf(panel);
  const form = useRef<HTMLFormElement>(null);
  // Chosen once for each form: pressing twice, or again after an answer was lost, makes one notice.
  const requestId = useRef(newRequestId());
  const busy = useSignal(false);
  const problem = useSignal<string | null>(null);
  const check = useSignal<NoticeCheckView | null>(null);
  const skipBad = useSignal(false);
  useEffect(() => form.current?.querySelector('textarea')?.focus(), []);

  const draft = async () => {
    const data = new FormData(form.current ?? undefined);
    const [file, pasted, text] = [data.get('file'), String(data.get('paste') ?? ''), String(data.get('text') ?? '')];
    const list = file instanceof File && file.size > 0 ? file : new Blob([pasted]);
    if (text.trim() === '' || list.size === 0) return null;
    return {
      requestId: requestId.current,
      deskId: String(data.get('desk')),
      language: data.get('language') === 'en' ? ('en' as const) : ('ja' as const),
      text,
      scenario: String(data.get('scenario') ?? '') || null,
      pace: { atATime: Number(data.get('atATime')), perMinute: Number(data.get('perMinute')) },
      list: await toBase64(list),
      skipBad: skipBad.value,
    };
  };
  const refuse = (answer: Exclude<Answer<unknown>, { ok: true }>): void => {
    problem.value = say(answer.refused);
  };
  const act = async (create: boolean): Promise<void> => {
    if (busy.value) return;
    busy.value = true;
    problem.value = null;
    const wanted = await draft().catch(() => null);
    if (wanted === null) problem.value = w('form.missing');
    else if (!create) {
      const answer = await checkNotice(wanted);
      if (answer.ok) check.value = answer.value;
      else refuse(answer);
    } else {
      const answer = await createNotice(wanted);
      if (answer.ok) return onClose(answer.value);
      if ('wrong' in answer) check.value = answer.wrong;
      else refuse(answer);
    }
    busy.value = false;
  };
  const found = check.value;
  const ready = found !== null && found.good > 0 && (found.bad === 0 || skipBad.value);

  return (
    <form
      ref={form}
      class="card notice-form"
      aria-label={w('form.title')}
      onSubmit={(event) => {
        event.preventDefault();
        void act(ready);
      }}
    >
      <h2>{w('form.title')}</h2>
      {/* What was checked is not what is written any more. */}
      <div
        class="notice-fields"
        onInput={() => {
          check.value = null;
          skipBad.value = false;
        }}
      >
        <div class="notice-column">
          <label class="field">
            <span>{w('form.text')}</span>
            <textarea name="text" rows={4} maxLength={2_000} required />
            <small class="muted">{w('form.textHint')}</small>
          </label>
          <div class="notice-row">
            <label class="field grow">
              <span>{w('form.desk')}</span>
              <select name="desk">
                {desks.map((desk) => (
                  <option key={desk.id} value={desk.id}>
                    {desk.name}
                  </option>
                ))}
              </select>
            </label>
            <label class="field">
              <span>{w('form.language')}</span>
              <select name="language">
                {(['ja', 'en'] as const).map((code) => (
                  <option key={code} value={code} selected={code === panel.i18n.language.peek()}>
                    {code === 'ja' ? '日本語' : 'English'}
                  </option>
                ))}
              </select>
            </label>
          </div>
          {scenarios.length > 0 && (
            <label class="field">
              <span>{w('form.teller')}</span>
              <select name="scenario">
                <option value="">{w('form.tellerAgent')}</option>
                {scenarios.map((name) => (
                  <option key={name} value={name}>
                    {w('form.tellerScenario', { name })}
                  </option>
                ))}
              </select>
              <small class="muted">{w('form.tellerHint')}</small>
            </label>
          )}
          <div class="notice-row">
            <label class="field">
              <span>{w('form.atATime')}</span>
              <input type="number" name="atATime" min={1} max={500} defaultValue="5" required />
            </label>
            <label class="field">
              <span>{w('form.perMinute')}</span>
              <input type="number" name="perMinute" min={1} max={600} defaultValue="20" required />
            </label>
          </div>
        </div>
        <div class="notice-column">
          <label class="field">
            <span>{w('form.file')}</span>
            <input type="file" name="file" accept=".csv,.txt,.tsv,text/csv" />
            <small class="muted">{w('form.listHint')}</small>
          </label>
          <label class="field grow">
            <span>{w('form.paste')}</span>
            <textarea name="paste" rows={5} placeholder={w('form.pasteHint')} />
          </label>
        </div>
      </div>
      {found !== null && <CheckResult panel={panel} check={found} />}
      {found !== null && found.bad > 0 && found.good > 0 && (
        <label class="check">
          <input
            type="checkbox"
            checked={skipBad.value}
            onChange={(event) => {
              skipBad.value = event.currentTarget.checked;
            }}
          />
          {found.bad === 1 ? w('form.skipBadOne') : w('form.skipBad', { count: found.bad })}
        </label>
      )}
      {problem.value !== null && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      <div class="notice-buttons">
        <button type="button" class="button" onClick={() => onClose(null)}>
          {w('form.cancel')}
        </button>
        <button type="submit" class="button primary" disabled={busy.value || (found !== null && !ready)}>
          {busy.value
            ? w('form.checking')
            : found === null
              ? w('form.check')
              : found.good === 1
                ? w('form.createOne')
                : w('form.create', { count: found.good })}
        </button>
      </div>
    </form>
  );
}

function CheckResult({ panel, check }: { panel: Panel; check: NoticeCheckView }) {
  const { i18n } = panel;
  const w = wordsOf(panel);
  const language = i18n.language.value;
  const hidden = check.bad - Math.min(check.problems.length, PROBLEMS_SHOWN);
  return (
    <section class="notice-check" role="status" data-testid="notice-check">
      <div>
        <h3>{w('check.good', { count: check.good })}</h3>
        {check.first.length > 0 && (
          <>
            <p class="muted small">{w('check.first')}</p>
            <ul class="small">
              {check.first.map(({ line, number, name }) => (
                <li key={line}>
                  <span class="timer">{formatNumber(number)}</span> {name}
                </li>
              ))}
            </ul>
          </>
        )}
        {check.callsFrom !== null && (
          <p class="notice-note">{w('check.callsFrom', { time: i18n.time(check.callsFrom, panel.now.value) })}</p>
        )}
        {check.alsoInCount > 0 && (
          <div class="notice-note">
            <p>{w('check.alsoIn', { count: check.alsoInCount })}</p>
            <ul class="small">
              {check.alsoIn.map(({ line, number, name, notice }) => (
                <li key={line}>
                  {w('check.line', { line })}: {formatNumber(number)} {name} ({w('check.alsoInNotice', { id: notice })})
                </li>
              ))}
              {check.alsoInCount > check.alsoIn.length && <li>{w('check.more', { count: check.alsoInCount - check.alsoIn.length })}</li>}
            </ul>
          </div>
        )}
      </div>
      {check.bad > 0 && (
        <div class="notice-wrong">
          <h3>{check.bad === 1 ? w('check.badOne') : w('check.bad', { count: check.bad })}</h3>
          <ul class="small">
            {check.problems.slice(0, PROBLEMS_SHOWN).map(({ line, value, message }) => (
              <li key={line}>
                <strong>{w('check.line', { line })}</strong> {value !== '' && <code>{value}</code>} {message[language]}
              </li>
            ))}
            {hidden > 0 && <li>{w('check.more', { count: hidden })}</li>}
          </ul>
        </div>
      )}
    </section>
  );
}
