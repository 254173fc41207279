/** Notices by HTTP. A refusal is an answer like any other: a code that the screen has a word for, and a sentence in English. */
import type { NoticeCheckView, NoticeDraft, NoticeHistoryView, NoticeListView, NoticeView } from '../notice-messages.ts';

export interface Refused {
  readonly code: string;
  readonly message: string;
}
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refused: Refused };

/** Asks by GET, or by POST with a body. */
export async function ask<T>(path: string, body?: unknown): Promise<Answer<T> & { readonly status: number; readonly body: unknown }> {
  let response: Response;
  try {
    response = await fetch(path, {
      cache: 'no-store',
      ...(body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  } catch {
    // fetch rejects only when no answer came at all.
    return { ok: false, refused: { code: 'unreachable', message: '' }, status: 0, body: null };
  }
  const answer: unknown = await response.json().catch(() => null); // a proxy's page, say
  // The server checks what it sends against the schema that T comes from.
  if (response.ok) return { ok: true, value: answer as T, status: response.status, body: answer };
  const said = typeof answer === 'object' && answer !== null ? (answer as Partial<Refused>) : {};
  const refused = { code: said.code ?? 'internal', message: said.message ?? `HTTP ${response.status}` };
  return { ok: false, refused, status: response.status, body: answer };
}

export const listNotices = (): Promise<Answer<NoticeListView>> => ask('/api/notices');
export const showNotice = (id: string): Promise<Answer<NoticeHistoryView>> => ask(`/api/notices/${id}`);
export const changeNotice = (id: string, verb: 'pause' | 'resume' | 'stop'): Promise<Answer<NoticeView>> =>
  ask(`/api/notices/${id}/${verb}`, {});
export const checkNotice = (draft: NoticeDraft): Promise<Answer<NoticeCheckView>> => ask('/api/notices/check', draft);

/** @returns the check instead when the list is not as it was when it was checked */
export async function createNotice(
  draft: NoticeDraft,
): Promise<Answer<NoticeView> | { readonly ok: false; readonly wrong: NoticeCheckView }> {
  const answer = await ask<NoticeView>('/api/notices', draft);
  const { body } = answer;
  if (answer.status === 422 && typeof body === 'object' && body !== null && 'problems' in body)
    return { ok: false, wrong: body as NoticeCheckView };
  return answer;
}

export const outcomesPath = (id: string): string => `/api/notices/${id}/outcomes.csv`;

/** The list as it goes over the wire, whatever it is written in: the server reads the encoding. */
export function toBase64(list: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''));
    reader.onerror = () => reject(reader.error ?? new Error('the file could not be read'));
    reader.readAsDataURL(list);
  });
}

/** `crypto.randomUUID` is for https pages only. */
export const newRequestId = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
