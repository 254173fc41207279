/** What is read of a list of recipients, when a notice is estimated to end, and how its recipients are launched. */
import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Notice, NoticePace, NoticeProgress, NoticeRecipient, NoticeState } from '#src/base/notice.ts';
import { NoticeFeeder, type NoticeFeederOptions, type NoticeStore } from '#src/channels/notice-feeder.ts';
import { estimatedEnd, readRecipients } from '#src/channels/notices.ts';

const RULES = { country: 'JP', countries: ['JP', 'GB'], ownNumbers: ['+81312340000'] };
const read = (list: string | Uint8Array) => readRecipients(typeof list === 'string' ? Buffer.from(list) : list, RULES);
const told = async (list: string) => (await read(list)).recipients.map(({ line, number, name }) => `${line} ${number} ${name}`.trim());
const wrong = async (list: string) => (await read(list)).problems.map(({ line, code }) => `${line} ${code}`);

describe('a list of recipients', () => {
  it.each([
    ['with a header in English', 'number,name\n03-1234-5678,佐藤\n', ['2 +81312345678 佐藤']],
    ['with a header in Japanese', '氏名,電話番号\r\n佐藤,03-1234-5678\r\n', ['2 +81312345678 佐藤']],
    ['with columns of other things', 'id,Phone,memo,Name\n7,03-1234-5678,x,Sato\n', ['2 +81312345678 Sato']],
    ['without a header', '03-1234-5678,佐藤\n090-1234-5678\n', ['1 +81312345678 佐藤', '2 +819012345678']],
    ['of numbers alone', '0312345678\n+442079460018', ['1 +81312345678', '2 +442079460018']],
    ['pasted from a spreadsheet', '電話番号\t氏名\n03-1234-5678\t佐藤, 花子\n', ['2 +81312345678 佐藤, 花子']],
    [
      'with a byte order mark, empty lines and full-width digits',
      '\ufeffnumber,name\n\n０３ー１２３４ー５６７８,佐藤\n,\n',
      ['3 +81312345678 佐藤'],
    ],
  ])('is read %s', async (_form, list, expected) => {
    expect(await told(list)).toEqual(expected);
    expect(await wrong(list)).toEqual([]);
  });

  it('is read in Shift_JIS, as Excel in Japan saves it', async () => {
    // 電話番号,氏名 and 佐藤
    const bytes = Buffer.from([
      0x93, 0x64, 0x98, 0x62, 0x94, 0xd4, 0x8d, 0x86, 0x2c, 0x8e, 0x81, 0x96, 0xbc, 0x0d, 0x0a, 0x30, 0x33, 0x2d, 0x31, 0x32, 0x33, 0x34,
      0x2d, 0x35, 0x36, 0x37, 0x38, 0x2c, 0x8d, 0xb2, 0x93, 0xa1, 0x0d, 0x0a,
    ]);
    expect((await read(bytes)).recipients).toMatchObject([{ number: '+81312345678', name: '佐藤' }]);
  });

  it('tells all that is wrong, each with its line, and what is right all the same', async () => {
    const list = [
      'number,name',
      '03-1234-5678,佐藤',
      '(03) 1234 5678,もう一度',
      '110,警察',
      '104,案内',
      '0570-012-345,ナビダイヤル',
      '+1 212 555 0100,country',
      '03-1234-0000,ourselves',
      'なし,',
      ',no number',
      `090-1234-5678,${'長'.repeat(81)}`,
      '03-1234-5679 内線12,x',
      '090-1234-5679,鈴木',
    ].join('\n');
    expect(await wrong(list)).toEqual([
      '3 duplicate',
      '4 emergencyNumber',
      '5 shortNumber',
      '6 premiumNumber',
      '7 countryNotAllowed',
      '8 ownNumber',
      '9 notANumber',
      '10 noNumber',
      '11 nameTooLong',
      '12 extension',
    ]);
    const { problems, lines, recipients } = await read(list);
    expect(problems[0]).toMatchObject({ value: '(03) 1234 5678', message: { en: 'is in line 2, too', ja: '2行目と同じ番号です' } });
    expect(lines).toBe(12);
    expect(recipients.map(({ id, line }) => [id, line])).toEqual([
      ['1', 2],
      ['2', 13],
    ]);
  });

  it.each([
    ['', 'noRecipients'],
    ['number,name\n', 'noRecipients'],
    ['customer,street\nSato,Ginza', 'unreadable'],
    ['number\n"03-1234-5678', 'unreadable'],
    [Buffer.from([0x80, 0xff, 0x00]), 'unreadable'],
    ['number\n'.concat('0\n'.repeat(20_001)), 'tooMany'],
  ])('that is none at all is said to be so (%#)', async (list, code) => {
    expect(await read(list)).toMatchObject({ recipients: [], problems: [{ code }] });
  });

  it('takes names without what could turn text around or break a line', async () => {
    expect(await told('number,name\n03-1234-5678,"Sa\u202eto\n\u0007Ken"')).toEqual(['2 +81312345678 Sa to Ken']);
  });
});

