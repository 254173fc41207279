/**
 * The page behind a callback's link, as HTML: complete without any script. The script (`call-me/callback.ts`) only keeps it up
 * to date, by the marks that are left for it: `data-live` parts are replaced whenever they differ, `data-actions` (where the
 * visitor may be choosing a time) only when what can be done is another.
 */
import type { EpochMs, Language } from '../../base/ids.ts';
import type { Callback, CallMeState } from '../backend.ts';
import { escapeHtml, page } from '../pages.ts';
import { type Problem, WORDS } from './words.ts';

/** Where the customer sees and changes a callback, beneath the address of the house. */
export const callbackPath = (token: string): string => `/callback/${encodeURIComponent(token)}`;

const STYLE = `
  :root { --line: color-mix(in srgb, currentColor 22%, transparent); --soft: color-mix(in srgb, currentColor 6%, transparent); --go: #2756c5; --bad: light-dark(#b3261e, #ff9c93) }
  body { max-width: 34rem; padding: 1.2rem 1.2rem 3rem; overflow-wrap: anywhere }
  header { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; margin-bottom: 1.4rem; font-size: .9rem }
  header b { font-weight: 600 }
  a { color: light-dark(#2756c5, #8fb0ff) }
  .status { border: 1px solid var(--line); border-radius: .9rem; padding: 1.3rem 1.4rem 1.4rem }
  .status p { margin: .2rem 0 0 }
  .place { margin-top: .9rem !important; padding: .7rem 1rem; border-radius: .7rem; background: var(--soft); font-size: 1.15rem; font-weight: 650; text-align: center }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.2rem; margin: 1.4rem .2rem }
  dt { opacity: .75 } dd { margin: 0 }
  details, .refresh { border-top: 1px solid var(--line); padding: .9rem .2rem }
  summary { cursor: pointer; font-weight: 600 }
  details form { display: grid; gap: .7rem; margin-top: .8rem }
  details p { margin: 0 }
  label { display: grid; gap: .3rem; font-weight: 600; font-size: .92rem }
  .pair { display: grid; grid-template-columns: 3fr 2fr; gap: .7rem }
  select, button { font: inherit; padding: .6rem .8rem; border-radius: .6rem; border: 1px solid color-mix(in srgb, currentColor 45%, transparent) }
  select { background: Canvas; color: CanvasText; width: 100% }
  button { cursor: pointer; font-weight: 650; background: var(--go); border-color: var(--go); color: #fff }
  button.danger { background: none; border-color: currentColor; color: var(--bad) }
  :focus-visible { outline: 3px solid var(--go); outline-offset: 2px }
  .bad { color: var(--bad); font-weight: 600 }
  [hidden] { display: none !important }`;

const MOVABLE: ReadonlySet<CallMeState> = new Set(['waiting', 'agreed', 'resting', 'closed']);
const CANCELLABLE: ReadonlySet<CallMeState> = new Set([...MOVABLE, 'preparing', 'calling', 'connectingAgent']);

/** Wall-clock texts in one zone. */
function clockOf(language: Language, timeZone: string) {
  const locale = language === 'ja' ? 'ja-JP' : 'en-GB';
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { timeZone, ...options });
  const day = format({ weekday: 'short', day: 'numeric', month: language === 'ja' ? 'numeric' : 'short' });
  const time = format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const zone = format({ timeZoneName: 'longGeneric' });
  return {
    day: (at: EpochMs) => day.format(at),
    time: (at: EpochMs) => time.format(at),
    zone: zone.formatToParts(0).find(({ type }) => type === 'timeZoneName')?.value ?? timeZone,
    /** "at 15:00" today, else with the day. */
    when(at: EpochMs, now: EpochMs): string {
      const today = day.format(at) === day.format(now);
      if (language === 'ja') return today ? time.format(at) : `${day.format(at)} ${time.format(at)}`;
      return today ? `at ${time.format(at)}` : `on ${day.format(at)} at ${time.format(at)}`;
    },
  };
}

const MINUTE_MS = 60_000;

/**
 * The whole page.
 * @param problem why what was just asked for was not done
 */
