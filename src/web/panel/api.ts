/** The few things that the panel asks by HTTP: who am I, log in, log out. Everything live goes through `socket.ts`. */

export const PATHS = {
  logIn: '/api/login',
  logOut: '/api/logout',
  me: '/api/me',
  socket: '/ws/panel',
} as const;

/** What was left on the phone in a contact, for a player. */
export const audioPath = (contactId: string): string => `/api/messages/${encodeURIComponent(contactId)}/audio`;

/** Why a player got nothing: the server's word, or `unreachable`; `broken` when there was something that it could not play. */
export async function whyNoAudio(contactId: string): Promise<string> {
  try {
    const response = await fetch(audioPath(contactId), { headers: { range: 'bytes=0-0' } });
    if (response.ok) return 'broken';
    const body: unknown = await response.json();
    return typeof body === 'object' && body !== null && 'code' in body ? String(body.code) : 'unreachable';
  } catch {
    // No answer, or none of ours.
    return 'unreachable';
  }
}

export type LogInProblem =
  | { readonly type: 'wrong' }
  | { readonly type: 'throttled'; readonly retryAfterMs: number }
  | { readonly type: 'unreachable' }
  | { readonly type: 'failed'; readonly status: number };
export type LogInResult = { readonly type: 'ok' } | LogInProblem;

export async function logIn(name: string, password: string): Promise<LogInResult> {
  let response: Response;
  try {
    response = await fetch(PATHS.logIn, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ userName: name, password }),
    });
  } catch {
    // fetch rejects only when no answer came at all.
    return { type: 'unreachable' };
  }
  if (response.ok) return { type: 'ok' };
  if (response.status === 401) return { type: 'wrong' };
  if (response.status === 429) {
    const seconds = Number(response.headers.get('retry-after'));
    return { type: 'throttled', retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 60_000 };
  }
  return { type: 'failed', status: response.status };
}

/** `unknown`: the centre could not be asked. */
export async function whoAmI(): Promise<'loggedIn' | 'loggedOut' | 'unknown'> {
  try {
    const response = await fetch(PATHS.me, { cache: 'no-store' });
    if (response.ok) return 'loggedIn';
    return response.status === 401 ? 'loggedOut' : 'unknown';
  } catch {
    // No answer: the centre is away, which says nothing about the session.
    return 'unknown';
  }
}

/** Best effort: when the centre can't be asked, the cookie ends by its own time. */
export async function logOut(): Promise<void> {
  try {
    await fetch(PATHS.logOut, { method: 'POST' });
  } catch {
    // The log-in page is shown all the same; the session ends at the server by its own time.
  }
}

export function socketUrl(location: Location): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${PATHS.socket}`;
}
