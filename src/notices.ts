/** Notices put together: the feeder beside the owner of the domain, and the desk at which supervisors make and watch them. */
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { csvText } from './base/csv.ts';
import type { DeskId, DomainId, E164, EpochMs, NoticeId } from './base/ids.ts';
import type { Logger } from './base/log.ts';
import { NOTICE_LIMITS } from './base/notice.ts';
import { cleanText } from './channels/call-me.ts';
import { NoticeFeeder } from './channels/notice-feeder.ts';
import { estimatedEnd, type RecipientList, type RecipientRules, readRecipients } from './channels/notices.ts';
import { InputRefused } from './contact/agents.ts';
import type { Controller } from './contact/controller.ts';
import {
  changeNotice,
  createNotice,
  findNotice,
  listNotices,
  type NoticeWithProgress,
  noticeOutcomes,
  PgNoticeStore,
  type RecipientOutcome,
  waitingInNotices,
} from './db/notices.ts';
import type { createPool } from './db/pool.ts';
import type { ScenarioSet } from './ivr/parse.ts';
import { nextTimeToCall } from './routing/call-hours.ts';
import type { RulesOfDesks } from './routing/desk-rules.ts';
import type { Desk, Directory } from './routing/directory.ts';
import { desksToSupervise } from './views.ts';
import { type Principal, RequestRefused } from './web/backend.ts';
import type { NoticeCheckView, NoticeDraft, NoticeView } from './web/notice-messages.ts';
import type { NoticeDesk } from './web/notices.ts';

type Pool = ReturnType<typeof createPool>;

export interface NoticeParts {
  readonly pool: Pool;
  readonly domainId: DomainId;
  readonly directory: () => Directory;
  readonly rulesOf: RulesOfDesks;
  /** ISO 3166-1 alpha-2 countries that may be called beside the centre's own. */
  readonly countries: readonly string[];
  /** Scenarios that can tell a notice. */
  readonly scenarios: () => readonly string[];
  readonly now: () => EpochMs;
  readonly log: Logger;
}

/** Names of the scenarios that can tell a notice: those that declare the variable `text`, in which it is given to them. */
export const tellersOf = ({ scenarios }: ScenarioSet): readonly string[] =>
  [...scenarios.values()].filter(({ variables }) => variables['text'] === 'string').map(({ name }) => name);

/** The first moment from one on at which people may be called from a desk; null when there is none. */
export type CallHours = (from: EpochMs) => EpochMs | null;

/** The hours of a desk as they are now. Nobody is called from a desk that is gone. */
export function callHoursOf(deskId: DeskId, directory: Directory, rulesOf: RulesOfDesks): CallHours {
  const desk = directory.desks.get(deskId);
  const { hours } = rulesOf(deskId).callbacks;
  return (from) => (desk ? nextTimeToCall(desk, hours, from) : null);
}

/** Numbers of a centre's lists are read in the form of its own country; its own numbers are not called. */
export function recipientRules(directory: Directory, countries: readonly string[]): RecipientRules {
  const country = parsePhoneNumberFromString(directory.outgoingNumber)?.country ?? 'JP';
  const ownNumbers: E164[] = [directory.outgoingNumber, ...directory.entries.flatMap((entry) => entry.numbers)];
  return { country, countries: [...new Set([country, ...countries])], ownNumbers };
}

/** A list as it was read, with those in it who wait in another notice already. */
export async function checkList(
  pool: Pool,
  domainId: DomainId,
  bytes: Uint8Array,
  rules: RecipientRules,
): Promise<RecipientList & { readonly alsoIn: ReadonlyMap<E164, NoticeId> }> {
  const list = await readRecipients(bytes, rules);
  const numbers = list.recipients.map(({ number }) => number);
  return { ...list, alsoIn: await waitingInNotices(pool, domainId, numbers) };
}

/** Starts to feed the floor, which this process must own. */
export function feedNotices(parts: NoticeParts, controller: Controller): NoticeFeeder {
  const { pool, domainId, directory, rulesOf, now, log } = parts;
  const feeder = new NoticeFeeder({
    store: new PgNoticeStore(pool, domainId),
    async submit(input) {
      try {
        await controller.submit(input);
        return null;
      } catch (error) {
        // While the floor starts or stops it refuses everything; that says nothing about the notice.
        if (error instanceof InputRefused && error.code !== 'starting' && error.code !== 'stopping') return error.code;
        throw error;
      }
    },
    nextTimeToCall: (deskId, at) => callHoursOf(deskId, directory(), rulesOf)(at),
    now,
    log,
  });
  controller.onCommitted(({ events }) => {
    if (events.some(({ name }) => name === 'contactEnded')) feeder.roomMade();
  });
  feeder.start();
  return feeder;
}

/** How many notices a list shows; of the older ones the outcome was told. */
const LISTED = 50;
const FIRST_SHOWN = 5;
const PROBLEMS_SHOWN = 200;
const ALSO_IN_SHOWN = 20;

