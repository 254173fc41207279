/** Who may listen to what was left on the phone; and that it is written down who did. */
import type { AgentId, ContactId, CustomerId, EpochMs, RecordingId } from './base/ids.ts';
import type { Controller } from './contact/controller.ts';
import type { Contact } from './contact/model.ts';
import type { StoredMessage } from './db/contacts.ts';
import type { Directory } from './routing/directory.ts';
import { contactOf, visibleDesks } from './views.ts';
import { type Principal, RequestRefused, type WebBackend } from './web/backend.ts';

export interface MessageAudioParts {
  readonly controller: Pick<Controller, 'floor' | 'submit'>;
  readonly directory: () => Directory;
  readonly clock: () => EpochMs;
  /** Of a contact that is over; null when there is none, or nothing was left in it. */
  readonly storedMessage: (contactId: ContactId) => Promise<StoredMessage | null>;
  /** A WAV file; null while the switch has not handed it over. */
  readonly recording: (recording: RecordingId) => Promise<Buffer | null>;
}

/** A player asks for a file piece by piece, and plays it again: all that within this time is one listening. */
const ONE_LISTENING_MS = 10 * 60_000;

/**
 * For whoever has the message in hand, or sees its desk. Nothing is given out before the log has it who listens.
 * @throws RequestRefused `noSuchMessage`, or `notStoredYet` while the recording is on its way
 */
export function messageAudio({ controller, directory, clock, storedMessage, recording }: MessageAudioParts): WebBackend['messageAudio'] {
  const told = new Map<string, { readonly at: EpochMs; readonly done: Promise<void> }>();

  const tell = async (agentId: AgentId, message: StoredMessage): Promise<void> => {
    const key = `${agentId} ${message.contactId}`;
    const now = clock();
    for (const [other, { at }] of told) {
      if (Math.abs(now - at) < ONE_LISTENING_MS) break; // they stand in the order of their time
      told.delete(other);
    }
    const before = told.get(key);
    if (before) return before.done;
    const { contactId, deskId, customerId } = message;
    const done = controller.submit({ type: 'messageHeard', agentId, contactId, deskId, customerId });
    told.set(key, { at: now, done });
    try {
      await done;
    } catch (error) {
      told.delete(key);
      throw error;
    }
  };

  return async (principal, contactId) => {
    const live = controller.floor.contacts.get(contactId);
    const message = live ? messageOf(live) : await storedMessage(contactId);
    if (!message || !may(principal, message, contactId)) {
      throw new RequestRefused('noSuchMessage', 'there is no such message among those that you may hear', 404);
    }
    const wav = await recording(message.recording);
    if (!wav) throw new RequestRefused('notStoredYet', 'the recording is still on its way from the switch; try again in a moment', 404);
    await tell(principal.agentId, message);
    return wav;
  };

  function may(principal: Principal, { deskId }: StoredMessage, contactId: ContactId): boolean {
    const { floor } = controller;
    if (contactOf(floor.agents.get(principal.agentId), floor)?.contact.id === contactId) return true;
    return deskId !== null && visibleDesks(principal, directory()).has(deskId);
  }
}

/** A callback to whoever left it has the message, too: what is heard in it is the message that it continues. */
function messageOf({ id, channel, continues, deskId, party, message }: Contact): StoredMessage | null {
  if (!message) return null;
  const customerId: CustomerId | null = party.record?.customerId ?? null;
  return { contactId: channel === 'message' ? id : (continues ?? id), deskId, customerId, recording: message.recording };
}