const HOUR = 3_600_000;
const NOW = Date.parse('2026-11-20T01:00:00Z');

describe('the estimated end', () => {
  const progress = (change: Partial<NoticeProgress>): NoticeProgress => ({
    waiting: 0,
    underWay: 0,
    resting: 0,
    reached: 0,
    notReached: 0,
    stopped: 0,
    dispositions: {},
    causes: {},
    latest: null,
    overAt: null,
    ...change,
  });
  const latest = { ended: 20, since: NOW - 20 * 60_000 }; // one a minute
  const always = (from: number): number => from;

  it('is as far away as the rest takes at the pace of the latest', () => {
    expect(estimatedEnd(progress({ waiting: 110, underWay: 10, latest }), NOW, always)).toBe(NOW + 2 * HOUR);
  });

  it('leaves out the hours in which nobody may be called', () => {
    const [closes, opens] = [NOW + HOUR, NOW + 15 * HOUR];
    const hours = (from: number): number => (from >= closes && from < opens ? opens : from);
    expect(estimatedEnd(progress({ waiting: 120, latest }), NOW, hours)).toBe(opens + HOUR);
  });

  it('is not known before anybody is over, when nobody is left, or when nobody may ever be called', () => {
    expect(estimatedEnd(progress({ waiting: 10 }), NOW, always)).toBeNull();
    expect(estimatedEnd(progress({ latest }), NOW, always)).toBeNull();
    expect(estimatedEnd(progress({ waiting: 10, latest }), NOW, () => null)).toBeNull();
    expect(estimatedEnd(progress({ waiting: 1_000_000, latest }), NOW, always)).toBeNull();
  });
});

// ---------------------------------------------------------------- feeding

interface Told {
  state: 'queued' | 'connected' | 'ended';
  readonly at: number;
  resting: boolean;
}

/** A database and a floor in memory, in which a launch is seen at once when it is committed, and which can fail. */
class Stage {
  now = NOW;
  state: NoticeState = 'running';
  over = false;
  pace: NoticePace = { atATime: 3, perMinute: 100 };
  readonly recipients: NoticeRecipient[];
  readonly contacts = new Map<string, Told>();
  /** Everything given to the floor, in order. */
  readonly given: string[] = [];
  readonly notes: string[] = [];
  callFrom: number | null = 0;
  /** What happens to the next submits. */
  submit: (recipientId: string) => Promise<string | null> = async () => null;

  constructor(count: number) {
    this.recipients = Array.from({ length: count }, (_, i) => ({
      id: String(i + 1),
      number: `+8190${10_000_000 + i}`,
      country: 'JP',
      name: '',
    }));
  }

