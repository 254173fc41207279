/** A contact in the IVR: what the dialogue wants becomes orders, what happens becomes the dialogue's inputs. */
import type { ContactId, DeskId, EpochMs, LegId, RecordingId } from '../base/ids.ts';
import type { Destination, DialogueAction, DialogueInput, DialogueResult, Value, Values } from '../ivr/scenario.ts';
import type { DialogueFacts } from '../ivr/step.ts';
import { conditionFacts, requirementsOf } from '../routing/control-logic.ts';
import { NO_WISHES } from '../routing/desk-rules.ts';
import type { Desk } from '../routing/directory.ts';
import { isOpen } from '../routing/hours.ts';
import { onDialogueHungUp, onHandedBack } from './dialogue-over.ts';
import type { Draft } from './floor.ts';
import { readNumber } from './identify.ts';
import { dialoguePlayId, messageKey, numberInCall, recordingOf } from './legs.ts';
import { leaveMessage } from './messages.ts';
import { type Contact, type Decision, type FloorInput, MOST_AHEAD_MS, type RecordingUnderWay } from './model.ts';
import { isAnnounced } from './offering.ts';
import { mayBeCalledBack, transferOut } from './outside.ts';
import { continueAsCallback, decideAndQueue, decisionOf, entryOf, mayCallFrom, queueAt } from './queueing.ts';

/**
 * Begins a dialogue with a contact's party.
 * @param about left out: the scenario of the contact's entry. With a callback for which an agent is kept, it goes on beside the offer
 */
export function beginDialogue(
  draft: Draft,
  contact: Contact,
  about: { readonly scenario?: string; readonly variables?: Values } = {},
): void {
  const { language } = contact;
  const name = about.scenario ?? entryOf(draft, contact)?.scenario;
  if (name === undefined) return decideAndQueue(draft, contact); // its entry was taken away meanwhile
  const options = { language, ...(about.variables && { variables: about.variables }) };
  const result = draft.context.startDialogue(name, options, factsOf(draft, contact));
  const { scenario, version } = result.dialogue;
  draft.event('scenarioStarted', { contact, offer: draft.offer(contact.offerId), cause: scenario, data: { version } });
  carryOut(draft, contact.state === 'offered' ? contact : { ...contact, state: 'scenario', stateSince: draft.at }, result);
}

/** Whether there is such a scenario now. */
export function canBegin(draft: Draft, contact: Contact, scenario: string): boolean {
  const { notes } = draft.context.startDialogue(scenario, { language: contact.language }, factsOf(draft, contact));
  return !notes.some(({ name }) => name === 'scenarioGone');
}

/** The input is the dialogue's that the contact has now; with none, it changes nothing. */
export function feedDialogue(draft: Draft, { id }: Contact, input: DialogueInput): void {
  const contact = draft.contact(id);
  if (!contact?.dialogue) return;
  carryOut(draft, contact, draft.context.stepDialogue(contact.dialogue, input, factsOf(draft, contact)));
}

/** What a dialogue may ask about the world of its contact. */
function factsOf(draft: Draft, contact: Contact): DialogueFacts {
  const { timeZone, speech = false } = draft.context;
  const entry = entryOf(draft, contact);
  return {
    at: draft.at,
    timeZone,
    speech,
    conditions: () => {
      const { party, channel, callingNumber, language } = contact;
      const entered = entry ?? { id: '', language, country: '', makerId: '' };
      return conditionFacts(timeZone, { party, channel, callingNumber, entry: entered }, draft.at);
    },
    isOpen: (name) => {
      const desk = deskNamed(draft, name);
      return desk !== undefined && isOpen(desk, draft.at);
    },
    readPhone: (digits) => readNumber(digits, entry?.country ?? 'ZZ')?.e164 ?? null,
  };
}

/** By its id, or as the one that is the reception. */
function deskNamed(draft: Draft, name: string): Desk | undefined {
  const { desks } = draft.context.directory;
  return desks.get(name) ?? (name === 'reception' ? [...desks.values()].find((desk) => desk.isReception) : undefined);
}

