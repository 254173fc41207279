import type { Mistake } from '../../base/csv.ts';
import { loadDirectory } from '../../db/directory.ts';
import {
  type DeskRecord,
  type OrganisationRecord,
  readOrganisationPhones,
  writeDesks,
  writeOrganisations,
} from '../../db/import/organisations.ts';
import type { OrganisationKind } from '../../routing/directory.ts';
import {
  date,
  duplicates,
  HOURS_FORM,
  hours,
  list,
  matching,
  oneOf,
  optional,
  orDefault,
  phone,
  REGION_FORM,
  readRows,
  region,
  text,
  timeZone,
  unknown,
  yesNo,
} from './cells.ts';
import { compare, given, type Importer, inBatches } from './plan.ts';

const ID = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const ID_FORM = 'small letters, digits and hyphens, as osaka-techno';
/** Who may sell for whom. */
const ABOVE: Readonly<Record<OrganisationKind, readonly OrganisationKind[]>> = {
  maker: [],
  agency: ['maker'],
  dealer: ['agency', 'maker'],
};

export function organisations(country: string): Importer {
  const columns = {
    id: { required: true, form: ID_FORM, example: 'osaka-techno', read: matching(ID) },
    kind: { required: true, form: 'maker, agency or dealer', example: 'dealer', read: oneOf('maker', 'agency', 'dealer') },
    name: { required: true, form: 'text', example: '大阪テクノ', read: text },
    sells_for: {
      required: false,
      form: 'ids by semicolons, the main one first; an agency sells for makers, a dealer for agencies or makers',
      example: 'kansai-keisoku; kanto-kiki',
      read: list(matching(ID)),
    },
    regions: { required: false, form: `by semicolons: ${REGION_FORM}`, example: '27; 28', read: list(region) },
    phones: {
      required: false,
      form: `telephone numbers that it calls from, by semicolons, as +81612345678 or as usual in ${country}`,
      example: '+81663330100',
      read: list(phone(country)),
    },
    desk: { required: false, form: `id of its desk: ${ID_FORM}; empty for none`, example: 'osaka-desk', read: optional(matching(ID)) },
    desk_name: { required: false, form: 'text; the organisation’s name when empty', example: '大阪テクノ 窓口', read: orDefault(text) },
    time_zone: {
      required: false,
      form: 'IANA name, as Asia/Tokyo (which it is when empty)',
      example: 'Asia/Tokyo',
      read: orDefault(timeZone),
    },
    hours: { required: false, form: `${HOURS_FORM}; never open when empty`, example: '1-5 09:00-17:30', read: hours },
    holidays: {
      required: false,
      form: 'dates by semicolons, as 2026-12-31; 2027-01-01',
      example: '2026-12-31; 2027-01-01',
      read: list(date),
    },
    next_up: {
      required: false,
      form: 'id of the desk that takes over while this one is closed',
      example: 'kansai-desk',
      read: optional(matching(ID)),
    },
    reception: { required: false, form: 'yes or no', example: 'no', read: orDefault(yesNo) },
  } as const;
  return {
    columns,
    about: 'organisations, who sells for whom, and a desk of each; what is there already is changed, nothing is removed',
    async plan(db, domainId, file) {
      const [directory, phones] = await Promise.all([loadDirectory(db, domainId), readOrganisationPhones(db, domainId)]);
      const existing = new Map<string, OrganisationRecord>(
        [...directory.organisations].map(([id, organisation]) => [id, { ...organisation, phones: numbersOf(phones, id) }]),
      );
      const read = readRows(file.rows, columns);
      const mistakes = [...read.mistakes];
      mistakes.push(
        ...duplicates(
          read.rows.map(({ line, values }) => ({ line, value: values.id })),
          'id',
        ),
      );
      mistakes.push(
        ...duplicates(
          read.rows.flatMap(({ line, values }) => (values.desk ? [{ line, value: values.desk }] : [])),
          'desk',
        ),
      );
      mistakes.push(
        ...duplicates(
          read.rows.flatMap(({ line, values }) => (values.phones ?? []).map((value) => ({ line, value }))),
          'phones',
        ),
      );

      // A row that is left out may be what another one needs: until nothing more is found.
      for (;;) {
        const bad = new Set(mistakes.map((mistake) => mistake.line));
        const rows = read.rows.filter(({ line }) => !bad.has(line));
        const wanted = new Map<string, OrganisationRecord>();
        const wantedDesks = new Map<string, DeskRecord>();
        const lines = new Map<string, number>();
        const deskLines = new Map<string, number>();
        for (const { line, values } of rows) {
          const { id = '', kind = 'dealer', name = '', sells_for: sellsFor, regions, phones: numbers } = values;
          const before = existing.get(id) ?? { id, kind, name, sellsFor: [], regions: [], phones: [] };
          wanted.set(id, {
            ...before,
            ...given<OrganisationRecord>({ kind, name, sellsFor, regions, phones: numbers?.toSorted() }),
          });
          lines.set(id, line);
          if (!values.desk) continue;
          const { desk, desk_name: deskName, time_zone: zone, hours: open, holidays, next_up: nextUp, reception: isReception } = values;
          const blank: DeskRecord = {
            id: desk,
            organisationId: id,
            name,
            timeZone: 'Asia/Tokyo',
            hours: [],
            holidays: [],
            nextUp: null,
            isReception: false,
          };
          wantedDesks.set(desk, {
            ...(directory.desks.get(desk) ?? blank),
            organisationId: id,
            ...given<DeskRecord>({
              name: deskName,
              timeZone: zone,
              hours: open,
              holidays: holidays?.toSorted(),
              nextUp,
              isReception,
            }),
          });
          deskLines.set(desk, line);
        }
        const found = [
          ...checkTree(new Map([...existing, ...wanted]), lines),
          ...checkPhones(wanted, phones, lines),
          ...checkDesks(new Map([...directory.desks, ...wantedDesks]), deskLines),
        ];
        mistakes.push(...found);
        if (found.length > 0) continue;

        const all = compare(wanted, existing);
        const allDesks = compare(wantedDesks, directory.desks);
        // One row is one thing to whoever wrote it: changed when either of the two is.
        const written = new Set([...all.write.map(({ id }) => id), ...allDesks.write.map(({ organisationId }) => organisationId)]);
        const added = all.counts.added;
        return {
          mistakes,
          counts: { added, changed: written.size - added, unchanged: wanted.size - written.size },
          needPassword: [],
          write: async (client, _hashes, progress) => {
            await writeOrganisations(client, domainId, all.write);
            await inBatches(
              allDesks.write,
              (batch) => writeDesks(client, domainId, batch),
              () => undefined,
            );
            progress(written.size, written.size);
          },
        };
      }
    },
  };
}

