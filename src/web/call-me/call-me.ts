/**
 * The call-me button for any web page:
 *
 *   <script src="https://centre.example/call-me.js" data-entry="1000" data-language="ja" data-country="JP" async></script>
 *
 * Built as one classic script without dependencies. Everything lives in a shadow root. The request's token is kept in
 * sessionStorage, so that the status is still there when the visitor turns pages. Texts are set as text, never as HTML.
 */
import { STYLE } from './style.ts';
import { WORDS } from './words.ts';

type Language = keyof typeof WORDS;
type State = keyof (typeof WORDS)['en']['states'];
/** How the request stands, as the centre tells it. */
interface Status {
  readonly state: State;
  readonly position: number | null;
  readonly estimatedWaitMs: number | null;
  readonly callAt: number | null;
  readonly timeZone: string;
}

interface Settings {
  /** Where the centre is: the origin that the script came from. */
  readonly centre: string;
  readonly entry: string;
  readonly language: Language;
  readonly country: string;
}

/** Which of the four steps a state belongs to; in the others it is over. */
const STEPS: Readonly<Partial<Record<State, number>>> = {
  waiting: 0,
  agreed: 0,
  resting: 0,
  closed: 0,
  preparing: 0,
  calling: 1,
  connectingAgent: 2,
  connected: 3,
};
const BLANK: Status = { state: 'gone', position: null, estimatedWaitMs: null, callAt: null, timeZone: 'UTC' };
const POLL_MS = 1_500;
/** Nothing happens soon to what rests until a certain time. */
const RESTING_POLL_MS = 10_000;
const MINUTE_MS = 60_000;
const DAY: Intl.DateTimeFormatOptions = { weekday: 'short', day: 'numeric', month: 'short' };
const TIME: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
const SLOWEST_POLL_MS = 12_000;

/** Attributes of the script tag; language and country have defaults from the page. */
function settingsOf(script: HTMLScriptElement): Settings {
  const { entry, language, lang, country } = script.dataset;
  const wanted = (language ?? lang ?? (document.documentElement.lang || navigator.language)).toLowerCase();
  const spoken: Language = wanted.startsWith('ja') ? 'ja' : 'en';
  const region = country ?? new Intl.Locale(navigator.language).region ?? 'JP';
  return { centre: new URL(script.src).origin, entry: entry ?? '', language: spoken, country: region.toUpperCase() };
}

function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function phoneIcon(): SVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  for (const [name, value] of Object.entries({ viewBox: '0 0 24 24', width: '20', height: '20', 'aria-hidden': 'true' }))
    svg.setAttribute(name, value);
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute(
    'd',
    'M5 4h4l1.5 5-2.2 1.6a12 12 0 0 0 5.1 5.1L15 13.5l5 1.5v4a1.5 1.5 0 0 1-1.6 1.5A15.5 15.5 0 0 1 3.5 5.6 1.5 1.5 0 0 1 5 4z',
  );
  svg.append(path);
  return svg;
}

/** Storage may be forbidden on a site (blocked cookies): then the status does not outlive the page, and that is all. */
const memory = {
  get(key: string): string | null {
    try {
      return sessionStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key: string, value: string | null): void {
    try {
      if (value === null) sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, value);
    } catch {
      // See above.
    }
  },
};

