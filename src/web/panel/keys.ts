/** Single keys for the things that are done a hundred times a day. Not while typing; can be switched off (WCAG 2.1.4). */
import type { Panel } from './panel.ts';
import type { WordKey } from './words.en.ts';

export const KEYS: readonly { readonly key: string; readonly word: WordKey }[] = [
  { key: 'A', word: 'help.answer' },
  { key: 'D', word: 'action.decline' },
  { key: 'H', word: 'help.hangUp' },
  { key: 'P', word: 'message.play' },
  { key: 'C', word: 'message.callBack' },
  { key: 'R', word: 'action.ready' },
  { key: 'N', word: 'action.notReady' },
  { key: 'M', word: 'action.mute' },
  { key: 'E', word: 'wrapUp.extend' },
  { key: '?', word: 'help.open' },
];

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));

/** Gives the way to stop listening. */
export function listenToKeys(panel: Panel): () => void {
  const onKey = (event: KeyboardEvent): void => {
    // 229: a key that belongs to an input method (kana to kanji), never to us.
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') {
      panel.helpOpen.value = false;
      panel.reasonsOpen.value = false;
      panel.keypadOpen.value = false;
      return;
    }
    if (isTyping(event.target) || event.repeat || panel.session.value !== 'open') return;
    if (event.key === '?') {
      panel.helpOpen.value = !panel.helpOpen.value;
      return;
    }
    if (!panel.letterKeys.value || panel.helpOpen.value) return;
    const state = panel.agent.value?.state;
    if (state === undefined || state === 'loggedOff') return;
    const stage = panel.contact.value?.stage;
    const isMessage = panel.contact.value?.channel === 'message';
    switch (event.key.toLowerCase()) {
      case 'a':
        if (isMessage) panel.accept();
        else if (stage === 'ringing') panel.answer();
        break;
      case 'd':
        if (stage === 'ringing' || stage === 'shown' || stage === 'dialling') panel.decline();
        break;
      case 'h':
        if (stage === 'connected' || stage === 'joining') panel.hangUp();
        break;
      case 'p':
        panel.togglePlay();
        break;
      case 'c':
        if (isMessage && stage === 'connected') panel.callBack();
        break;
      case 'r':
        panel.request({ type: 'setReady' });
        break;
      case 'n':
        panel.reasonsOpen.value = !panel.reasonsOpen.value;
        break;
      case 'm':
        panel.toggleMute();
        break;
      case 'e':
        panel.extendWrapUp();
        break;
      default:
        return;
    }
    event.preventDefault();
  };
  window.addEventListener('keydown', onKey);
  return () => window.removeEventListener('keydown', onKey);
}