const a = (kind: OrganisationKind): string => `${kind === 'agency' ? 'an' : 'a'} ${kind}`;

function numbersOf(phones: ReadonlyMap<string, string>, organisationId: string): string[] {
  return [...phones].flatMap(([number, owner]) => (owner === organisationId ? [number] : [])).sort();
}

function checkTree(all: ReadonlyMap<string, OrganisationRecord>, lines: ReadonlyMap<string, number>): Mistake[] {
  const mistakes: Mistake[] = [];
  for (const child of all.values()) {
    for (const parentId of child.sellsFor) {
      const parent = all.get(parentId);
      const line = lines.get(child.id) ?? lines.get(parentId);
      // neither is in the file: not this file's matter
      if (line === undefined) continue;
      if (!parent) {
        mistakes.push({ line, column: 'sells_for', reason: unknown('organisation', parentId, all.keys()), form: null });
      } else if (!ABOVE[child.kind].includes(parent.kind)) {
        const form = `${a(child.kind)} sells for ${ABOVE[child.kind].join(' or ') || 'nobody'}`;
        const column = lines.has(child.id) ? 'sells_for' : 'kind';
        mistakes.push({ line, column, reason: `${child.id} is ${a(child.kind)}, and ${parentId} ${a(parent.kind)}`, form });
      }
    }
  }
  return mistakes;
}

function checkPhones(
  wanted: ReadonlyMap<string, OrganisationRecord>,
  phones: ReadonlyMap<string, string>,
  lines: ReadonlyMap<string, number>,
): Mistake[] {
  return [...wanted.values()].flatMap(({ id, phones: numbers }) =>
    numbers.flatMap((number): Mistake[] => {
      const owner = phones.get(number);
      // it may pass from one to the other within this file
      if (owner === undefined || owner === id || wanted.get(owner)?.phones.includes(number) === false) return [];
      return [{ line: lines.get(id) ?? 0, column: 'phones', reason: `"${number}" is ${owner}’s`, form: 'a number is one organisation’s' }];
    }),
  );
}

function checkDesks(all: ReadonlyMap<string, DeskRecord>, lines: ReadonlyMap<string, number>): Mistake[] {
  return [...lines].flatMap(([id, line]): Mistake[] => {
    const seen = [id];
    for (let next = all.get(id)?.nextUp ?? null; next !== null; next = all.get(next)?.nextUp ?? null) {
      if (!all.has(next)) {
        return [{ line, column: 'next_up', reason: unknown('desk', next, all.keys()), form: 'id of a desk' }];
      }
      seen.push(next);
      if (seen.indexOf(next) < seen.length - 1) {
        const reason = `goes round in a circle: ${seen.join(' → ')}`;
        return [{ line, column: 'next_up', reason, form: 'the last desk has none' }];
      }
    }
    return [];
  });
}
