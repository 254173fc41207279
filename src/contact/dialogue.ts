/** A contact in the IVR: what the dialogue wants becomes orders, what happens becomes the dialogue's inputs. */
import type { DialogueInput, DialogueResult } from '../ivr/scenario.ts';
import { NO_WISHES } from '../routing/desk-rules.ts';
import { endContact } from './end.ts';
import type { Draft } from './floor.ts';
import type { Contact } from './model.ts';
import { decideAndQueue, entryOf, queueAt } from './queueing.ts';

export function beginDialogue(draft: Draft, contact: Contact): void {
  const result = draft.context.startDialogue(entryOf(draft, contact).scenario, contact.language);
  draft.event('scenarioStarted', { contact, cause: result.dialogue.scenario, data: { version: result.dialogue.version } });
  carryOut(draft, { ...contact, state: 'scenario', stateSince: draft.at }, result);
}

export function feedDialogue(draft: Draft, contact: Contact, input: DialogueInput): void {
  if (!contact.dialogue) return;
  carryOut(draft, contact, draft.context.stepDialogue(contact.dialogue, input));
}

const playId = (contact: Contact, play: number): string => `${contact.id}.s${play}`;

/** The number of a dialogue's playback in its id; null for a playback that is not a dialogue's. */
export function dialoguePlay(contact: Contact, play: string): number | null {
  const prefix = `${contact.id}.s`;
  return play.startsWith(prefix) ? Number(play.slice(prefix.length)) : null;
}

function carryOut(draft: Draft, before: Contact, result: DialogueResult): void {
  const { announce: _none, ...timers } = before.timers;
  delete timers.scenario;
  const contact = draft.put('contact', {
    ...before,
    dialogue: result.dialogue,
    language: result.dialogue.language,
    timers: result.timeoutMs === null ? timers : { ...timers, scenario: draft.at + result.timeoutMs },
  });
  for (const note of result.notes) {
    draft.event('scenarioStep', { contact, cause: note.name, data: { ...note.data, step: result.dialogue.step } });
  }
  const leg = contact.legId as string;
  for (const action of result.actions) {
    switch (action.type) {
      case 'play':
        draft.order(contact.id, { type: 'play', leg, play: playId(contact, action.play), prompts: action.prompts });
        break;
      case 'stopPlay':
        draft.order(contact.id, { type: 'stopPlay', leg, play: playId(contact, action.play) });
        break;
      case 'lookUp': {
        const timers = { ...contact.timers, lookUp: draft.at + draft.context.policy.lookUpMs };
        draft.put('contact', { ...contact, timers });
        draft.order(contact.id, { type: 'lookUpParty', contactId: contact.id, by: 'customerCode', value: action.customerCode });
        break;
      }
      case 'handBack':
        draft.event('scenarioEnded', { contact, cause: action.identified ? 'identified' : 'notIdentified' });
        return decideAndQueue(draft, contact);
      case 'route': {
        draft.event('scenarioEnded', { contact, cause: 'routed' });
        const desks = [...draft.context.directory.desks.values()];
        const desk = desks.find((d) => d.id === action.desk) ?? desks.find((d) => action.desk === 'reception' && d.isReception);
        if (!desk) return decideAndQueue(draft, contact);
        return queueAt(draft, contact, {
          deskId: desk.id,
          rule: `scenario:${result.dialogue.scenario}`,
          why: [
            {
              en: `the scenario ${result.dialogue.scenario} sent the caller to ${desk.name}`,
              ja: `シナリオ ${result.dialogue.scenario} により ${desk.name} へ`,
            },
          ],
          closed: false,
          wishes: NO_WISHES,
        });
      }
      case 'hangUp':
        draft.event('scenarioEnded', { contact, cause: 'hungUp' });
        return endContact(draft, contact.id, 'hungUpByScenario');
    }
  }
}
