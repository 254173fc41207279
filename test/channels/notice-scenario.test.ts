/** A notice that a scenario tells, on a real Postgres, across servers that are killed: everybody is dialled once, and nobody is left out. */

import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { NoticeFeeder } from '#src/channels/notice-feeder.ts';
import { DEFAULT_OUTBOUND_POLICY } from '#src/contact/outside.ts';
import { createNotice, findNotice } from '#src/db/notices.ts';
import { feedNotices } from '#src/notices.ts';
import type { DeskRules } from '#src/routing/desk-rules.ts';
import { Centre, type Node, SLOW } from '../contact/centre.ts';
import { CONTEXT, DIRECTORY, RULES } from '../contact/world.ts';

let centre: Centre;
const feeders: NoticeFeeder[] = [];
let over = false;
let people: Promise<void> = Promise.resolve();

const AGAIN = { attempts: 5, pauseMs: 50 };
const allDay: DeskRules = {
  ...RULES,
  callbacks: {
    ...RULES.callbacks,
    hours: { from: '00:00', to: '24:00' },
    attempts: 5,
    retry: { busy: AGAIN, noAnswer: AGAIN, failed: AGAIN },
  },
};

beforeEach(async () => {
  centre = await Centre.open();
  centre.find = async () => null;
  centre.context = {
    ...CONTEXT,
    rulesOf: () => allDay,
    policy: { ...SLOW, outbound: { ...DEFAULT_OUTBOUND_POLICY, noticeLines: 7 } },
  };
  over = false;
});
afterEach(async () => {
  over = true;
  for (const feeder of feeders.splice(0)) feeder.stop();
  await people;
  await centre.close();
});

function feed(node: Node): void {
  feeders.push(
    feedNotices(
      {
        pool: centre.pool,
        domainId: 'test',
        directory: () => DIRECTORY,
        rulesOf: () => allDay,
        countries: [],
        scenarios: () => ['notice'],
        now: Date.now,
        log: pino({ level: 'silent' }),
      },
      node.controller,
    ),
  );
}

const COUNT = 80;
const numberOf = (recipient: number): string => `+8190${10_000_000 + recipient}`;
const progress = async (id: string) => (await findNotice(centre.pool, 'test', id, Date.now()))?.progress;

async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 40_000;
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`waited for too long: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The floor knows that it was told to its end. Of what happens while no server is there, it cannot know. */
function hasHeard({ controller: { floor } }: Node, leg: string): boolean {
  return floor.contacts.get(floor.legs.get(leg)?.contactId ?? '')?.dialogue?.variables['heard'] !== undefined;
}

/** They answer, and press 1 when they have heard it; every fifth hangs up then, every seventh does not answer the first time. */
async function live(most: { atOnce: number }, node: () => Node): Promise<void> {
  const refused = new Set<string>();
  while (!over) {
    const lines = centre.legs(({ to }) => to?.kind === 'number');
    most.atOnce = Math.max(most.atOnce, lines.length);
    for (const { leg, to, state, plays } of lines) {
      const number = to?.kind === 'number' ? Number(to.number.slice(5)) - 10_000_000 : 0;
      if (state === 'ringing' && number % 7 === 0 && !refused.has(leg.replace(/\d+$/, ''))) {
        refused.add(leg.replace(/\d+$/, ''));
        centre.switch.hangUpByParty(leg, 'noAnswer');
      } else if (state === 'ringing') centre.switch.answerLeg(leg);
      else if (plays.length > 0) for (const { play } of plays) centre.switch.finishPlay(play);
      else if (state === 'up' && hasHeard(node(), leg)) {
        if (number % 5 === 0) centre.switch.hangUpByParty(leg);
        else centre.switch.digits(leg, '1');
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

it('is confirmed, heard or tried again, each recipient once, though two servers are killed meanwhile, on no more lines than there are', async () => {
  const first = await centre.started('first');
  const recipients = Array.from({ length: COUNT }, (_, i) => ({ id: String(i + 1), number: numberOf(i + 1), country: 'JP', name: '' }));
  const id = await createNotice(
    centre.pool,
    'test',
    {
      requestId: crypto.randomUUID(),
      deskId: 'sales',
      language: 'ja',
      text: 'closed on Monday',
      scenario: 'notice',
      pace: { atATime: 20, perMinute: 600 },
      recipients,
      by: 'sato',
    },
    Date.now(),
  );
  const most = { atOnce: 0 };
  let node = first;
  people = live(most, () => node);
  feed(first);
  for (const [n, reached] of [20, 50].entries()) {
    await until(async () => ((await progress(id))?.reached ?? 0) >= reached);
    await node.kill(); // in the middle of dialling and telling
    await centre.pool.query(`update domain set lease_until = now() - interval '1 second'`);
    node = await centre.started(`next-${n}`);
    feed(node);
  }
  await until(async () => (await findNotice(centre.pool, 'test', id, Date.now()))?.notice.state === 'done');
  const told = await progress(id);
  expect(told).toMatchObject({ reached: COUNT, notReached: 0, waiting: 0, underWay: 0 });
  const { confirmed = 0, heard = 0, ...others } = told?.dispositions ?? {};
  expect(others).toEqual({});
  expect(confirmed + heard).toBe(COUNT);
  expect(heard).toBeGreaterThanOrEqual(COUNT / 5);
  const { rows } = await centre.pool.query<{ recipient: number; contacts: number; answered: number; agents: number }>(
    `select c.notice_recipient_id::int as recipient, count(distinct c.id)::int as contacts,
       count(l.answered_at)::int as answered, count(l.id) filter (where l.role = 'agent')::int as agents
     from contact c join leg l on l.contact_id = c.id where c.notice_id = $1 group by 1 order by 1`,
    [id],
  );
  expect(rows.map(({ recipient }) => recipient)).toEqual(recipients.map((r) => Number(r.id)));
  expect(rows.filter(({ contacts, answered, agents }) => contacts !== 1 || answered !== 1 || agents !== 0)).toEqual([]);
  expect(most.atOnce).toBeLessThanOrEqual(7);
  expect(await centre.disagreements()).toEqual([]);
}, 60_000);