/** The dialogue knows whether it still waits for that. */
export function onServiceAnswered(draft: Draft, { contactId, ...answer }: Extract<FloorInput, { readonly type: 'serviceAnswered' }>): void {
  const contact = draft.contact(contactId);
  if (contact) feedDialogue(draft, contact, answer);
}

export function onHeard(draft: Draft, { contactId, ...heard }: Extract<FloorInput, { readonly type: 'heard' }>): void {
  const contact = draft.contact(contactId);
  if (contact) feedDialogue(draft, contact, heard);
}

/** The number of a dialogue's playback in its id; null for a playback that is not this dialogue's. */
export function dialoguePlay(contact: Contact, play: string): number | null {
  const prefix = `${contact.id}.s`;
  return play.startsWith(prefix) ? numberInCall(contact, Number(play.slice(prefix.length))) : null;
}

/** A recording is over: the message is there, or what was said can be recognised. */
export function onRecordFinished(
  draft: Draft,
  legId: LegId,
  recording: RecordingId,
  durationMs: number,
  outcome: 'completed' | 'failed',
): void {
  const [, id = '', kind, number] = /^(.*)\.([rh])(\d+)$/.exec(recording) ?? [];
  const contact = draft.contact(draft.leg(legId)?.contactId ?? id);
  if (contact?.recording?.recording === recording) {
    const { recording: _over, ...rest } = contact;
    draft.put('contact', rest);
  }
  if (!contact?.dialogue || number === undefined) return drop(draft, contact?.id ?? id, recording);
  const request = numberInCall(contact, Number(number));
  if (request === null) return drop(draft, contact.id, recording);
  const { listening } = contact.dialogue;
  if (kind === 'h') {
    if (listening?.request !== request) return drop(draft, contact.id, recording);
    if (outcome === 'failed' || durationMs < SAID_NOTHING_MS) {
      drop(draft, contact.id, recording);
      return feedDialogue(draft, contact, { type: 'heard', request, words: null });
    }
    const { language, expects } = { language: contact.language, ...listening };
    draft.order(contact.id, { type: 'recognise', contactId: contact.id, request, recording, language, expects });
    return;
  }
  feedDialogue(draft, contact, { type: 'recorded', request, durationMs, outcome });
  const held = draft.contact(contact.id)?.dialogue?.recorded?.request === request;
  if (!held && !isLeft(draft, recording)) drop(draft, contact.id, recording);
}

const isLeft = (draft: Draft, recording: RecordingId): boolean =>
  draft.orders.some((order) => order.type === 'keepRecording' && order.recording === recording);

/** What callers recorded, and no dialogue holds any more, and nobody was to have, is for nobody. The last part of every step. */
export function dropUnheld(draft: Draft): void {
  for (const { id, dialogue } of draft.contacts.values()) {
    const before = draft.floor.contacts.get(id);
    const held = before?.dialogue?.recorded;
    if (!before || held === undefined || dialogue?.recorded?.request === held.request) continue;
    const recording = recordingOf(before, 'r', held.request);
    if (!isLeft(draft, recording)) drop(draft, id, recording);
  }
}

/** Whether the dialogue waits for the recording that is under way. */
export function awaitsRecording(contact: Contact): boolean {
  const { dialogue, recording } = contact;
  if (dialogue === null || recording === undefined) return false;
  const { request, listening } = dialogue;
  const isMessage = request !== undefined && recording.recording === recordingOf(contact, 'r', request);
  return isMessage || (listening !== undefined && recording.recording === recordingOf(contact, 'h', listening.request));
}

function record(draft: Draft, contact: Contact, recording: RecordingUnderWay): void {
  draft.put('contact', { ...contact, recording });
  draft.order(contact.id, { type: 'record', leg: contact.legId as LegId, ...recording });
}

function drop(draft: Draft, contactId: ContactId, recording: RecordingId): void {
  draft.order(contactId, { type: 'dropRecording', recording });
}

