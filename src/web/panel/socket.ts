/**
 * The panel's line to the centre. One WebSocket; when it goes, another is tried for ever, with delays that grow and are
 * randomised so that a thousand panels don't come back in the same second after a restart.
 *
 * connecting → open → reconnecting → open → … → closed (taken over, logged out)
 *
 * A browser learns nothing from a refused upgrade (close 1006, whatever the status was), so after an attempt that never
 * opened the session is asked for by HTTP: 401 means log-in page, anything else means trying again.
 */
import type { ClientMessage, ServerMessage } from '../messages.ts';

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;
/** A request as the panel makes it; the socket gives it its id. */
export type ClientRequest = WithoutId<ClientMessage>;
export type Link = 'connecting' | 'open' | 'reconnecting';

export interface PanelSocketOptions {
  readonly url: string;
  /** Asked at each connection: does this page's phone still hold the call of the current leg? */
  readonly holdsCall: () => boolean;
  readonly onMessage: (message: ServerMessage) => void;
  readonly onLink: (link: Link) => void;
  /** The session is no longer good: show the log-in page. */
  readonly onLoggedOut: () => void;
  readonly checkSession: () => Promise<'loggedIn' | 'loggedOut' | 'unknown'>;
}

/** First delay after a loss, and the longest one. */
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;
/** An upgrade that takes longer than this is given up: a half-open network would hold it for minutes. */
const CONNECT_TIMEOUT_MS = 8_000;
/** The server's close code for "this session has ended" (`CLOSE` in ../panels.ts). */
const LOGGED_OUT = 4003;

export class PanelSocket {
  readonly #options: PanelSocketOptions;
  #socket: WebSocket | null = null;
  #attempts = 0;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #closed = false;
  #nextId = 1;
  readonly #prefix = Math.random().toString(36).slice(2, 8);

  constructor(options: PanelSocketOptions) {
    this.#options = options;
  }

  open(): void {
    this.#closed = false;
    this.#attempts = 0;
    this.#options.onLink('connecting');
    this.#connect();
    window.addEventListener('online', this.#networkBack);
    window.addEventListener('offline', this.#networkGone);
  }

  /** Stops for good, without trying again. */
  close(): void {
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    window.removeEventListener('online', this.#networkBack);
    window.removeEventListener('offline', this.#networkGone);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
  }

  /** Gives the id under which a refusal would come, or null when there is no connection to send on. */
  send(request: ClientRequest): string | null {
    const socket = this.#socket;
    if (socket === null || socket.readyState !== WebSocket.OPEN) return null;
    const id = `${this.#prefix}-${this.#nextId++}`;
    socket.send(JSON.stringify({ id, ...request }));
    return id;
  }

  #connect(): void {
    this.#retry = null;
    const socket = new WebSocket(this.#options.url);
    this.#socket = socket;
    let opened = false;
    const timeout = setTimeout(() => socket.close(), CONNECT_TIMEOUT_MS);

    socket.addEventListener('open', () => {
      clearTimeout(timeout);
      if (socket !== this.#socket) return socket.close();
      opened = true;
      this.send({ type: 'hello', holdsCall: this.#options.holdsCall() });
      this.#options.onLink('open');
    });
    socket.addEventListener('message', (event) => {
      if (socket !== this.#socket || typeof event.data !== 'string') return;
      // A connection counts as good once the server has really spoken: one that opens and closes at once must not spin.
      this.#attempts = 0;
      this.#options.onMessage(JSON.parse(event.data) as ServerMessage); // the server's own words, made from the same schema
    });
    socket.addEventListener('close', (event) => {
      clearTimeout(timeout);
      if (socket !== this.#socket || this.#closed) return;
      this.#socket = null;
      if (event.code === LOGGED_OUT) {
        this.close();
        this.#options.onLoggedOut();
        return;
      }
      this.#options.onLink('reconnecting');
      void this.#again(opened);
    });
  }

  async #again(opened: boolean): Promise<void> {
    if (!opened && (await this.#options.checkSession()) === 'loggedOut') {
      if (!this.#closed) {
        this.close();
        this.#options.onLoggedOut();
      }
      return;
    }
    if (this.#closed || this.#socket !== null || this.#retry !== null) return;
    const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    this.#retry = setTimeout(() => this.#connect(), ceiling * (0.5 + Math.random() * 0.5));
  }

  /** The network changed: what was open is a socket of the old one, and would hang until TCP gives up. */
  readonly #networkGone = (): void => this.#drop();
  readonly #networkBack = (): void => {
    this.#attempts = 0;
    this.#drop();
    if (this.#retry !== null) {
      clearTimeout(this.#retry);
      this.#connect();
    }
  };

  #drop(): void {
    const socket = this.#socket;
    if (socket === null || this.#closed) return;
    this.#socket = null;
    socket.close();
    this.#options.onLink('reconnecting');
    void this.#again(true);
  }
}
