/** What a supervisor sees of scenarios: where callers are and where they give up, what is wrong with the files, and a talk to try one out. */
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { ScenarioListView, ScenarioStepView, ScenarioSummaryView, TalkView } from '../../scenario-messages.ts';
import { markSteps, readDrawing, type StepMark } from '../drawing.ts';
import type { Refused } from '../notice-api.ts';
import { formatNumber } from '../numbers.ts';
import type { Panel } from '../panel.ts';
import { drawScenario, listScenarios } from '../scenario-api.ts';
import { scenarioProblem, scenarioWords as wordsOf } from '../scenario-words.ts';
import { TalkPane } from './scenario-talk.tsx';

const POLL_MS = 2_000;
type Period = 'today' | 'week';

/** In whole percent; null when nobody came. */
const shareOf = ({ entered, gaveUp }: ScenarioStepView['today']): number | null =>
  entered === 0 ? null : Math.min(100, Math.round((100 * gaveUp) / entered));
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

export function ScenariosView({ panel }: { panel: Panel }) {
  const w = wordsOf(panel);
  const list = useSignal<ScenarioListView | null>(null);
  const problem = useSignal<Refused | null>(null);
  const chosen = useSignal<string | null>(null);
  const period = useSignal<Period>('today');
  const trying = useSignal(false);
  const talk = useSignal<TalkView | null>(null);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let gone = false;
    const look = async (): Promise<void> => {
      if (document.visibilityState === 'visible') {
        const answer = await listScenarios();
        problem.value = answer.ok ? null : answer.refused;
        if (answer.ok) list.value = answer.value;
      }
      if (!gone) timer = setTimeout(() => void look(), POLL_MS);
    };
    void look();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, []);

  if (!panel.mayWatch.value) return <p class="empty">{w('problem.notAllowed')}</p>;
  const found = list.value;
  const say = ({ code, message }: Refused): string => scenarioProblem(panel.i18n.language.value, code, message);
  const shown = found?.scenarios.find(({ name }) => name === chosen.value) ?? found?.scenarios[0];
  return (
    <div class="scenarios">
      <header class="scenarios-top">
        <h1>{w('title')}</h1>
        {found !== null && (
          <p class="muted" data-testid="release">
            {w('release', { version: found.release.version, time: panel.i18n.time(found.release.since, panel.now.value) })}
            {found.release.preparing && ` · ${w('preparing')}`}
            {found.olderReleases > 0 && ` · ${found.olderReleases === 1 ? w('olderOne') : w('older', { count: found.olderReleases })}`}
          </p>
        )}
      </header>
      {problem.value !== null && (
        <p class="problem" role="alert">
          {say(problem.value)}
        </p>
      )}
      {found !== null && found.problems.length > 0 && <Problems panel={panel} list={found} />}
      {found === null || shown === undefined ? (
        problem.value === null && <p class="empty">{w('loading')}</p>
      ) : (
        <div class="scenarios-body" data-trying={trying.value}>
          <nav class="scenario-list" aria-label={w('list')}>
            {found.scenarios.map((scenario) => (
              <ScenarioCard
                key={scenario.name}
                panel={panel}
                scenario={scenario}
                current={scenario.name === shown.name}
                onChoose={() => {
                  chosen.value = scenario.name;
                  trying.value = false;
                  talk.value = null;
                }}
              />
            ))}
          </nav>
          <ScenarioPane
            panel={panel}
            // While a talk is in a scenario that was called, that one is shown.
            scenario={found.scenarios.find(({ name }) => name === talk.value?.scenario) ?? shown}
            version={found.release.version}
            counted={found.countedAt !== null}
            period={period.value}
            onPeriod={(next) => {
              period.value = next;
            }}
            current={talk.value !== null && talk.value.ends === null ? talk.value.step : null}
            trying={trying.value}
            onTry={() => {
              trying.value = !trying.value;
              talk.value = null;
            }}
          />
          {trying.value && (
            <TalkPane
              key={shown.name}
              panel={panel}
              scenario={shown}
              version={found.release.version}
              talk={talk.value}
              say={say}
              onTalk={(next) => {
                talk.value = next;
              }}
            />
          )}
        </div>
      )}
    </div>
  );
}

