/**
 * The phone in the browser: JsSIP over WebSocket to the switch, one call at a time.
 *
 * The server says which leg this phone should hold (`AgentView.legId`); each INVITE says which leg it is (header
 * `X-Madoguchi-Leg`). Calls of another leg are not ours to answer. The phone follows the server and never decides:
 * when the server's view says that the contact is over, what is left of the call is ended here.
 */
import { type ReadonlySignal, signal } from '@preact/signals';
import { UA, WebSocketInterface } from 'jssip';
import type { RTCSession } from 'jssip/lib/RTCSession.js';
import type { IncomingRequest } from 'jssip/lib/SIPMessage.js';
import type { RTCSessionEvent } from 'jssip/lib/UA.js';
import type { AgentView, ContactView } from '../messages.ts';

export type Registration = 'off' | 'connecting' | 'registered' | 'failed';
export type MicProblem = 'denied' | 'missing' | 'busy' | 'insecure' | 'failed';

export interface PhoneCall {
  readonly leg: string;
  readonly state: 'incoming' | 'answering' | 'up';
  readonly muted: boolean;
}

export interface BrowserPhone {
  readonly registration: ReadonlySignal<Registration>;
  readonly call: ReadonlySignal<PhoneCall | null>;
  readonly micProblem: ReadonlySignal<{ readonly problem: MicProblem; readonly name: string } | null>;
  /** The browser refuses to play sound before a click; `enableSound` from that click cures it. */
  readonly audioBlocked: ReadonlySignal<boolean>;
  /** Brings registration and call in line with what the server says. Called after each `state`. */
  follow(agent: AgentView | null, contact: ContactView | null): void;
  holdsCall(legId: string | null): boolean;
  /** Answers the call of this offer; one that is not here yet, as soon as it comes, be it at the second try. */
  answer(offerId: string | null): void;
  /** Ends the call from here; used only when the server can't be asked to. */
  hangUp(): void;
  setMuted(muted: boolean): void;
  sendDigit(digit: string): void;
  enableSound(): void;
  /** Asks for the microphone and gives it back at once. False sets `micProblem`. */
  checkMicrophone(): Promise<boolean>;
  /** Unregisters; a call that lives goes on until the server ends it. For a panel that was taken over or logged out. */
  retire(): void;
}

const LEG_HEADER = 'X-Madoguchi-Leg';
/** A call that the server has not mentioned this long after its INVITE belongs to nobody. */
const UNKNOWN_LEG_MS = 5_000;
/** The server's own BYE or CANCEL normally comes with its news; only when it does not, the phone ends what is left. */
const LEFTOVER_MS = 1_500;
/** A REGISTER that is not answered after this was lost. */
const REGISTER_HEARD_MS = 4_000;
const REGISTER_AGAIN_MS = { first: 1_000, longest: 15_000 };

interface LiveCall {
  readonly leg: string;
  readonly session: RTCSession;
  readonly arrivedAt: number;
  /** The server has named this leg as ours. */
  known: boolean;
}

type Sip = NonNullable<AgentView['phone']['sip']>;
const accountOf = (sip: Sip): string => JSON.stringify([sip.webSocketUrl, sip.uri, sip.password]);

const problemOf = (error: unknown): MicProblem => {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied';
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'missing';
  if (name === 'NotReadableError' || name === 'AbortError') return 'busy';
  return 'failed';
};

/**
 * @param audio where the other side is heard
 * @param serverIsThere whether news of the server would reach us now: while it is away, a call that it has not named yet is kept
 */