function carryOut(draft: Draft, before: Contact, result: DialogueResult): void {
  const { dialogue, timeoutMs } = result;
  const { scenario: due, ...timers } = before.timers;
  const next = timeoutMs === 'asBefore' ? due : timeoutMs === null ? undefined : draft.at + timeoutMs;
  const contact = draft.put('contact', {
    ...before,
    dialogue,
    language: dialogue.language,
    timers: next === undefined ? timers : { ...timers, scenario: next },
  });
  for (const { name, scenario, step, data } of result.notes) {
    draft.event('scenarioStep', { contact, cause: name, data: { ...data, scenario, step } });
  }
  if (result.entered.length > 0) {
    const steps = result.entered.map(({ scenario, step }) => `${scenario}.${step}`);
    draft.event('scenarioStep', { contact, cause: 'entered', data: { steps } });
  }
  for (const action of result.actions) {
    const now = draft.contact(contact.id);
    if (!now || !perform(draft, now, action)) return;
  }
}

/** @returns whether the dialogue's other actions are to be done too; no: it is over, or has gone on already */
function perform(draft: Draft, contact: Contact, action: DialogueAction): boolean {
  const { id } = contact;
  const leg = contact.legId as LegId;
  const isUp = draft.leg(contact.legId)?.state === 'up';
  switch (action.type) {
    case 'play':
      if (isUp) draft.order(id, { type: 'play', leg, play: dialoguePlayId(contact, action.play), prompts: action.prompts });
      return true;
    case 'stopPlay':
      if (isUp) draft.order(id, { type: 'stopPlay', leg, play: dialoguePlayId(contact, action.play) });
      return true;
    case 'lookUp':
      draft.put('contact', { ...contact, timers: { ...contact.timers, lookUp: draft.at + draft.context.policy.lookUpMs } });
      draft.order(id, { type: 'lookUpParty', contactId: id, by: action.by, value: action.value });
      return true;
    case 'askService': {
      const { request, service, values } = action;
      draft.order(id, { type: 'askService', contactId: id, request, service, values, version: contact.dialogue?.version ?? '' });
      return true;
    }
    case 'send':
      draft.order(id, {
        type: 'sendHook',
        contactId: id,
        hook: action.hook,
        values: action.values,
        key: messageKey(contact, action.request),
      });
      return true;
    case 'record': {
      const { request, longestMs, silenceMs, beep } = action;
      if (isUp) record(draft, contact, { recording: recordingOf(contact, 'r', request), longestMs, silenceMs, beep });
      return true;
    }
    case 'stopRecord':
      if (isUp) draft.order(id, { type: 'stopRecord', leg, recording: recordingOf(contact, 'r', action.request) });
      return true;
    case 'listen': {
      const recording = recordingOf(contact, 'h', action.request);
      if (isUp) record(draft, contact, { recording, longestMs: action.longestMs, silenceMs: END_OF_SPEECH_MS, beep: false });
      return true;
    }
    case 'stopListening':
      if (isUp) draft.order(id, { type: 'stopRecord', leg, recording: recordingOf(contact, 'h', action.request) });
      return true;
    case 'keep':
      draft.event('scenarioAnswered', { contact, data: action.answers as Readonly<Record<string, Value>> });
      return true;
    case 'leaveMessage': {
      const deskId = action.desk === null ? null : (deskNamed(draft, action.desk)?.id ?? null);
      leaveMessage(draft, contact, { recording: recordingOf(contact, 'r', action.request), durationMs: action.durationMs, deskId });
      return true;
    }
    case 'callBack':
      feedDialogue(draft, contact, { type: 'callBackAnswered', promised: promiseCallBack(draft, contact, action) });
      return false;
    case 'transferOut': {
      const refused = transferOut(draft, contact, action);
      if (refused === 'tooOften') onDialogueHungUp(draft, draft.contact(id) as Contact, null);
      else if (refused) feedDialogue(draft, contact, refused);
      return false;
    }
    case 'queue':
      if (isAnnounced(contact, draft.offer(contact.offerId))) {
        onHandedBack(draft, contact, true); // an agent is kept for it
        return false;
      }
      queueAt(draft, contact, decisionFor(draft, contact, action), contact.dialogue);
      return true;
    case 'leaveQueue':
      leaveQueue(draft, contact);
      return true;
    case 'handBack':
      onHandedBack(draft, contact, action.identified);
      return false;
    case 'route':
      if (isAnnounced(contact, draft.offer(contact.offerId))) onHandedBack(draft, contact, true);
      else {
        draft.event('scenarioEnded', { contact, cause: 'routed' });
        queueAt(draft, contact, decisionFor(draft, contact, action), null);
      }
      return false;
    case 'hangUp':
      onDialogueHungUp(draft, contact, action.as);
      return false;
  }
}

