/**
 * Takes call-me requests in: keeps count of what came before and asks `channels/call-me.ts` whether to accept. Counts live in
 * memory and are forgotten by a restart; that the same number waits already is asked of the house, which doesn't forget.
 */
import type { EpochMs } from '../base/ids.ts';
import {
  CALL_ME_MESSAGES,
  type CallMeBody,
  type CallMePolicy,
  type CallMeRefusal,
  CALL_ME_REFUSAL_CODES as CODES,
  checkCallMe,
  checkCallTime,
  cleanCallMe,
  readCallMeTarget,
} from '../channels/call-me.ts';
import { type CallMeStatus, RequestRefused, type WebBackend } from './backend.ts';

const HOUR_MS = 3_600_000;
/** Targets and addresses remembered at most. */
const MOST_KEYS = 50_000;
const OPEN: ReadonlySet<CallMeStatus['state']> = new Set([
  'waiting',
  'agreed',
  'resting',
  'closed',
  'preparing',
  'calling',
  'connectingAgent',
  'connected',
]);

export interface CallMeDesk {
  /** @throws RequestRefused what the house refuses (no such entry, already waiting since before a restart) */
  request(body: CallMeBody, address: string): Promise<{ readonly token: string } | CallMeRefusal>;
}

export function callMeDesk(backend: WebBackend, policy: CallMePolicy, now: () => EpochMs): CallMeDesk {
  const toTarget = new Map<string, EpochMs[]>();
  const fromAddress = new Map<string, EpochMs[]>();
  /** The last request for a target; null while the house is being asked. */
  const last = new Map<string, string | null>();

  function recent(times: Map<string, EpochMs[]>, key: string, nowMs: EpochMs): EpochMs[] {
    return (times.get(key) ?? []).filter((at) => at > nowMs - HOUR_MS);
  }
  function remember(times: Map<string, EpochMs[]>, key: string, nowMs: EpochMs): void {
    const list = recent(times, key, nowMs);
    list.push(nowMs);
    // The map's order is by last use; the longest unused goes when there are too many.
    times.delete(key);
    times.set(key, list);
    const [first] = times.keys();
    if (times.size > MOST_KEYS && first !== undefined) {
      times.delete(first);
      last.delete(first);
    }
  }
  function forget(times: Map<string, EpochMs[]>, key: string, at: EpochMs): void {
    const list = times.get(key);
    const index = list?.lastIndexOf(at) ?? -1;
    if (index >= 0) list?.splice(index, 1);
  }
  async function isOpen(target: string): Promise<boolean> {
    const token = last.get(target);
    if (token === undefined) return false;
    if (token === null) return true;
    const status = await backend.callMeStatus(token);
    return status !== null && OPEN.has(status.state);
  }

  return {
    async request(body, address) {
      const read = readCallMeTarget(body, policy);
      if (!read.accepted) return read;
      const wrongTime = checkCallTime(body.callAt ?? null, body.language, now());
      if (wrongTime !== null) return wrongTime;
      const { target } = read;
      const before = last.get(target);
      const open = await isOpen(target);
      const at = now();
      // From here to the reservation nothing waits, so of two at the same time one is refused.
      const counts = {
        open: open || last.get(target) !== before,
        toTarget: recent(toTarget, target, at),
        fromAddress: recent(fromAddress, address, at),
      };
      const checked = checkCallMe(body, policy, counts, at);
      if (!checked.accepted) return checked;
      last.set(target, null);
      remember(toTarget, target, at);
      remember(fromAddress, address, at);
      try {
        const request = { entryId: body.entry, language: body.language, to: checked.to, callAt: body.callAt ?? null, ...cleanCallMe(body) };
        const { token } = await backend.callMe(request);
        last.set(target, token);
        return { token };
      } catch (error) {
        // It was not taken in: it does not count.
        last.delete(target);
        forget(toTarget, target, at);
        forget(fromAddress, address, at);
        // In the visitor's language, where the house refuses with a word of ours: it knows of what was before a restart.
        const code = error instanceof RequestRefused ? CODES.find((known) => known === error.code) : undefined;
        if (code !== undefined) return { accepted: false, code, message: CALL_ME_MESSAGES[code][body.language], retryAfterMs: null };
        throw error;
      }
    },
  };
}