export function createBrowserPhone(audio: HTMLAudioElement, serverIsThere: () => boolean): BrowserPhone {
  const registration = signal<Registration>('off');
  const call = signal<PhoneCall | null>(null);
  const micProblem = signal<{ problem: MicProblem; name: string } | null>(null);
  const audioBlocked = signal(false);

  let ua: UA | null = null;
  let account = '';
  let live: LiveCall | null = null;
  let agent: AgentView | null = null;
  let contact: ContactView | null = null;
  /** The agent has pressed Answer before the INVITE was here: the two come by different roads. */
  let wishedOffer: string | null = null;
  let failures = 0;
  let registerAgain: ReturnType<typeof setTimeout> | null = null;
  let notHeard: ReturnType<typeof setTimeout> | null = null;
  let leftover: ReturnType<typeof setTimeout> | null = null;

  const show = (state: PhoneCall['state'], leg: string): void => {
    call.value = { leg, state, muted: call.value?.leg === leg ? call.value.muted : false };
  };

  const play = (): void => {
    audio.play().then(
      () => {
        audioBlocked.value = false;
      },
      (error: unknown) => {
        // AbortError: a newer stream replaced this one while it was loading, which is no problem of the user's.
        if (error instanceof DOMException && error.name === 'NotAllowedError') audioBlocked.value = true;
      },
    );
  };

  const end = (session: RTCSession): void => {
    if (!session.isEnded()) session.terminate(session.isEstablished() ? {} : { status_code: 480 });
  };

  const gone = (ended: LiveCall): void => {
    if (live !== ended) return;
    live = null;
    call.value = null;
    audio.srcObject = null;
    if (leftover !== null) clearTimeout(leftover);
    leftover = null;
    // An account change or a log-off that waited for the call.
    follow(agent, contact);
  };

  const onInvite = (session: RTCSession, request: IncomingRequest): void => {
    const header: unknown = request.getHeader(LEG_HEADER);
    if (typeof header !== 'string' || header === '') {
      session.terminate({ status_code: 404 });
      return;
    }
    if (live !== null) {
      // A new leg replaces the old one only when the server no longer counts on the old one.
      if (agent?.legId === live.leg && header !== live.leg) {
        session.terminate({ status_code: 486 });
        return;
      }
      const old = live;
      live = null;
      end(old.session);
    }
    const mine: LiveCall = { leg: header, session, arrivedAt: Date.now(), known: false };
    live = mine;
    show('incoming', mine.leg);
    session.on('peerconnection', ({ peerconnection }) => {
      peerconnection.addEventListener('track', (event) => {
        if (live !== mine) return;
        audio.srcObject = event.streams[0] ?? new MediaStream([event.track]);
        play();
      });
    });
    session.on('confirmed', () => {
      if (live === mine) show('up', mine.leg);
    });
    session.on('ended', () => gone(mine));
    session.on('failed', () => gone(mine));
    session.on('getusermediafailed', (error: unknown) => {
      micProblem.value = { problem: problemOf(error), name: error instanceof Error ? error.name : '' };
    });
    setTimeout(() => reconcile(), UNKNOWN_LEG_MS + 100);
    reconcile();
  };

  const answer = (): void => {
    if (live === null || call.value?.state !== 'incoming') return;
    show('answering', live.leg);
    live.session.answer({
      mediaConstraints: { audio: true, video: false },
      // The switch is reached directly, on loopback or by its own address: no STUN, so that an answer never waits for one.
      pcConfig: { iceServers: [] },
    });
  };

  /** The call that lives and the server's view of it. */
  const reconcile = (): void => {
    if (live === null) return;
    const mine = live;
    if (agent?.legId === mine.leg) {
      mine.known = true;
      const stage = contact?.stage;
      // After a reload in mid-talk the server rings again with the talk's leg: the agent has already answered once.
      const wished = wishedOffer !== null && contact?.offerId === wishedOffer;
      if (stage === 'joining' || stage === 'connected' || wished) answer();
      if (stage !== 'wrapUp') return;
    }
    if (!mine.known) {
      if (serverIsThere() && Date.now() - mine.arrivedAt > UNKNOWN_LEG_MS) end(mine.session);
      return;
    }
    if (leftover === null) {
      leftover = setTimeout(() => {
        leftover = null;
        const wanted = agent?.legId === mine.leg && contact !== null && contact.stage !== 'wrapUp';
        if (live === mine && !wanted) end(mine.session);
      }, LEFTOVER_MS);
    }
  };

  const stop = (): void => {
    if (registerAgain !== null) clearTimeout(registerAgain);
    registerAgain = null;
    if (notHeard !== null) clearTimeout(notHeard);
    notHeard = null;
    account = '';
    const old = ua;
    ua = null;
    registration.value = 'off';
    old?.stop();
  };

  const start = (sip: Sip): void => {
    const next = new UA({
      sockets: [new WebSocketInterface(sip.webSocketUrl)],
      uri: sip.uri,
      password: sip.password,
      register_expires: 120,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 10,
      user_agent: 'Madoguchi panel',
    });
    ua = next;
    failures = 0;
    registration.value = 'connecting';

    const retryRegistration = (): void => {
      if (ua !== next || registerAgain !== null) return;
      registration.value = 'failed';
      const delay = Math.min(REGISTER_AGAIN_MS.longest, REGISTER_AGAIN_MS.first * 2 ** failures) * (0.5 + Math.random() / 2);
      failures += 1;
      registerAgain = setTimeout(() => {
        registerAgain = null;
        // Without a connection there is nothing to do: JsSIP registers by itself once it is back.
        if (ua === next && next.isConnected() && !next.isRegistered()) next.register();
      }, delay);
    };
    const heard = (): void => {
      if (notHeard !== null) clearTimeout(notHeard);
      notHeard = null;
    };
    // A switch that has only just begun to run takes the connection and may lose the REGISTER; JsSIP would wait half a minute for an
    // answer. A live call is not cut for it: its own end may be near.
    const beginAnewUnlessHeard = (): void => {
      heard();
      notHeard = setTimeout(() => {
        if (ua !== next || next.isRegistered() || !next.isConnected()) return;
        if (live !== null) return beginAnewUnlessHeard();
        stop();
        account = accountOf(sip);
        start(sip);
      }, REGISTER_HEARD_MS);
    };
    next.on('connected', beginAnewUnlessHeard);
    next.on('registered', () => {
      if (ua !== next) return;
      heard();
      failures = 0;
      registration.value = 'registered';
    });
    next.on('registrationFailed', () => {
      heard();
      retryRegistration();
    });
    next.on('unregistered', retryRegistration);
    next.on('disconnected', () => {
      if (ua === next) registration.value = 'failed';
    });
    next.on('newRTCSession', (event: RTCSessionEvent) => {
      if (event.originator === 'remote' && ua === next) onInvite(event.session, event.request as IncomingRequest);
    });
    next.start();
  };

  function follow(nextAgent: AgentView | null, nextContact: ContactView | null): void {
    agent = nextAgent;
    contact = nextContact;
    const sip = agent !== null && agent.state !== 'loggedOff' && agent.phone.kind === 'browser' ? agent.phone.sip : null;
    const wanted = sip === null ? '' : accountOf(sip);
    // A live call is never cut for the sake of an account: the change waits until the call has ended.
    if (wanted !== account && live === null) {
      stop();
      account = wanted;
      if (sip !== null) start(sip);
    }
    reconcile();
  }

  return {
    registration,
    call,
    micProblem,
    audioBlocked,
    follow,
    holdsCall: (legId) => live !== null && (legId === null || live.leg === legId) && !live.session.isEnded(),
    answer(offerId) {
      wishedOffer = offerId;
      reconcile();
    },
    hangUp() {
      if (live !== null) end(live.session);
    },
    setMuted(muted) {
      if (live === null || call.value === null) return;
      if (muted) live.session.mute({ audio: true });
      else live.session.unmute({ audio: true });
      call.value = { ...call.value, muted };
    },
    sendDigit(digit) {
      // RFC 4733 telephone-events inside the media: what IVRs on the far side listen for.
      live?.session.sendDTMF(digit, { transportType: 'RFC2833' as never, duration: 120 }); // JsSIP declares the value as an ambient enum
    },
    enableSound: play,
    async checkMicrophone() {
      if (!window.isSecureContext || navigator.mediaDevices === undefined) {
        micProblem.value = { problem: 'insecure', name: '' };
        return false;
      }
      try {
        const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
        for (const track of stream.getTracks()) track.stop();
        micProblem.value = null;
        return true;
      } catch (error) {
        micProblem.value = { problem: problemOf(error), name: error instanceof Error ? error.name : '' };
        return false;
      }
    },
    retire() {
      agent = null;
      contact = null;
      if (live === null) stop();
      else {
        const old = ua;
        ua = null;
        account = '';
        registration.value = 'off';
        old?.unregister();
        live.session.on('ended', () => old?.stop());
        live.session.on('failed', () => old?.stop());
      }
    },
  };
}