  readonly store: NoticeStore = {
    open: async () => {
      if (this.over) return [];
      const live = [...this.contacts.values()].filter(({ state }) => state !== 'ended');
      const times = [...this.contacts.values()].map(({ at }) => at).sort((a, b) => b - a);
      const notice: Notice = {
        id: '1',
        domainId: 'test',
        deskId: 'sales',
        language: 'ja',
        text: 'hello',
        state: this.state,
        scenario: null,
        pace: this.pace,
        total: this.recipients.length,
        createdAt: NOW,
        createdBy: 'sato',
      };
      return [
        {
          notice,
          live: live.length,
          active: live.filter(({ resting }) => !resting).length,
          inQueue: live.filter(({ state }) => state === 'queued').length,
          lastMinute: times.filter((at) => at > this.now - 60_000).length,
          roomAt: (times[this.pace.perMinute - 1] ?? -60_000) + 60_000,
        },
      ];
    },
    next: async (_id, after, limit) => this.recipients.filter(({ id }) => Number(id) > after && !this.contacts.has(id)).slice(0, limit),
    finish: async () => {
      this.over = true;
      this.notes.push('finished');
    },
    pause: async (_id, _at, reason) => {
      this.state = 'paused';
      this.notes.push(`paused: ${reason}`);
    },
  };

  feeder(change: Partial<NoticeFeederOptions> = {}): NoticeFeeder {
    return new NoticeFeeder({
      store: this.store,
      submit: async (input) => {
        if (input.type === 'noticeStopped') {
          this.given.push('stop');
          for (const contact of this.contacts.values()) if (contact.state === 'queued') contact.state = 'ended';
          return null;
        }
        const refusal = await this.submit(input.recipientId);
        if (refusal !== null) return refusal;
        // As the unique index does: the floor's commit would fail, and the floor with it.
        if (this.contacts.has(input.recipientId)) throw new Error(`recipient ${input.recipientId} was launched twice`);
        this.contacts.set(input.recipientId, { state: 'queued', at: this.now, resting: false });
        this.given.push(input.recipientId);
        return null;
      },
      nextTimeToCall: (_desk, at) => (this.callFrom === null ? null : Math.max(at, this.callFrom)),
      now: () => this.now,
      log: pino({ level: 'silent' }),
      pollMs: 60_000,
      ...change,
    });
  }

  end(...ids: string[]): void {
    for (const id of ids) this.contacts.get(id)!.state = 'ended';
  }
}

