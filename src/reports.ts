/** Reports as supervisors see them: of the desks that are theirs to watch, with names, and for as long a period as can be answered. */
import { csvText } from './base/csv.ts';
import type { AgentId, DeskId, DomainId, EpochMs } from './base/ids.ts';
import type { createPool } from './db/pool.ts';
import { type FigureRow, instantsOf, listContacts, type Reports, runReport, TooManyRowsError } from './db/reports.ts';
import type { Desk, Directory } from './routing/directory.ts';
import { desksToSupervise } from './views.ts';
import { type Principal, RequestRefused } from './web/backend.ts';
import { LONGEST_DAYS } from './web/report-messages.ts';
import type { PeriodQuery, ReportDesk, ReportName, ReportQuery } from './web/reports.ts';

const DAY_MS = 24 * 3_600_000;
/** On a screen; a file has more. */
const MOST_CONTACTS = 200;
const MOST_CONTACTS_IN_FILE = 50_000;
const LONGEST_LIST_DAYS = 35;

export interface ReportParts {
  /** With a limit of its own: reports may take longer than what the floor asks, and must not take its connections. */
  readonly pool: ReturnType<typeof createPool>;
  readonly domainId: DomainId;
  readonly reports: Reports;
  readonly directory: () => Directory;
}

export function reportDesk({ pool, domainId, reports, directory }: ReportParts): ReportDesk {
  const agentName = (id: AgentId): string => directory().agents.get(id)?.name ?? id;
  const named = (id: string | null, name: (id: string) => string) => (id === null ? null : { id, name: name(id) });
  const deskName = (desks: ReadonlyMap<DeskId, Desk>) => (id: DeskId) => desks.get(id)?.name ?? id;

  const spanOf = async ({ from, to, timeZone }: PeriodQuery, longestDays: number): Promise<{ from: EpochMs; to: EpochMs }> => {
    const span = await answered(async () => await instantsOf(pool, from, to, timeZone));
    if (span.to <= span.from) throw new RequestRefused('emptyPeriod', 'The period must end after it begins.');
    // A day may have 25 hours.
    if (span.to - span.from > (longestDays + 0.5) * DAY_MS)
      throw new RequestRefused('periodTooLong', `The period may be ${longestDays} days at most with this interval.`);
    return span;
  };
  const figures = async (principal: Principal, name: ReportName, query: ReportQuery) => {
    const desks = desksToSupervise(principal, directory());
    const report = reports.figures.get(name);
    if (report === undefined) throw new Error(`no report ${name}`);
    const { timeZone, interval, groupBy, target } = query;
    if (!report.by.includes(groupBy)) throw new RequestRefused('noSuchGroup', `Right: ${report.by.join(', ')}.`);
    const span = await spanOf(query, LONGEST_DAYS[interval]);
    const request = { domainId, ...span, timeZone, interval, by: groupBy, desks: [...desks.keys()], targetSeconds: target };
    const { rows, total } = await answered(() => runReport(pool, report, request));
    const nameOf = groupBy === 'desk' ? deskName(desks) : groupBy === 'agent' ? agentName : (id: string) => id;
    return { report, span, rows: rows.map((row: FigureRow) => ({ ...row, group: named(row.group, nameOf) })), total };
  };
  const contacts = async (principal: Principal, query: PeriodQuery, most: number) => {
    const desks = desksToSupervise(principal, directory());
    const span = await spanOf(query, LONGEST_LIST_DAYS);
    const found = await answered(() => listContacts(pool, reports, { domainId, ...span, desks: [...desks.keys()] }, most + 1));
    const list = found.slice(0, most).map((one) => ({
      ...one,
      desk: named(one.desk, deskName(desks)),
      agent: named(one.agent, agentName),
    }));
    return { desks, list, more: found.length > most };
  };

  return {
    list(principal) {
      const desks = desksToSupervise(principal, directory());
      return {
        timeZones: [...new Set([...desks.values()].map(({ timeZone }) => timeZone))].sort(),
        desks: [...desks.values()].map(({ id, name }) => ({ id, name })),
        reports: [
          ...[...reports.figures.values()].map(({ name, about, by, kinds, columns }) => ({
            name,
            about,
            by: [...by],
            columns: Object.entries(kinds).map(([column, kind]) => ({
              name: column,
              kind,
              how: columns.get(column) ?? { en: '', ja: '' },
            })),
          })),
          {
            name: 'contacts',
            about: reports.contacts.about,
            by: [],
            columns: [...reports.contacts.columns].map(([name, how]) => ({ name, kind: 'text', how })),
          },
        ],
      };
    },
    async show(principal, name, query) {
      const { span, rows, total } = await figures(principal, name, query);
      const { timeZone, interval, groupBy } = query;
      return { ...span, timeZone, interval, by: groupBy, rows, total: total && { ...total } };
    },
    async csv(principal, name, query) {
      const { report, rows, total } = await figures(principal, name, query);
      const columns = Object.keys(report.kinds);
      const { timeZone, groupBy } = query;
      const group = (row: (typeof rows)[number]) => (groupBy === 'none' ? [] : [row.group?.id ?? null, row.group?.name ?? null]);
      return csvText([
        ['starts_at', ...(groupBy === 'none' ? [] : [groupBy, `${groupBy}_name`]), ...columns],
        ...rows.map((row) => [localTime(row.startsAt, timeZone), ...group(row), ...columns.map((column) => row.figures[column] ?? null)]),
        ...(total ? [['total', ...(groupBy === 'none' ? [] : [null, null]), ...columns.map((column) => total[column] ?? null)]] : []),
      ]);
    },
    async contacts(principal, query) {
      const { desks, list, more } = await contacts(principal, query, MOST_CONTACTS);
      const agents = [...directory().agents.values()].filter(({ deskIds }) => deskIds.some((id) => desks.has(id)));
      return { more, contacts: list, agents: Object.fromEntries(agents.map(({ id, name }) => [id, name])) };
    },
    async contactsCsv(principal, query) {
      const { list, more } = await contacts(principal, query, MOST_CONTACTS_IN_FILE);
      if (more) throw tooMuch();
      return csvText([
        [...reports.contacts.columns.keys()],
        ...list.map(({ contactId, arrivedAt, channel, origin, desk, agent, waitedS, talkedS, cause, disposition, continues }) => [
          contactId,
          localTime(arrivedAt, query.timeZone),
          channel,
          origin,
          desk?.name ?? null,
          agent?.name ?? null,
          waitedS,
          talkedS,
          cause,
          disposition,
          continues,
        ]),
      ]);
    },
  };
}