/** @param changed called when there is something new for the feeder */
export function noticeDesk(parts: NoticeParts, changed: () => void): NoticeDesk {
  const { pool, domainId, directory, now } = parts;
  const hoursOf = (deskId: DeskId): CallHours => callHoursOf(deskId, directory(), parts.rulesOf);

  /** The desks whose notices somebody may see and make. */
  const desksOf = (principal: Principal): ReadonlyMap<DeskId, Desk> => desksToSupervise(principal, directory());
  const nameOf = (by: string): string => directory().agents.get(by)?.name ?? by;
  const view = ({ notice, progress }: NoticeWithProgress): NoticeView => {
    const at = now();
    const { latest: _, ...counts } = progress;
    const hours = hoursOf(notice.deskId);
    const callsFrom = notice.state === 'running' ? hours(at) : null;
    return {
      ...counts,
      id: notice.id,
      desk: { id: notice.deskId, name: directory().desks.get(notice.deskId)?.name ?? notice.deskId },
      language: notice.language,
      text: notice.text,
      scenario: notice.scenario,
      state: notice.state,
      pace: notice.pace,
      createdAt: notice.createdAt,
      createdBy: nameOf(notice.createdBy),
      total: notice.total,
      estimatedEndAt: notice.state === 'running' ? estimatedEnd(progress, at, hours) : null,
      callsFrom: callsFrom !== null && callsFrom > at ? callsFrom : null,
    };
  };
  const find = async (principal: Principal, id: NoticeId) => {
    const desks = desksOf(principal);
    const found = await findNotice(pool, domainId, id, now());
    if (!found || !desks.has(found.notice.deskId))
      throw new RequestRefused('noSuchNotice', 'There is no such notice at the desks that you see.', 404);
    return found;
  };
  const read = async (principal: Principal, draft: NoticeDraft) => {
    if (!desksOf(principal).has(draft.deskId))
      throw new RequestRefused('noSuchDesk', 'There is no such desk among those that you see.', 404);
    if (draft.scenario && !parts.scenarios().includes(draft.scenario))
      throw new RequestRefused('noSuchScenario', 'There is no scenario of this name that can tell a notice.', 404);
    const at = now();
    const callsFrom = hoursOf(draft.deskId)(at);
    if (callsFrom === null) throw new RequestRefused('neverOpen', 'This desk has no hours in which people may be called.');
    const bytes = Buffer.from(draft.list, 'base64');
    if (bytes.length > NOTICE_LIMITS.bytes) throw new RequestRefused('listTooLong', 'The list is too long: at most 4 MB.', 413);
    const list = await checkList(pool, domainId, bytes, recipientRules(directory(), parts.countries));
    const alsoIn = list.recipients.flatMap(({ line, number, name }) => {
      const notice = list.alsoIn.get(number);
      return notice === undefined ? [] : [{ line, number, name, notice }];
    });
    const check: NoticeCheckView = {
      lines: list.lines,
      good: list.recipients.length,
      bad: list.problems.length,
      first: list.recipients.slice(0, FIRST_SHOWN).map(({ line, number, name }) => ({ line, number, name })),
      problems: list.problems.slice(0, PROBLEMS_SHOWN),
      alsoIn: alsoIn.slice(0, ALSO_IN_SHOWN),
      alsoInCount: alsoIn.length,
      callsFrom: callsFrom > at ? callsFrom : null,
    };
    return { list, check };
  };

  return {
    async list(principal) {
      const desks = desksOf(principal);
      const notices = await listNotices(pool, domainId, desks.keys(), LISTED, now());
      return {
        serverTime: now(),
        notices: notices.map(view),
        desks: [...desks.values()].map(({ id, name }) => ({ id, name })),
        scenarios: [...parts.scenarios()],
      };
    },

    async show(principal, id) {
      const found = await find(principal, id);
      return {
        notice: view(found),
        history: found.actions.map((action) => ({ ...action, by: action.by === null ? null : nameOf(action.by) })),
      };
    },

    async check(principal, draft) {
      return (await read(principal, draft)).check;
    },

    async create(principal, draft) {
      const text = cleanText(draft.text);
      if (text === '') throw new RequestRefused('noText', 'Write what is to be told.');
      const { list, check } = await read(principal, draft);
      if (list.recipients.length === 0 || (list.problems.length > 0 && !draft.skipBad)) return { wrong: check };
      const { requestId, deskId, language, pace, scenario = null } = draft;
      const wanted = { requestId, deskId, language, text, scenario, pace, recipients: list.recipients, by: principal.agentId };
      const id = await createNotice(pool, domainId, wanted, now());
      changed();
      return { created: view(await find(principal, id)) };
    },

    async change(principal, id, change) {
      const { notice } = await find(principal, id);
      const state = await changeNotice(pool, domainId, notice.id, change, principal.agentId, now());
      changed();
      if (state !== STATE_AFTER[change]) throw new RequestRefused('noticeOver', 'This notice is over.', 409);
      return view(await find(principal, id));
    },

    async outcomes(principal, id) {
      const { notice } = await find(principal, id);
      return outcomesCsv(await noticeOutcomes(pool, domainId, notice.id));
    },
  };
}

const STATE_AFTER = { paused: 'paused', resumed: 'running', stopped: 'stopped' } as const;

/** For a spreadsheet. */
export function outcomesCsv(outcomes: readonly RecipientOutcome[]): string {
  return csvText([
    ['number', 'name', 'state', 'outcome', 'attempts', 'ended_at'],
    ...outcomes.map(({ number, name, state, outcome, attempts, endedAt }) => [
      number,
      name,
      state,
      outcome,
      attempts,
      endedAt === null ? null : new Date(endedAt).toISOString(),
    ]),
  ]);
}
