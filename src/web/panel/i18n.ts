/** The panel's language: a signal, so that every word on screen changes at once when it does. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { en, type WordKey } from './words.en.ts';
import { ja } from './words.ja.ts';

export type PanelLanguage = 'ja' | 'en';
export type Params = Readonly<Record<string, string | number>>;

export interface I18n {
  readonly language: ReadonlySignal<PanelLanguage>;
  setLanguage(language: PanelLanguage): void;
  /** The word for a key, with `{name}` filled in. */
  t(key: WordKey, params?: Params): string;
  /** The word for a code from a list that the server may have widened: unknown codes are shown as they are. */
  word(prefix: string, code: string): string;
  /** `14:05`, or with the date when it is not today (by `nowMs`). */
  time(atMs: number, nowMs: number): string;
  date(isoDate: string): string;
}

const STORED = 'madoguchi.language';
const dictionaries = { ja, en };

const isWordKey = (key: string): key is WordKey => Object.hasOwn(en, key);

/** Remembers the choice in localStorage; without one, follows the browser's languages. */
export function createI18n(root: HTMLElement, storage: Storage, preferred: readonly string[]): I18n {
  const stored = storage.getItem(STORED);
  const first = preferred.find((tag) => /^(ja|en)\b/i.test(tag));
  const initial: PanelLanguage = stored === 'ja' || stored === 'en' ? stored : first?.toLowerCase().startsWith('en') ? 'en' : 'ja';
  const language = signal<PanelLanguage>(initial);
  root.lang = initial;

  const t = (key: WordKey, params: Params = {}): string =>
    dictionaries[language.value][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));

  return {
    language,
    setLanguage(next) {
      language.value = next;
      root.lang = next;
      storage.setItem(STORED, next);
    },
    t,
    word(prefix, code) {
      const key = `${prefix}.${code}`;
      return isWordKey(key) ? t(key) : code;
    },
    time(atMs, nowMs) {
      const at = new Date(atMs);
      const sameDay = at.toDateString() === new Date(nowMs).toDateString();
      const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
      const sameYear = at.getFullYear() === new Date(nowMs).getFullYear();
      const day = sameYear ? ({ month: 'short', day: 'numeric' } as const) : ({ year: 'numeric', month: 'short', day: 'numeric' } as const);
      return at.toLocaleString(language.value, sameDay ? clock : sameYear ? { ...day, ...clock } : day);
    },
    date(isoDate) {
      const at = new Date(`${isoDate.slice(0, 10)}T00:00:00`);
      return Number.isNaN(at.getTime())
        ? isoDate
        : at.toLocaleDateString(language.value, { year: 'numeric', month: 'short', day: 'numeric' });
    },
  };
}

/** `0:07`, `12:30`, `1:02:03`; never negative. */
export function duration(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const seconds = String(total % 60).padStart(2, '0');
  const minutes = Math.floor(total / 60) % 60;
  const hours = Math.floor(total / 3600);
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}` : `${minutes}:${seconds}`;
}
