/** What makes an agent look up: a ring from the loudspeaker, a desktop notification, the page's title. */

export interface Ringer {
  start(): void;
  stop(): void;
  /** Once: for what may wait a little. */
  chime(): void;
  /** Makes sound possible later; must be called from a click or a key. */
  unlock(): void;
}

/** Japan's ring cadence: 1 s on, 2 s off. Two soft sines instead of a file, so nothing has to load before it can ring. */
const RING_MS = { on: 1_000, period: 3_000 };
const TONES_HZ = [440, 554.37];

export function createRinger(): Ringer {
  let context: AudioContext | null = null;
  let timer: ReturnType<typeof setInterval> | null = null;
  let master: GainNode | null = null;

  const burst = (): void => {
    if (context === null || master === null) return;
    const from = context.currentTime + 0.02;
    const to = from + RING_MS.on / 1000;
    for (const [index, hz] of TONES_HZ.entries()) {
      const oscillator = new OscillatorNode(context, { frequency: hz });
      const gain = new GainNode(context, { gain: 0 });
      // Two notes in turns, each with a soft edge: a click-free trill that carries over a noisy room.
      for (let at = from + index * 0.125; at < to - 0.1; at += 0.25) {
        gain.gain.setValueAtTime(0, at);
        gain.gain.linearRampToValueAtTime(0.5, at + 0.02);
        gain.gain.linearRampToValueAtTime(0, at + 0.12);
      }
      oscillator.connect(gain).connect(master);
      oscillator.start(from);
      oscillator.stop(to + 0.2);
    }
  };

  const unlock = (): void => {
    context ??= new AudioContext();
    if (context.state === 'suspended') void context.resume();
  };

  const open = (level: number): boolean => {
    unlock();
    if (context === null) return false;
    master?.disconnect();
    master = new GainNode(context, { gain: level });
    master.connect(context.destination);
    return true;
  };

  return {
    unlock,
    start() {
      if (timer !== null || !open(0.35)) return;
      burst();
      timer = setInterval(burst, RING_MS.period);
    },
    chime() {
      if (timer === null && open(0.2)) burst();
    },
    stop() {
      if (timer === null) return;
      clearInterval(timer);
      timer = null;
      master?.disconnect();
      master = null;
    },
  };
}

/** Shows a desktop notification while the page is not in front. Gives the way to take it back. */
export function notify(title: string, body: string): () => void {
  if (!('Notification' in window) || Notification.permission !== 'granted' || document.visibilityState === 'visible')
    return () => undefined;
  const notification = new Notification(title, { body, tag: 'madoguchi-offer', requireInteraction: true });
  notification.addEventListener('click', () => {
    window.focus();
    notification.close();
  });
  return () => notification.close();
}

/** Asks once, at the start of a shift, from a click. A refusal is respected without a word. */
export function askForNotifications(): void {
  if ('Notification' in window && Notification.permission === 'default') void Notification.requestPermission();
}
