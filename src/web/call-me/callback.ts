/**
 * Keeps the page behind a callback's link up to date. The page is complete without it (`callback/page.ts`): this asks how the
 * request stands, and when that changed, fetches the page again and takes over what is marked as live.
 */
const POLL_MS = 2_500;
/** Nothing happens soon to what rests until a certain time. */
const RESTING_POLL_MS = 15_000;
const SLOWEST_POLL_MS = 20_000;
const RESTING = new Set(['agreed', 'resting', 'closed']);

const token = location.pathname.split('/').at(-1) ?? '';
const lost = document.getElementById('lost');
let known: string | null = null;
let failures = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

const stateShown = (): string => document.querySelector<HTMLElement>('[data-live=status]')?.dataset['state'] ?? '';
const isOver = (): boolean => document.querySelector('[data-actions] form') === null && !['connected'].includes(stateShown());

/** One list of all times becomes a day and a time. */
function splitTimes(): void {
  const all = document.querySelector<HTMLSelectElement>('select[name=callAt]');
  const groups = [...(all?.querySelectorAll('optgroup') ?? [])];
  if (all === null || groups.length === 0) return;
  const { day: dayName = '', time: timeName = '' } = all.dataset;
  const soonest = all.options[0];
  const chosen = all.selectedOptions[0];
  const chosenGroup = groups.findIndex((group) => chosen !== undefined && group.contains(chosen));

  const days = document.createElement('select');
  if (soonest) days.append(new Option(soonest.text, ''));
  for (const [index, group] of groups.entries()) days.append(new Option(group.label, String(index)));
  days.value = chosenGroup < 0 ? '' : String(chosenGroup);
  const times = document.createElement('select');
  times.name = 'callAt';
  const labelled = (name: string, list: HTMLSelectElement): HTMLLabelElement => {
    const label = document.createElement('label');
    const text = document.createElement('span');
    text.textContent = name;
    label.append(text, list);
    return label;
  };
  const timeLabel = labelled(timeName, times);
  const fill = (): void => {
    const group = groups[Number(days.value)];
    const options = days.value === '' || group === undefined ? [] : [...group.querySelectorAll('option')];
    times.replaceChildren(
      ...(options.length === 0
        ? [new Option('', '')]
        : options.map(({ text, value }) => new Option(text, value, value === chosen?.value, value === chosen?.value))),
    );
    timeLabel.hidden = options.length === 0;
  };
  days.addEventListener('change', fill);
  fill();
  const pair = document.createElement('div');
  pair.className = 'pair';
  pair.append(labelled(dayName, days), timeLabel);
  all.closest('.when')?.replaceChildren(pair);
}

async function renew(): Promise<void> {
  const response = await fetch(location.href, { cache: 'no-store' });
  if (response.status === 404) return location.reload();
  if (!response.ok) throw new Error(String(response.status));
  const next = new DOMParser().parseFromString(await response.text(), 'text/html');
  for (const part of document.querySelectorAll<HTMLElement>('[data-live]')) {
    const newer = next.querySelector(`[data-live="${part.dataset['live']}"]`);
    if (newer === null || newer.innerHTML === part.innerHTML) continue;
    // The element stays, so that its change is read out.
    part.innerHTML = newer.innerHTML;
    for (const { name, value } of newer.attributes) part.setAttribute(name, value);
  }
  const actions = document.querySelector<HTMLElement>('[data-actions]');
  const newer = next.querySelector<HTMLElement>('[data-actions]');
  if (actions !== null && newer !== null && newer.dataset['actions'] !== actions.dataset['actions']) {
    actions.replaceWith(newer);
    document.querySelector('[role=alert]')?.remove();
    splitTimes();
  }
  document.title = next.title;
}

async function look(): Promise<void> {
  clearTimeout(timer);
  try {
    const response = await fetch(`/api/call-me/${token}`, { cache: 'no-store' });
    if (!response.ok && response.status !== 404) throw new Error(String(response.status));
    const status = await response.text();
    if (status !== known) await renew();
    known = status;
    failures = 0;
  } catch {
    // Away for a moment: the request stands at the centre, and is asked for again.
    failures += 1;
  }
  if (lost) lost.hidden = failures < 2;
  if (isOver()) return;
  const pause = RESTING.has(stateShown()) ? RESTING_POLL_MS : POLL_MS;
  timer = setTimeout(() => void look(), Math.min(Math.max(SLOWEST_POLL_MS, pause), pause * 2 ** failures));
}

splitTimes();
document.addEventListener('visibilitychange', () => {
  clearTimeout(timer);
  if (document.visibilityState === 'visible' && !isOver()) void look();
});
if (!isOver()) void look();