describe('the feeder', () => {
  const running: NoticeFeeder[] = [];
  afterEach(() => {
    for (const feeder of running.splice(0)) feeder.stop();
  });
  const feederOf = (stage: Stage, change: Partial<NoticeFeederOptions> = {}): NoticeFeeder => {
    const feeder = stage.feeder(change);
    running.push(feeder);
    return feeder;
  };

  it('launches as many at a time as may be, in the order of the list, and the next when one is over', async () => {
    const stage = new Stage(6);
    const feeder = feederOf(stage);
    await feeder.look();
    await feeder.look();
    expect(stage.given).toEqual(['1', '2', '3']);
    stage.end('2');
    await feeder.look();
    expect(stage.given).toEqual(['1', '2', '3', '4']);
    expect(stage.notes).toEqual([]);
  });

  it('says that it is over when all are, and not before', async () => {
    const stage = new Stage(2);
    const feeder = feederOf(stage);
    await feeder.look();
    stage.end('1');
    await feeder.look();
    expect(stage.notes).toEqual([]);
    stage.end('2');
    await feeder.look();
    expect(stage.notes).toEqual(['finished']);
  });

  it('does not let those who rest until their next attempt hold up the others', async () => {
    const stage = new Stage(5);
    const feeder = feederOf(stage);
    await feeder.look();
    for (const contact of stage.contacts.values()) contact.resting = true;
    await feeder.look();
    expect(stage.given).toHaveLength(5);
  });

  it('launches no more within a minute than may be', async () => {
    const stage = new Stage(9);
    stage.pace = { atATime: 100, perMinute: 4 };
    const feeder = feederOf(stage);
    await feeder.look();
    stage.now += 59_999;
    await feeder.look();
    expect(stage.given).toHaveLength(4);
    stage.now += 1;
    await feeder.look();
    expect(stage.given).toHaveLength(8);
  });

  it('launches nobody outside the hours, nor when there are none', async () => {
    const stage = new Stage(3);
    const feeder = feederOf(stage);
    stage.callFrom = stage.now + 1;
    await feeder.look();
    stage.callFrom = null;
    await feeder.look();
    expect(stage.given).toEqual([]);
    stage.callFrom = stage.now;
    await feeder.look();
    expect(stage.given).toHaveLength(3);
  });

  it('launches nobody while paused, goes on when resumed, and is over when the last one is, paused or not', async () => {
    const stage = new Stage(4);
    const feeder = feederOf(stage);
    await feeder.look();
    stage.state = 'paused';
    stage.end('1', '2', '3');
    await feeder.look();
    expect(stage.given).toHaveLength(3);
    expect(stage.notes).toEqual([]);
    stage.state = 'running';
    await feeder.look();
    expect(stage.given).toHaveLength(4);
    stage.state = 'paused';
    stage.end('4');
    await feeder.look();
    expect(stage.notes).toEqual(['finished']);
  });

  it('a stop that comes while recipients are being launched takes these out of the queue, too', async () => {
    const stage = new Stage(6);
    const feeder = feederOf(stage);
    const waiting: ((refusal: null) => void)[] = [];
    stage.submit = () => new Promise((resolve) => waiting.push(resolve));
    const look = feeder.look();
    await vi.waitFor(() => expect(waiting).toHaveLength(3));
    stage.state = 'stopped';
    void feeder.look(); // as the supervisor's request does
    for (const commit of waiting) commit(null);
    await look;
    expect(stage.given).toEqual(['1', '2', '3', 'stop']);
    await feeder.look();
    expect(stage.notes).toEqual(['finished']);
  });

  it('leaves with the agent what the agent has in hand when it is stopped, and takes it out should it come back to the queue', async () => {
    const stage = new Stage(3);
    const feeder = feederOf(stage);
    await feeder.look();
    stage.contacts.get('1')!.state = 'connected';
    stage.state = 'stopped';
    await feeder.look();
    expect(stage.contacts.get('1')?.state).toBe('connected');
    expect(stage.notes).toEqual([]);
    stage.contacts.get('1')!.state = 'queued';
    await feeder.look();
    await feeder.look();
    expect(stage.contacts.get('1')?.state).toBe('ended');
    expect(stage.notes).toEqual(['finished']);
  });

  it('pauses a notice that the floor refuses, and says why', async () => {
    const stage = new Stage(3);
    const feeder = feederOf(stage);
    stage.submit = async () => 'noSuchDesk';
    await feeder.look();
    await feeder.look();
    expect(stage.notes).toEqual(['paused: noSuchDesk']);
    expect(stage.given).toEqual([]);
  });

  it('tells that the floor or the database is away, and launches the rest when they are back', async () => {
    const stage = new Stage(3);
    const feeder = feederOf(stage);
    stage.submit = async (id) => {
      if (id === '2') throw new Error('the database is away');
      return null;
    };
    await expect(feeder.look()).rejects.toThrow('the database is away');
    expect(stage.given).toEqual(['1', '3']);
    stage.submit = async () => null;
    await feeder.look();
    expect(stage.given).toEqual(['1', '3', '2']);
  });

  it('looks by itself: when it starts, when something is over, when told of a change', async () => {
    const stage = new Stage(4);
    stage.pace = { atATime: 2, perMinute: 100 };
    const feeder = feederOf(stage);
    feeder.start();
    await vi.waitFor(() => expect(stage.given).toHaveLength(2));
    stage.end('1');
    feeder.roomMade();
    await vi.waitFor(() => expect(stage.given).toHaveLength(3));
    stage.state = 'stopped';
    feeder.changed();
    await vi.waitFor(() => expect(stage.given).toContain('stop'));
  });

  it('looks by itself when the minute allows the next', async () => {
    const stage = new Stage(2);
    stage.pace = { atATime: 9, perMinute: 1 };
    const feeder = feederOf(stage);
    await feeder.look();
    stage.now += 59_980;
    await feeder.look();
    stage.now += 20;
    await vi.waitFor(() => expect(stage.given).toEqual(['1', '2']));
  });

  it('goes on looking after a look that failed', async () => {
    const stage = new Stage(1);
    let looks = 0;
    const store: NoticeStore = {
      ...stage.store,
      open: async (now) => {
        looks += 1;
        if (looks === 1) throw new Error('away');
        return stage.store.open(now);
      },
    };
    feederOf(stage, { store, pollMs: 1 }).start();
    await vi.waitFor(() => expect(stage.given).toEqual(['1']));
  });

  it('launches everybody exactly once, whatever fails, ends, pauses and crashes on the way', async () => {
    const act = fc.oneof(
      fc.record({ type: fc.constant('end' as const), which: fc.nat(50) }),
      fc.record({ type: fc.constant('rest' as const), which: fc.nat(50) }),
      fc.record({ type: fc.constant('fail' as const), from: fc.integer({ min: 1, max: 12 }), committed: fc.boolean() }),
      fc.constantFrom({ type: 'pause' as const }, { type: 'resume' as const }, { type: 'crash' as const }, { type: 'minute' as const }),
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 12 }), fc.array(act, { maxLength: 30 }), async (count, acts) => {
        const stage = new Stage(count);
        stage.pace = { atATime: 3, perMinute: 4 };
        let feeder = stage.feeder();
        const look = async (): Promise<void> => {
          await feeder.look().catch(() => undefined);
          const live = [...stage.contacts.values()].filter(({ state, resting }) => state !== 'ended' && !resting).length;
          expect(live).toBeLessThanOrEqual(3);
          expect([...stage.contacts.values()].filter(({ at }) => at > stage.now - 60_000).length).toBeLessThanOrEqual(4);
        };
        for (const next of acts) {
          const live = [...stage.contacts.entries()].filter(([, { state }]) => state !== 'ended');
          stage.submit = async () => null;
          if (next.type === 'end' || next.type === 'rest') {
            const [, contact] = live[next.which % Math.max(1, live.length)] ?? [];
            if (contact && next.type === 'end') contact.state = 'ended';
            else if (contact) contact.resting = true;
          } else if (next.type === 'fail') {
            stage.submit = async (id) => {
              if (Number(id) < next.from) return null;
              // Its commit went through, and the answer was lost.
              if (next.committed && !stage.contacts.has(id)) {
                stage.contacts.set(id, { state: 'queued', at: stage.now, resting: false });
                stage.given.push(id);
              }
              throw new Error('away');
            };
          } else if (next.type === 'pause') stage.state = stage.over ? stage.state : 'paused';
          else if (next.type === 'resume') stage.state = stage.over ? stage.state : 'running';
          else if (next.type === 'crash') feeder = stage.feeder();
          else stage.now += 61_000;
          await look();
        }
        stage.submit = async () => null;
        if (!stage.over) stage.state = 'running';
        for (let rounds = 0; !stage.over && rounds < 50; rounds += 1) {
          stage.now += 61_000;
          for (const contact of stage.contacts.values()) contact.state = 'ended';
          await look();
        }
        expect(stage.notes).toEqual(['finished']);
        expect([...stage.given].sort()).toEqual(stage.recipients.map(({ id }) => id).sort());
      }),
      { numRuns: 200 },
    );
  });
});
