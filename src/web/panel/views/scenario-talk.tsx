/** A talk with a scenario: keys are pressed, what would be said is read. It runs on the server, where nobody is called for it. */
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { ScenarioSummaryView, TalkAct, TalkDraft, TalkView } from '../../scenario-messages.ts';
import type { Refused } from '../notice-api.ts';
import type { Panel } from '../panel.ts';
import { actInTalk, beginTalk } from '../scenario-api.ts';
import { scenarioWords as wordsOf } from '../scenario-words.ts';

const KEYS = [...'123456789*0#'];
const PARTIES = ['new', 'customer', 'prospect', 'dealer', 'agency', 'unknown'] as const;
const SERVICES = ['found', 'notFound', 'failed'] as const;
const RECORDS_S = 5;

/** As such a field has it: by this computer's clock, to the minute. */
const localMinute = (at: number): string => new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

interface TalkProps {
  readonly panel: Panel;
  readonly scenario: ScenarioSummaryView;
  readonly version: string;
  readonly talk: TalkView | null;
  readonly say: (refused: Refused) => string;
  readonly onTalk: (talk: TalkView | null) => void;
}

export function TalkPane({ panel, scenario, version, talk, say, onTalk }: TalkProps) {
  const w = wordsOf(panel);
  const draft = useSignal<TalkDraft | null>(null);
  const problem = useSignal<string | null>(null);
  const pane = useRef<HTMLElement>(null);
  /** Answers come in the order of the keys. */
  const queue = useRef<Promise<void>>(Promise.resolve());

  const take = (answer: Awaited<ReturnType<typeof beginTalk>>): void => {
    problem.value = answer.ok ? null : say(answer.refused);
    if (answer.ok) onTalk(answer.value);
  };
  const begin = async (wanted: TalkDraft): Promise<void> => {
    draft.value = wanted;
    take(await beginTalk(wanted));
  };
  const act = (what: TalkAct): void => {
    if (talk === null || talk.ends !== null) return;
    const { id } = talk;
    queue.current = queue.current.then(async () => take(await actInTalk(id, what)));
  };

  const open = talk !== null && talk.ends === null;
  // Before it is seen: whoever sees it may press a key at once.
  useLayoutEffect(() => {
    if (!open) return;
    const onKey = (event: KeyboardEvent): void => {
      const typing = event.target instanceof HTMLElement && ['INPUT', 'TEXTAREA', 'SELECT'].includes(event.target.tagName);
      if (typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey || !KEYS.includes(event.key)) return;
      event.preventDefault();
      act({ does: 'key', key: event.key });
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [open, talk?.id]);

  return (
    <aside class="card talk" ref={pane} aria-label={w('talk.title', { name: scenario.name })} data-testid="talk">
      <h2>{w('talk.title', { name: scenario.name })}</h2>
      {problem.value !== null && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {talk === null ? (
        <TalkSettings panel={panel} scenario={scenario} before={draft.value} onBegin={(wanted) => void begin(wanted)} />
      ) : (
        <>
          <TalkLines panel={panel} talk={talk} />
          {talk.version !== version && <p class="muted small">{w('talk.otherRelease', { version: talk.version })}</p>}
          {talk.ends === null ? (
            <Controls panel={panel} talk={talk} act={act} />
          ) : (
            <p class="talk-end" role="status">
              {w('talk.ended', { how: talk.ends })}
            </p>
          )}
          <div class="talk-row">
            <button type="button" class="button slim" onClick={() => draft.value !== null && void begin(draft.value)}>
              {w('talk.again')}
            </button>
            <button
              type="button"
              class="button slim quiet"
              onClick={() => {
                onTalk(null);
              }}
            >
              {w('talk.settings')}
            </button>
          </div>
        </>
      )}
    </aside>
  );
}

function TalkSettings({
  panel,
  scenario,
  before,
  onBegin,
}: {
  panel: Panel;
  scenario: ScenarioSummaryView;
  before: TalkDraft | null;
  onBegin: (draft: TalkDraft) => void;
}) {
  const w = wordsOf(panel);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector<HTMLButtonElement>('button[type=submit]')?.focus(), []);
  const read = (): TalkDraft => {
    const data = new FormData(form.current ?? undefined);
    const text = (name: string): string | null => String(data.get(name) ?? '').trim() || null;
    const at = text('at');
    return {
      scenario: scenario.name,
      language: data.get('language') === 'en' ? 'en' : 'ja',
      from: text('from')?.replace(/[\s-]/g, '') ?? null,
      at: at === null ? null : new Date(at).getTime(),
      party: PARTIES.find((one) => one === data.get('party')) ?? 'new',
      known: text('known'),
      staffed: data.get('staffed') !== null,
      services: SERVICES.find((one) => one === data.get('services')) ?? 'found',
      speech: data.get('speech') !== null,
    };
  };
  const language = before?.language ?? scenario.languages.find((one) => one === panel.i18n.language.peek()) ?? scenario.languages[0];
  return (
    <form
      ref={form}
      class="talk-settings"
      onSubmit={(event) => {
        event.preventDefault();
        onBegin(read());
      }}
    >
      <p class="muted small">{w('talk.about')}</p>
      <div class="talk-row">
        <label class="field grow">
          <span>{w('talk.language')}</span>
          <select name="language">
            {scenario.languages.map((code) => (
              <option key={code} value={code} selected={code === language}>
                {code === 'ja' ? '日本語' : 'English'}
              </option>
            ))}
          </select>
        </label>
        <label class="field grow">
          <span>{w('talk.party')}</span>
          <select name="party">
            {PARTIES.map((one) => (
              <option key={one} value={one} selected={one === (before?.party ?? 'new')}>
                {w(`party.${one}`)}
              </option>
            ))}
          </select>
        </label>
      </div>
      <label class="field">
        <span>{w('talk.from')}</span>
        <input name="from" inputMode="tel" autocomplete="off" defaultValue={before === null ? '+819012345678' : (before.from ?? '')} />
        <small class="muted">{w('talk.fromHint')}</small>
      </label>
      <label class="field">
        <span>{w('talk.known')}</span>
        <input name="known" autocomplete="off" maxLength={64} defaultValue={before?.known ?? ''} />
        <small class="muted">{w('talk.knownHint')}</small>
      </label>
      <label class="field">
        <span>{w('talk.services')}</span>
        <select name="services">
          {SERVICES.map((one) => (
            <option key={one} value={one} selected={one === (before?.services ?? 'found')}>
              {w(`services.${one}`)}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>{w('talk.at')}</span>
        <input name="at" type="datetime-local" defaultValue={before?.at ? localMinute(before.at) : ''} />
        <small class="muted">{w('talk.atHint')}</small>
      </label>
      <label class="talk-check">
        <input name="staffed" type="checkbox" defaultChecked={before?.staffed ?? true} /> {w('talk.staffed')}
      </label>
      <label class="talk-check">
        <input name="speech" type="checkbox" defaultChecked={before?.speech ?? false} /> {w('talk.speech')}
      </label>
      <button type="submit" class="button primary">
        {w('talk.begin')}
      </button>
    </form>
  );
}

function TalkLines({ panel, talk }: { panel: Panel; talk: TalkView }) {
  const w = wordsOf(panel);
  const end = useRef<HTMLOListElement>(null);
  useEffect(() => end.current?.lastElementChild?.scrollIntoView({ block: 'nearest' }), [talk.lines.length]);
  return (
    <>
      <p class="muted small" data-testid="talk-step">
        {w('talk.step', { step: talk.scenario === '' ? talk.step : `${talk.scenario}: ${talk.step}` })}
      </p>
      <ol class="talk-lines" ref={end} aria-live="polite">
        {talk.lines.map(({ who, text }, index) => (
          <li key={index} data-who={who}>
            <span class="visually-hidden">{w(`talk.${who}`)}: </span>
            {text}
          </li>
        ))}
      </ol>
    </>
  );
}

function Controls({ panel, talk, act }: { panel: Panel; talk: TalkView; act: (what: TalkAct) => void }) {
  const w = wordsOf(panel);
  const words = useSignal('');
  return (
    <>
      <fieldset class="talk-keys" aria-label={w('talk.keypad')}>
        {KEYS.map((key) => (
          <button key={key} type="button" class="button" onClick={() => act({ does: 'key', key })}>
            {key}
          </button>
        ))}
      </fieldset>
      <p class="muted small">{w('talk.keysHint')}</p>
      {talk.listening && (
        <form
          class="talk-row"
          onSubmit={(event) => {
            event.preventDefault();
            if (words.value.trim() !== '') act({ does: 'says', words: words.value.trim() });
            words.value = '';
          }}
        >
          <input
            class="grow"
            aria-label={w('talk.sayHint')}
            placeholder={w('talk.sayHint')}
            maxLength={200}
            value={words.value}
            onInput={(event) => {
              words.value = event.currentTarget.value;
            }}
          />
          <button type="submit" class="button slim">
            {w('talk.say')}
          </button>
        </form>
      )}
      <div class="talk-row">
        <button type="button" class="button slim" onClick={() => act({ does: 'silence' })}>
          {w('talk.silence')}
        </button>
        {talk.awaits === 'recording' && (
          <button type="button" class="button slim" onClick={() => act({ does: 'records', seconds: RECORDS_S })}>
            {w('talk.record')}
          </button>
        )}
        {talk.awaits === 'queue' && (
          <button type="button" class="button slim" onClick={() => act({ does: 'agent' })}>
            {w('talk.agent')}
          </button>
        )}
        <button type="button" class="button slim danger-quiet" onClick={() => act({ does: 'hangUp' })}>
          {w('talk.hangUp')}
        </button>
      </div>
    </>
  );
}