/** No word is shorter: nobody is asked to recognise silence. */
const SAID_NOTHING_MS = 100;
/** So long a silence ends what somebody says in answer to a question. */
const END_OF_SPEECH_MS = 1_200;

/** Out of the queue and back to talking. Nobody is offered it meanwhile; its place is by its arrival. */
function leaveQueue(draft: Draft, contact: Contact): void {
  const { id, playing } = contact;
  const { announce: _told, retry: _rests, ...timers } = contact.timers;
  const back = draft.put('contact', { ...contact, state: 'scenario', stateSince: draft.at, announced: null, playing: null, timers });
  draft.event('dequeued', { contact: back, cause: contact.dialogue?.scenario ?? null });
  const leg = draft.leg(contact.legId);
  if (leg?.state !== 'up') return;
  if (playing !== null) draft.order(id, { type: 'stopPlay', leg: leg.id, play: playing });
  draft.order(id, { type: 'stopMusic', leg: leg.id });
}

/** Where a scenario sends a contact; what it does not say is as the control logic decides. */
function decisionFor(draft: Draft, contact: Contact, { desk: name, priority, needs }: Destination): Decision {
  const desk = name === null ? undefined : deskNamed(draft, name);
  const scenario = contact.dialogue?.scenario ?? '';
  const decided: Decision = desk
    ? {
        deskId: desk.id,
        rule: `scenario:${scenario}`,
        why: [{ en: `the scenario ${scenario} sent the caller to ${desk.name}`, ja: `シナリオ ${scenario} により ${desk.name} へ` }],
        closed: !isOpen(desk, draft.at),
        wishes: NO_WISHES,
      }
    : decisionOf(draft, contact);
  if (priority === null && needs === null) return decided;
  const { wishes } = decided;
  const requirements = needs === null ? {} : { requirements: requirementsOf(needs), rings: [] };
  return { ...decided, wishes: { ...wishes, ...requirements, priorityClass: priority ?? wishes.priorityClass } };
}

/** @returns whether somebody will call back: there is a number which may be dialled, and the time is one at which people are called */
function promiseCallBack(draft: Draft, contact: Contact, wanted: Extract<DialogueAction, { type: 'callBack' }>): boolean {
  if (contact.dialogue?.served === 'callBack') return true;
  const { callingNumber } = contact;
  const number = wanted.number ?? (callingNumber.kind === 'valid' ? callingNumber.e164 : null);
  const read = number === null ? null : readNumber(number, 'ZZ');
  const isOwn = callingNumber.kind === 'valid' && read?.e164 === callingNumber.e164;
  if (!read || !(isOwn || mayBeCalledBack(draft, contact, read.e164))) return false;
  const desk = wanted.desk === null ? undefined : deskNamed(draft, wanted.desk);
  const decision = desk
    ? decisionFor(draft, contact, { desk: desk.id, priority: null, needs: null })
    : (contact.decision ?? decisionOf(draft, { ...contact, channel: 'callback' }));
  if (wanted.at !== null && !isAgreeable(draft, decision.deskId, wanted.at)) return false;
  draft.event('callbackRequested', { contact, data: wanted.at === null ? {} : { at: wanted.at } });
  continueAsCallback(draft, { ...contact, decision, callingNumber: read }, 'queueCallback', wanted.at);
  return true;
}

/** Nobody promises what the desk will not keep: a call in the night, or next year. */
const isAgreeable = (draft: Draft, deskId: DeskId, at: EpochMs): boolean =>
  at <= draft.at + MOST_AHEAD_MS && mayCallFrom(draft, deskId, at) === at;