function Problems({ panel, list }: { panel: Panel; list: ScenarioListView }) {
  const w = wordsOf(panel);
  const more = list.problemCount - list.problems.length;
  return (
    <section class="card scenario-problems" role="alert" data-testid="file-problems">
      <h2>{w('problems.title', { time: list.problemsSince === null ? '' : panel.i18n.time(list.problemsSince, panel.now.value) })}</h2>
      <p>{w('problems.text', { version: list.release.version })}</p>
      <ul lang="en">
        {list.problems.map(({ file, line, column, problem, remedy }) => (
          <li key={`${file}:${line}:${column} ${problem}`}>
            <code>
              {file}:{line}:{column}
            </code>{' '}
            {problem}; <span class="muted">{remedy}</span>
          </li>
        ))}
        {more > 0 && <li>{w('problems.more', { count: more })}</li>}
      </ul>
    </section>
  );
}

function ScenarioCard({
  panel,
  scenario,
  current,
  onChoose,
}: {
  panel: Panel;
  scenario: ScenarioSummaryView;
  current: boolean;
  onChoose: () => void;
}) {
  const w = wordsOf(panel);
  const { name, tests, entries, steps } = scenario;
  const now = sum(steps.map((step) => step.now)) + scenario.elsewhere;
  const gaveUp = sum(steps.map((step) => step.today.gaveUp));
  const greets = entries.length === 0 ? w('called') : w(scenario.callers, { numbers: entries.map(formatNumber).join(', ') });
  return (
    <button
      type="button"
      class="scenario-card"
      aria-current={current ? 'true' : undefined}
      data-testid={`scenario-${name}`}
      onClick={onChoose}
    >
      <span class="scenario-name">
        <strong>{name}</strong>
        {now > 0 && <span class="badge live">● {w('now', { count: now })}</span>}
      </span>
      <span class="muted small">{greets}</span>
      <span class="scenario-facts small">
        <span data-good={tests.total === 0 ? undefined : tests.passed === tests.total}>
          {tests.total === 0 ? w('noTests') : `${tests.passed === tests.total ? '✓' : '✕'} ${w('tests', tests)}`}
        </span>
        <span>{w('coverage', { percent: steps.length === 0 ? 100 : Math.floor((100 * tests.stepsReached) / steps.length) })}</span>
        {gaveUp > 0 && <span>✕ {w('gaveUpToday', { count: gaveUp })}</span>}
      </span>
    </button>
  );
}

const ZOOM_STEP = 1.25;
const LARGEST_FIT = 1.1;
const SMALLEST_FIT = 0.6;

function ScenarioPane({
  panel,
  scenario,
  version,
  counted,
  period,
  onPeriod,
  current,
  trying,
  onTry,
}: {
  panel: Panel;
  scenario: ScenarioSummaryView;
  version: string;
  /** Whether it is known yet who gave up where. */
  counted: boolean;
  period: Period;
  onPeriod: (period: Period) => void;
  /** Where a talk stands. */
  current: string | null;
  trying: boolean;
  onTry: () => void;
}) {
  const w = wordsOf(panel);
  const asTable = useSignal(false);
  /** Null: as large as fits. */
  const zoom = useSignal<number | null>(null);
  const { name } = scenario;
  return (
    <section class="card scenario-pane" aria-label={w('drawing', { name })}>
      <div class="scenario-tools">
        <h2>{name}</h2>
        <fieldset class="periods" aria-label={w('period')}>
          {(['today', 'week'] as const).map((one) => (
            <button key={one} type="button" aria-pressed={period === one} onClick={() => onPeriod(one)}>
              {w(one)}
            </button>
          ))}
        </fieldset>
        <p class="scenario-legend small">
          <span class="legend now">●</span> {w('legend.now')}
          <span class="legend gave-up">✕</span> {w('legend.gaveUp')} {!counted && w('counting')}
        </p>
        <div class="scenario-buttons">
          {!asTable.value && (
            <>
              <Zoom label={w('zoomOut')} sign="−" by={1 / ZOOM_STEP} zoom={zoom} />
              <button
                type="button"
                class="button slim quiet"
                onClick={() => {
                  zoom.value = null;
                }}
              >
                {w('fit')}
              </button>
              <Zoom label={w('zoomIn')} sign="＋" by={ZOOM_STEP} zoom={zoom} />
            </>
          )}
          <button
            type="button"
            class="button slim"
            aria-pressed={asTable.value}
            onClick={() => {
              asTable.value = !asTable.value;
            }}
          >
            {w('asTable')}
          </button>
          <button type="button" class="button slim primary" aria-expanded={trying} onClick={onTry}>
            {trying ? w('talk.close') : w('talk.open')}
          </button>
        </div>
      </div>
      {scenario.elsewhere > 0 && <p class="small">{w('elsewhere', { count: scenario.elsewhere })}</p>}
      {asTable.value ? (
        <StepTable panel={panel} scenario={scenario} period={period} current={current} />
      ) : (
        <Drawing key={name} panel={panel} scenario={scenario} version={version} period={period} current={current} zoom={zoom.value} />
      )}
    </section>
  );
}