const tooMuch = (): RequestRefused =>
  new RequestRefused('tooMuch', 'That is too much to be shown: choose a shorter period or a longer interval.');

const tooSlow = (): RequestRefused => new RequestRefused('tooSlow', 'That takes too long: choose a shorter period.', 503);

/** What the database refuses for the request's sake, in words of ours. */
async function answered<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof TooManyRowsError) throw tooMuch();
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === '57014') throw tooSlow();
    // The driver has no codes for these.
    const message = error instanceof Error ? error.message : '';
    if (message === 'Query read timeout') throw tooSlow();
    if (message === 'timeout exceeded when trying to connect')
      throw new RequestRefused('reportsBusy', 'Others are having reports computed: try again in a moment.', 503);
    if (code === '22023') throw new RequestRefused('noSuchTimeZone', 'There is no such time zone.');
    if (code === '22008' || code === '22007') throw new RequestRefused('noSuchDay', 'There is no such day.');
    throw error;
  }
}

/** `2024-10-27T01:00:00+01:00`: on the day on which the clock is put back, an hour that comes twice is told apart. */
function localTime(at: EpochMs, timeZone: string): string {
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(at).replace(' ', 'T');
  const parts = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' }).formatToParts(at);
  const offset = parts.find(({ type }) => type === 'timeZoneName')?.value.replace('GMT', '') ?? '';
  return `${clock}${offset === '' ? '+00:00' : offset}`;
}