export function callbackPage(callback: Callback, language: Language, now: EpochMs, problem: Problem | null): string {
  const words = WORDS[language];
  const { state, position, estimatedWaitMs, callAt, timeZone } = callback.status;
  const clock = clockOf(language, timeZone);
  const [title, text] = words.states[state](callAt === null ? '' : clock.when(callAt, now));
  const wait =
    estimatedWaitMs === null ? [] : [estimatedWaitMs < MINUTE_MS ? words.soon : words.wait(Math.ceil(estimatedWaitMs / MINUTE_MS))];
  const place = [...(position === null ? [] : [words.place(position)]), ...wait].join(' · ');
  const facts: readonly (readonly [string, string | null])[] = [
    [words.facts.to, callback.to],
    [words.facts.name, callback.name],
    [words.facts.question, callback.question],
    [words.facts.origin, words.origins[callback.origin]],
    [words.facts.askedAt, `${clock.day(callback.askedAt)} ${clock.time(callback.askedAt)}`],
    [words.facts.desk, callback.desk],
  ];
  const can = [...(MOVABLE.has(state) && callback.times.length > 0 ? ['move'] : []), ...(CANCELLABLE.has(state) ? ['cancel'] : [])];
  return frame(
    language,
    title,
    `<main>
<section class="status" role="status" aria-live="polite" data-live="status" data-state="${state}">
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(text)}</p>
${place === '' ? '' : `<p class="place">${escapeHtml(place)}</p>`}
</section>
<p class="bad" id="lost" hidden>${escapeHtml(words.lost)}</p>
${problem === null ? '' : `<p class="bad" role="alert">${escapeHtml(words.problems[problem])}</p>`}
<dl data-live="facts">
${facts.flatMap(([name, value]) => (value === null || value === '' ? [] : [`<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`])).join('\n')}
</dl>
<div data-actions="${can.join(' ')} ${callAt ?? ''}">
${can.includes('move') ? moveForm(callback, language, problem?.startsWith('time') ?? false) : ''}
${can.includes('cancel') ? cancelForm(language) : ''}
${can.length === 0 ? '' : `<noscript><p class="refresh">${escapeHtml(words.noScript)} <a href="?language=${language}">${escapeHtml(words.refresh)}</a></p></noscript>`}
</div>
</main>
<script src="/callback.js" defer></script>`,
  );
}

/** All times in one list, by day: it works everywhere. The script makes two short ones of it. */
function moveForm({ times, status }: Callback, language: Language, open: boolean): string {
  const words = WORDS[language];
  const clock = clockOf(language, status.timeZone);
  const days = Map.groupBy(times, clock.day);
  const groups = [...days].map(([day, ofDay]) => {
    const options = ofDay.map((at) => {
      const chosen = status.state === 'agreed' && at === status.callAt ? ' selected' : '';
      return `<option value="${at}"${chosen}>${clock.time(at)}</option>`;
    });
    return `<optgroup label="${escapeHtml(day)}">${options.join('')}</optgroup>`;
  });
  return `<details${open ? ' open' : ''}>
<summary>${escapeHtml(words.move)}</summary>
<form method="post">
<div class="when"><label><span>${escapeHtml(words.moveTo)}</span>
<select name="callAt" data-day="${escapeHtml(words.day)}" data-time="${escapeHtml(words.time)}">
<option value="">${escapeHtml(words.asSoonAsPossible)}</option>
${groups.join('\n')}
</select></label></div>
<p class="muted"><small>${escapeHtml(words.zone(clock.zone))}</small></p>
<button name="action" value="move">${escapeHtml(words.moveIt)}</button>
</form>
</details>`;
}

/** Opened first, then pressed: nobody cancels by a slip, and it needs no script. */
function cancelForm(language: Language): string {
  const words = WORDS[language];
  return `<details>
<summary>${escapeHtml(words.cancel)}</summary>
<form method="post">
<p>${escapeHtml(words.cancelSure)}</p>
<button class="danger" name="action" value="cancel">${escapeHtml(words.cancelIt)}</button>
</form>
</details>`;
}

/** One text and nothing else: for links that lead nowhere (any more), and for what can't be shown now. */
export function plainPage(language: Language, about: 'gone' | 'broken' | { readonly retryAfterMs: number }): string {
  const words = WORDS[language];
  const [title, text] = typeof about === 'string' ? words[about] : words.tooMany(Math.ceil(about.retryAfterMs / 1_000));
  return frame(
    language,
    title,
    `<main><section class="status" data-live="status"><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p></section></main>`,
  );
}

function frame(language: Language, title: string, body: string): string {
  const words = WORDS[language];
  const other = words.otherLanguage;
  return page(
    language,
    title,
    `<header><b>${escapeHtml(words.pageTitle)}</b><a href="?language=${other.language}" lang="${other.language}" hreflang="${other.language}">${other.name}</a></header>
${body}`,
    STYLE,
  );
}