function Zoom({ label, sign, by, zoom }: { label: string; sign: string; by: number; zoom: { value: number | null } }) {
  return (
    <button
      type="button"
      class="button slim quiet"
      aria-label={label}
      title={label}
      onClick={() => {
        const drawing = document.querySelector('.scenario-drawing svg');
        const now = zoom.value ?? (drawing === null ? 1 : Number(drawing.getAttribute('data-scale')));
        zoom.value = Math.min(3, Math.max(0.2, now * by));
      }}
    >
      {sign}
    </button>
  );
}

function StepTable({
  panel,
  scenario,
  period,
  current,
}: {
  panel: Panel;
  scenario: ScenarioSummaryView;
  period: Period;
  current: string | null;
}) {
  const w = wordsOf(panel);
  return (
    <div class="scenario-table">
      <table>
        <thead>
          <tr>
            {(['step', 'now', 'entered', 'gaveUp', 'share'] as const).map((column) => (
              <th key={column} scope="col">
                {w(`table.${column}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {scenario.steps.map((step) => {
            const share = shareOf(step[period]);
            return (
              <tr key={step.name} aria-current={step.name === current ? 'step' : undefined}>
                <th scope="row">{step.name}</th>
                <td>{step.now}</td>
                <td>{step[period].entered}</td>
                <td>{step[period].gaveUp}</td>
                <td>{share === null ? '–' : `${share} %`}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Drawing({
  panel,
  scenario,
  version,
  period,
  current,
  zoom,
}: {
  panel: Panel;
  scenario: ScenarioSummaryView;
  version: string;
  period: Period;
  current: string | null;
  zoom: number | null;
}) {
  const w = wordsOf(panel);
  const frame = useRef<HTMLDivElement>(null);
  const drawing = useSignal<SVGSVGElement | null>(null);
  const problem = useSignal<string | null>(null);
  const language = panel.i18n.language.value;

  useEffect(() => {
    let gone = false;
    void drawScenario(scenario.name, language).then((answer) => {
      if (gone) return;
      const read = answer.ok ? readDrawing(answer.value.svg) : null;
      problem.value =
        read !== null ? null : answer.ok ? w('problem.noDrawing') : scenarioProblem(language, answer.refused.code, answer.refused.message);
      if (read !== null) drawing.value = read;
    });
    return () => {
      gone = true;
    };
  }, [scenario.name, version, language]);

  const svg = drawing.value;
  useLayoutEffect(() => {
    const place = frame.current;
    if (svg === null || place === null) return;
    place.replaceChildren(svg);
    const [, , width = 1, height = 1] = (svg.getAttribute('viewBox') ?? '').split(' ').map(Number);
    const resize = (): void => {
      // Letters stay readable: a wide drawing is scrolled, a small one is not blown up.
      const scale = zoom ?? Math.min(LARGEST_FIT, Math.max(SMALLEST_FIT, (place.clientWidth - 8) / width));
      svg.setAttribute('data-scale', String(scale));
      svg.setAttribute('width', String(Math.round(width * scale)));
      svg.setAttribute('height', String(Math.round(height * scale)));
    };
    resize();
    const watch = new ResizeObserver(resize);
    watch.observe(place);
    return () => watch.disconnect();
  }, [svg, zoom]);
  useLayoutEffect(() => {
    if (svg === null) return;
    const marks = new Map<string, StepMark>(
      scenario.steps.map((step) => {
        const { entered, gaveUp } = step[period];
        const share = shareOf(step[period]);
        const tip = `${w('tip.now', { count: step.now })}\n${w('tip.lately', { entered, gaveUp, share: share ?? 0 })}`;
        return [step.name, { now: step.now, gaveUp, share, tip }];
      }),
    );
    markSteps(svg, marks, current);
  }, [svg, scenario, period, current, language]);
  useEffect(() => {
    if (current !== null) svg?.querySelector('g.step.current')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [svg, current]);

  return (
    <>
      {problem.value !== null && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what can be scrolled must be so by keys, too */}
      <section class="scenario-drawing" ref={frame} tabIndex={0} aria-label={w('drawing', { name: scenario.name })} />
    </>
  );
}