function mount(settings: Settings): void {
  const words = WORDS[settings.language];
  const key = `madoguchi.callMe.${settings.centre}.${settings.entry}`;
  const api = `${settings.centre}/api/call-me`;

  const host = el('madoguchi-call-me' as 'div', { lang: settings.language });
  const shadow = host.attachShadow({ mode: 'open' });
  // A constructed sheet is not inline style: it works under a site's Content-Security-Policy too.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  shadow.adoptedStyleSheets = [sheet];

  const opener = el(
    'button',
    { class: 'open', type: 'button', 'aria-expanded': 'false', 'aria-controls': 'box' },
    phoneIcon(),
    words.button,
  );
  const title = el('h2', { id: 'title', tabindex: '-1' });
  const closer = el('button', { class: 'x', type: 'button', 'aria-label': words.close }, '×');
  const content = el('div');
  const box = el(
    'div',
    { id: 'box', class: 'box', role: 'dialog', 'aria-labelledby': 'title', hidden: '' },
    el('div', { class: 'head' }, title, closer),
    content,
  );
  shadow.append(el('div', { class: 'root' }, box, opener));

  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Answers that come after something else was started are of no interest. */
  let round = 0;

  // ---- the box

  function setOpen(open: boolean): void {
    box.hidden = !open;
    opener.setAttribute('aria-expanded', String(open));
    if (!open) return opener.focus();
    if (content.childElementCount === 0) showForm();
    (content.querySelector('input') ?? title).focus();
  }
  opener.addEventListener('click', () => setOpen(box.hidden !== false));
  closer.addEventListener('click', () => setOpen(false));
  box.addEventListener('keydown', (event) => {
    // Typed keys are not the site's shortcuts.
    event.stopPropagation();
    if (event.key === 'Escape' && !event.isComposing) setOpen(false);
  });

  // ---- words for times

  const locale = settings.language === 'ja' ? 'ja-JP' : 'en-GB';
  /** The desk's clock is named where the visitor's is another. */
  const zoneName = (timeZone: string): Intl.DateTimeFormatOptions =>
    timeZone === Intl.DateTimeFormat().resolvedOptions().timeZone ? {} : { timeZoneName: 'longGeneric' };
  const moment = (at: number, timeZone: string): string =>
    new Intl.DateTimeFormat(locale, { ...DAY, ...TIME, timeZone, ...zoneName(timeZone) }).format(at);
  const minutesOf = (ms: number): number => (ms < MINUTE_MS ? 0 : Math.ceil(ms / MINUTE_MS));

  // ---- the form

  function showForm(): void {
    title.textContent = words.title;
    const optional = (label: string): (Node | string)[] => [el('span', {}, `${label} `, el('small', {}, `(${words.optional})`))];
    const name = el('input', { name: 'name', autocomplete: 'name', maxlength: '80' });
    const to = el('input', { name: 'to', autocomplete: 'tel', maxlength: '200', required: '', 'aria-describedby': 'hint problem' });
    const question = el('textarea', { name: 'question', maxlength: '1000', rows: '3' });
    const whenName = el('span', {}, words.when);
    const day = el('select', { name: 'day' }, el('option', { value: '' }, words.soonest));
    const time = el('select', { name: 'time', 'aria-label': words.time, hidden: '' });
    void fillTimes(whenName, day, time);
    const problem = el('p', { id: 'problem', class: 'bad', role: 'alert', hidden: '' });
    const send = el('button', { class: 'go', type: 'submit' }, words.send);
    const form = el(
      'form',
      { novalidate: '' },
      el('label', {}, ...optional(words.name), name),
      el('label', {}, words.to, to, el('small', { id: 'hint' }, words.toHint)),
      el('label', {}, ...optional(words.question), question),
      el('label', {}, whenName, el('span', { class: 'pair' }, day, time)),
      problem,
      el('p', { class: 'm' }, words.consent),
      send,
    );
    const refuse = (text: string, ofNumber: boolean): void => {
      problem.textContent = text;
      problem.hidden = false;
      to.setAttribute('aria-invalid', String(ofNumber));
      if (ofNumber) to.focus();
    };
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (to.value.trim() === '') return refuse(words.empty, true);
      problem.hidden = true;
      send.disabled = true;
      send.textContent = words.sending;
      void ask({ name: name.value, to: to.value.trim(), question: question.value, callAt: Number(time.value) || null }).then((refusal) => {
        send.disabled = false;
        send.textContent = words.send;
        if (refusal !== null) refuse(refusal.text, refusal.ofNumber);
      });
    });
    content.replaceChildren(el('p', { class: 'm' }, words.intro), form);
  }

  /** "As soon as possible" with how long that is, and the days and times at which a call can be agreed. Without them it is the first. */
  async function fillTimes(label: HTMLElement, day: HTMLSelectElement, time: HTMLSelectElement): Promise<void> {
    const read = async (what: string): Promise<unknown> => {
      const response = await fetch(`${api}/${encodeURIComponent(settings.entry)}/${what}`);
      return response.ok ? response.json() : null;
    };
    let wait: { estimatedWaitMs: number | null; opensAt: number | null } | null;
    let choice: { timeZone: string; times: readonly number[] } | null;
    try {
      [wait, choice] = (await Promise.all([read('wait'), read('times')])) as [typeof wait, typeof choice]; // our own centre's answers
    } catch {
      return; // the centre is away: sending says so
    }
    if (!wait || !choice) return;
    const { timeZone, times } = choice;
    const soonest = day.options[0];
    if (soonest) {
      const { estimatedWaitMs, opensAt } = wait;
      if (opensAt !== null) soonest.text = words.whenOpen(moment(opensAt, timeZone));
      else if (estimatedWaitMs !== null) soonest.text = words.now(minutesOf(estimatedWaitMs));
    }
    const clock = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { timeZone, ...options });
    const dayClock = clock(DAY);
    const timeClock = clock(TIME);
    const option = (value: number, text: string) => el('option', { value: String(value) }, text);
    let last = '';
    for (const at of times) {
      const text = dayClock.format(at);
      if (text !== last) day.append(option(at, text));
      last = text;
    }
    const zone = clock(zoneName(timeZone)).formatToParts(0);
    const named = zone.find(({ type }) => type === 'timeZoneName');
    if (named) label.append(` (${named.value})`);
    day.addEventListener('change', () => {
      const ofDay = times.filter((at) => dayClock.format(at) === dayClock.format(Number(day.value)));
      time.replaceChildren(...(day.value === '' ? [] : ofDay.map((at) => option(at, timeClock.format(at)))));
      time.hidden = day.value === '';
    });
  }

  async function ask(given: {
    name: string;
    to: string;
    question: string;
    callAt: number | null;
  }): Promise<{ text: string; ofNumber: boolean } | null> {
    const { entry, language, country } = settings;
    let response: Response;
    let body: Record<string, unknown>;
    try {
      response = await fetch(api, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ entry, language, country, ...given, pageUrl: location.href.slice(0, 2000) }),
      });
      body = (await response.json()) as Record<string, unknown>; // read field by field, each with its type checked
    } catch {
      // No answer, or none that a centre would give.
      return { text: words.offline, ofNumber: false };
    }
    const { token, code, message, where } = body;
    if (response.ok && typeof token === 'string') {
      memory.set(key, token);
      follow(token);
      return null;
    }
    const known = typeof code === 'string' && Object.hasOwn(words.refusals, code) ? words.refusals[code] : undefined;
    const wait = Number(response.headers.get('retry-after'));
    const text =
      code === 'tooMany' && wait > 0
        ? words.soon(Math.ceil(wait / 60))
        : (known ?? (typeof message === 'string' ? message : words.offline));
    return { text, ofNumber: where === '/to' };
  }

  // ---- the status

  const place = el('p', { class: 'place', hidden: '' });
  const text = el('p', { class: 'm' });
  const lost = el('p', { class: 'bad', hidden: '' }, words.lost);
  const steps = el('ol', { 'aria-hidden': 'true' }, ...words.steps.map((step) => el('li', {}, step)));
  const cancel = el('button', { class: 'plain', type: 'button' }, words.cancel);
  const again = el('button', { class: 'plain', type: 'button' }, words.again);
  // Its address is a secret: the page that it leads to is not to know this one, nor the other way round.
  const link = el('a', { target: '_blank', rel: 'noopener noreferrer' }, words.link);
  // The title is read out with the rest when the state changes.
  const live = el('div', { role: 'status', 'aria-live': 'polite', class: 'live' }, text, place);
  let current = '';

  function showStatus({ state, position, estimatedWaitMs, callAt, timeZone }: Status): void {
    const [head, explanation] = words.states[state];
    const step = STEPS[state];
    const next = `${state} ${position} ${estimatedWaitMs} ${callAt}`;
    if (live.parentElement === null) content.replaceChildren(live, lost, steps, link, cancel, again);
    lost.hidden = true;
    if (next === current) return;
    current = next;
    title.textContent = head;
    live.setAttribute('aria-label', head);
    text.textContent = explanation;
    const parts = [
      ...(callAt === null ? [] : [moment(callAt, timeZone)]),
      ...(position === null ? [] : [position === 1 ? words.next : words.position(position)]),
      ...(estimatedWaitMs === null ? [] : [words.wait(minutesOf(estimatedWaitMs))]),
    ];
    place.hidden = parts.length === 0;
    place.textContent = parts.join(' · ');
    steps.hidden = step === undefined;
    for (const [index, item] of [...steps.children].entries())
      item.className = step === undefined ? '' : index < step ? 'past' : index === step ? 'now' : '';
    cancel.hidden = step === undefined || state === 'connected';
    link.hidden = step !== 0;
    again.hidden = step !== undefined;
  }

  function follow(token: string): void {
    round += 1;
    const mine = round;
    let failures = 0;
    clearTimeout(timer);
    current = '';
    const look = async (): Promise<void> => {
      let answer: Status | null = null;
      try {
        const response = await fetch(`${api}/${encodeURIComponent(token)}`, { cache: 'no-store' });
        if (response.status === 404) answer = BLANK;
        else if (response.ok) answer = (await response.json()) as Status; // our own centre's answer
      } catch {
        // Away for a moment: the request stands at the centre, and is asked for again below.
      }
      if (mine !== round) return;
      if (answer === null) {
        failures += 1;
        lost.hidden = failures < 2;
      } else {
        failures = 0;
        showStatus(answer);
        if (STEPS[answer.state] === undefined) {
          memory.set(key, null);
          return;
        }
      }
      const pause = answer !== null && answer.callAt !== null ? RESTING_POLL_MS : POLL_MS;
      timer = setTimeout(() => void look(), Math.min(SLOWEST_POLL_MS, pause * 2 ** failures));
    };
    cancel.onclick = () => {
      cancel.disabled = true;
      fetch(`${api}/${encodeURIComponent(token)}`, { method: 'DELETE' })
        .then(look, () => {
          lost.hidden = false;
        })
        .finally(() => {
          cancel.disabled = false;
          title.focus();
        });
    };
    again.onclick = () => {
      round += 1;
      showForm();
      content.querySelector('input')?.focus();
    };
    link.href = `${settings.centre}/callback/${encodeURIComponent(token)}`;
    showStatus({ ...BLANK, state: 'waiting' });
    title.focus();
    void look();
  }

  document.body.append(host);
  const token = memory.get(key);
  if (token !== null) {
    box.hidden = false;
    opener.setAttribute('aria-expanded', 'true');
    follow(token);
  }
}

// Known only while the script itself runs, so it is read before anything waits.
const script = document.currentScript;
if (script instanceof HTMLScriptElement && document.querySelector('madoguchi-call-me') === null) {
  const settings = settingsOf(script);
  if (document.body === null) document.addEventListener('DOMContentLoaded', () => mount(settings), { once: true });
  else mount(settings);
}
