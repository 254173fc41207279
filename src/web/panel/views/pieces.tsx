/** Small pieces that several views use. */
import type { ComponentChildren, CSSProperties } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { I18n, PanelLanguage } from '../i18n.ts';
import type { Panel } from '../panel.ts';

const LANGUAGES: readonly { readonly code: PanelLanguage; readonly name: string }[] = [
  { code: 'ja', name: '日本語' },
  { code: 'en', name: 'English' },
];

export function LanguageSwitch({ i18n }: { i18n: I18n }) {
  return (
    <fieldset class="languages" aria-label={i18n.t('language.label')}>
      {LANGUAGES.map(({ code, name }) => (
        <button
          key={code}
          type="button"
          lang={code}
          class="language"
          aria-label={name}
          aria-pressed={i18n.language.value === code}
          onClick={() => i18n.setLanguage(code)}
        >
          {code === 'ja' ? '日本語' : 'EN'}
        </button>
      ))}
    </fieldset>
  );
}

/** Drawn by hand: 24-unit grid, strokes of 1.8. */
const PATHS = {
  phone: 'M5 4h4l1.5 5-2.2 1.6a12 12 0 0 0 5.1 5.1L15 13.5l5 1.5v4a1.5 1.5 0 0 1-1.6 1.5A15.5 15.5 0 0 1 3.5 5.6 1.5 1.5 0 0 1 5 4z',
  hangUp: 'M3 14.5c0-5 18-5 18 0v2.2l-4.6.8-.9-3.3a12 12 0 0 0-7 0l-.9 3.3-4.6-.8z',
  mic: 'M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM6 11a6 6 0 0 0 12 0M12 17v4',
  micOff: 'M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM6 11a6 6 0 0 0 12 0M12 17v4M4 4l16 16',
  keypad: 'M6 6h.01M12 6h.01M18 6h.01M6 12h.01M12 12h.01M18 12h.01M6 18h.01M12 18h.01M18 18h.01',
  browser: 'M4 5h16v11H4zM9 20h6M12 16v4',
  desk: 'M4 9c0-5 16-5 16 0v2.5h-4V9H8v2.5H4zM6 12h12l2 8H4zM12 14.5v3M10.5 16h3',
  callback: 'M14 4h6v6M20 4l-6 6M5 5h4l1.5 4.5L8.5 11a11 11 0 0 0 4.8 4.8l1.5-2 4.5 1.5v4a1 1 0 0 1-1 1A14.6 14.6 0 0 1 4 6a1 1 0 0 1 1-1z',
  globe: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18',
  route: 'M6 4v5a3 3 0 0 0 3 3h6a3 3 0 0 1 3 3v5M14.5 16.5 18 20l3.5-3.5',
  chevron: 'M6 9l6 6 6-6',
  help: 'M9 9a3 3 0 1 1 4.5 2.6c-.9.6-1.5 1.1-1.5 2.4M12 17.5h.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
  exit: 'M14 4h5v16h-5M4 12h10M10 8l4 4-4 4',
  voicemail: 'M6.5 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM17.5 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM6.5 16h11',
  notice: 'M4 10v4h3l9 4V6l-9 4zM8 14.5 9.5 20H12l-1.3-4M19 9.5a4 4 0 0 1 0 5',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  check: 'M5 12.5l4.5 4.5L19 7',
  coffee: 'M5 9h11v6a4 4 0 0 1-4 4H9a4 4 0 0 1-4-4zM16 10.5h2a2 2 0 0 1 0 4h-2M8 3v3M12 3v3',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Brand({ i18n }: { i18n: I18n }) {
  return (
    <div class="brand">
      <svg width="30" height="30" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8" fill="var(--brand)" />
        <path d="M8 7h16a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2h-8l-5 4v-4H8a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2z" fill="#fff" />
        <path d="M16 9.5v10M9 14.5h14" stroke="var(--brand)" stroke-width="2" stroke-linecap="round" />
      </svg>
      <span class="brand-name">{i18n.t('app.name')}</span>
    </div>
  );
}

export function Splash({ text }: { text: string }) {
  return (
    <main class="splash">
      <div class="spinner" aria-hidden="true" />
      <p role="status">{text}</p>
    </main>
  );
}

export function TakenOver({ panel }: { panel: Panel }) {
  const { t } = panel.i18n;
  return (
    <div class="gate">
      <div class="corner">
        <LanguageSwitch i18n={panel.i18n} />
      </div>
      <main class="gate-card" aria-labelledby="taken-over">
        <Brand i18n={panel.i18n} />
        <h1 id="taken-over">{t('takenOver.title')}</h1>
        <p class="muted">{t('takenOver.text')}</p>
        <button type="button" class="button primary wide" onClick={() => panel.useHere()}>
          {t('takenOver.here')}
        </button>
      </main>
    </div>
  );
}

/** A list of actions that opens at a button: the first has the focus, arrows move it; Escape and a click elsewhere close it. */
export function Menu({
  label,
  owner,
  onClose,
  style,
  children,
}: {
  label: string;
  /** Selector of what a click in belongs to the menu, its button among it. */
  owner: string;
  onClose: () => void;
  style?: CSSProperties;
  children: ComponentChildren;
}) {
  const menu = useRef<HTMLDivElement>(null);
  const close = useRef(onClose);
  close.current = onClose;
  const focus = (step: -1 | 0 | 1): void => {
    const items: (Element | null)[] = [...(menu.current?.querySelectorAll('button:enabled') ?? [])];
    const from = step === 0 ? 0 : items.indexOf(document.activeElement);
    const next = items[(from + step + items.length) % items.length];
    if (next instanceof HTMLElement) next.focus();
  };
  // Before it is seen: whoever sees it may press an arrow at once.
  useLayoutEffect(() => focus(0), []);
  useEffect(() => {
    const outside = (event: PointerEvent): void => {
      if (event.target instanceof Element && event.target.closest(owner) === null) close.current();
    };
    const onEscape = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') close.current();
    };
    window.addEventListener('pointerdown', outside);
    window.addEventListener('keydown', onEscape);
    return () => {
      window.removeEventListener('pointerdown', outside);
      window.removeEventListener('keydown', onEscape);
    };
  }, [owner]);

  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Tab') return onClose();
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    focus(event.key === 'ArrowDown' ? 1 : -1);
  };
  return (
    <div class="menu" role="menu" aria-label={label} style={style} ref={menu} onKeyDown={onKey}>
      {children}
    </div>
  );
}

/** A dialog over everything; Escape and the backdrop close it, and the focus stays inside and comes back. */
export function Dialog({
  title,
  closeLabel,
  onClose,
  children,
}: {
  title: string;
  closeLabel: string;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard has Escape, by the dialog itself, and the close button
    <dialog
      ref={dialog}
      class="dialog"
      aria-label={title}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current?.close();
      }}
    >
      <div class="dialog-head">
        <h2>{title}</h2>
        <button type="button" class="plain" aria-label={closeLabel} onClick={() => dialog.current?.close()}>
          ×
        </button>
      </div>
      {children}
    </dialog>
  );
}
