import { loadDirectory } from '../../db/directory.ts';
import { type AgentRecord, readAgents, readTakenNames, writeAgents } from '../../db/import/agents.ts';
import { MAX_LEVEL } from '../../routing/matching/model.ts';
import { duplicates, matching, oneOf, optional, orDefault, rated, ratings, readRows, text, unknown, yesNo } from './cells.ts';
import { compare, given, type Importer, inBatches } from './plan.ts';

const columns = {
  user_name: {
    required: true,
    form: 'name to log in by: letters, digits, dots and hyphens',
    example: 'tanaka',
    read: matching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/),
  },
  name: { required: true, form: 'text', example: '田中 美咲', read: text },
  organisation: { required: true, form: 'id of an organisation', example: 'tokyo-sokki', read: text },
  role: {
    required: false,
    form: 'agent (when empty), supervisor or administrator',
    example: 'agent',
    read: orDefault(oneOf('agent', 'supervisor', 'administrator')),
  },
  language: { required: false, form: 'ja (when empty) or en', example: 'ja', read: orDefault(oneOf('ja', 'en')) },
  desks: {
    required: false,
    form: 'ids of desks by semicolons, each with the agent’s own priority from 1 (first, and when left out) to 99: tokyo-desk; reception:2',
    example: 'tokyo-desk:1; reception:2',
    read: ratings(rated(/^.+$/, 1, 99, 1)),
  },
  skills: {
    required: false,
    form: `what the agent can do, and how well (1 to ${MAX_LEVEL}), by semicolons: english:3; billing:1 (small letters, digits, hyphens)`,
    example: 'english:3; billing:1',
    read: ratings(rated(/^[a-z0-9][a-z0-9_-]{0,62}$/, 1, MAX_LEVEL, null)),
  },
  desk_phone: {
    required: false,
    form: 'SIP user name of the desk phone, small letters, digits and hyphens; empty for none',
    example: 'desk-tanaka',
    read: optional(matching(/^[a-z0-9][a-z0-9_-]{1,62}$/)),
  },
  active: { required: false, form: 'yes (when empty) or no', example: 'yes', read: orDefault(yesNo) },
} as const;

export function agents(): Importer {
  return {
    columns,
    about: 'agents, supervisors and administrators; new ones get a password each, in a file that only you can read',
    async plan(db, domainId, file) {
      const [directory, existing, taken] = await Promise.all([
        loadDirectory(db, domainId),
        readAgents(db, domainId),
        readTakenNames(db, domainId),
      ]);
      const { rows, mistakes } = readRows(file.rows, columns);
      mistakes.push(
        ...duplicates(
          rows.map(({ line, values }) => ({ line, value: values.user_name?.toLowerCase() })),
          'user_name',
        ),
      );
      mistakes.push(
        ...duplicates(
          rows.flatMap(({ line, values }) => (values.desk_phone ? [{ line, value: values.desk_phone }] : [])),
          'desk_phone',
        ),
      );
      const inFile = new Map(rows.map(({ values }) => [(values.user_name ?? '').toLowerCase(), values]));
      const phoneOwners = new Map(
        [...existing].flatMap(([key, agent]) => (agent.deskPhone === null ? [] : [[agent.deskPhone, key] as const])),
      );
      for (const { line, values } of rows) {
        const { user_name: userName = '', organisation = '', desks = [], desk_phone: deskPhone = null } = values;
        const key = userName.toLowerCase();
        const wrong = (column: string, reason: string): number =>
          mistakes.push({ line, column, reason, form: columns[column as keyof typeof columns].form });
        if (taken.userNames.has(key)) wrong('user_name', `"${userName}" is somebody’s in another centre`);
        if (!directory.organisations.has(organisation))
          wrong('organisation', unknown('organisation', organisation, directory.organisations.keys()));
        for (const { name } of desks) if (!directory.desks.has(name)) wrong('desks', unknown('desk', name, directory.desks.keys()));
        if (deskPhone === null) continue;
        const owner = phoneOwners.get(deskPhone) ?? key;
        const given = inFile.get(owner)?.desk_phone; // it may pass from one to the other within this file
        if (taken.deskPhones.has(deskPhone)) wrong('desk_phone', `"${deskPhone}" is somebody’s in another centre`);
        else if (owner !== key && (given === undefined || given === deskPhone)) wrong('desk_phone', `"${deskPhone}" is ${owner}’s`);
      }
      const bad = new Set(mistakes.map((mistake) => mistake.line));
      const wanted = rows
        .filter(({ line }) => !bad.has(line))
        .map(({ values }) => {
          const { user_name: userName = '', organisation: organisationId, desks, skills, desk_phone: deskPhone, ...others } = values;
          const key = userName.toLowerCase();
          const fields = given<AgentRecord>({
            ...others,
            organisationId,
            desks: desks?.map(({ name, value }) => ({ id: name, priority: value })),
            skills: skills?.map(({ name, value }) => ({ skill: name, level: value })),
            deskPhone,
          });
          return [key, { ...(existing.get(key) ?? blank(userName)), ...fields }] as const;
        });
      const { write, counts } = compare(wanted, existing);
      return {
        mistakes,
        counts,
        needPassword: write.filter((record) => !existing.has(record.userName.toLowerCase())),
        // One batch: a desk phone may pass from the last one to the first.
        write: async (client, hashes, progress) => {
          await writeAgents(client, domainId, write, hashes);
          await inBatches(write, async () => undefined, progress);
        },
      };
    },
  };
}

function blank(userName: string): AgentRecord {
  return {
    id: userName.toLowerCase(),
    userName,
    name: '',
    organisationId: '',
    role: 'agent',
    language: 'ja',
    desks: [],
    skills: [],
    deskPhone: null,
    active: true,
  };
}
