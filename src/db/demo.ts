/**
 * The demo centre: 窓口精機 (Madoguchi Precision) makes microscopes and gauges, two agencies and five dealers sell them, and
 * 300 customers call. Made once, the same every time; what is changed in it afterwards stays changed.
 */
import type { Pool } from 'pg';
import type { DomainId, EpochMs, Language } from '../base/ids.ts';
import { mulberry32 } from '../base/random.ts';
import { writeOrders } from './import/orders.ts';
import { hashPassword } from './password.ts';
import { type Queryable, transaction } from './pool.ts';

/** Whom to try the demo with; README and tests use these. Every number is valid in form, and nobody's that we know. */
export const DEMO_EXAMPLES = {
  /** Entries as short codes; by trunk the first two are +81312340000 and +442079460000. */
  entries: { ja: '1000', en: '2000', menu: '1100', waiting: '1200', voicemail: '1300' },
  /** Is known by the number, and reaches the desk in charge. */
  customer: { number: '+81312345678', code: '10023', name: '佐藤 花子', desk: 'tokyo-desk' },
  /** Speaks English; its desk is the London dealer's. */
  englishCustomer: { number: '+442079460123', code: '10271', name: 'Emily Clarke', desk: 'thames-desk' },
  /** Withhold the number and type this code. */
  customerByCode: { code: '10042', desk: 'yokohama-desk' },
  /** Or this order’s number, by its digits: 202600117. */
  order: { number: 'A-2026-00117', status: '発送済み', code: '10042' },
  /** In charge is a dealer with office hours (Monday to Friday, 9 to 17:30); at other times its agency takes the call. */
  customerOfOfficeHours: { number: '+81753456001', code: '10099', desk: 'kyoto-desk', nextUp: 'kansai-desk' },
  /** Reaches its first agency's desk. */
  dealer: { number: '+81663330100', organisation: 'osaka-techno', desk: 'kansai-desk' },
  /** Reaches the maker's desk. */
  agency: { number: '+81353330100', organisation: 'kanto-kiki' },
  /** Nobody's: reaches whoever sells most in Osaka. */
  unknownInOsaka: { number: '+81667771234', desk: 'osaka-desk' },
  /** Log-ins; all have the one demo password. */
  logIns: { agent: 'tanaka', englishAgent: 'smith', supervisor: 'yoshida', administrator: 'admin' },
} as const;

const ORGANISATIONS = [
  { id: 'madoguchi', kind: 'maker', name: '窓口精機', sellsFor: [], regions: [], phones: [] },
  {
    id: 'kanto-kiki',
    kind: 'agency',
    name: '関東機器販売',
    sellsFor: ['madoguchi'],
    regions: ['11', '12', '13', '14', '23'],
    phones: ['+81353330100', '+81353330101'],
  },
  {
    id: 'kansai-keisoku',
    kind: 'agency',
    name: '関西計測',
    sellsFor: ['madoguchi'],
    regions: ['26', '27', '28', '40'],
    phones: ['+81643330100'],
  },
  { id: 'tokyo-sokki', kind: 'dealer', name: '東京測器サービス', sellsFor: ['kanto-kiki'], regions: ['13'], phones: ['+81333330100'] },
  { id: 'yokohama-kogaku', kind: 'dealer', name: '横浜光学', sellsFor: ['kanto-kiki'], regions: ['14'], phones: ['+81453330100'] },
  {
    id: 'osaka-techno',
    kind: 'dealer',
    name: '大阪テクノ',
    sellsFor: ['kansai-keisoku', 'kanto-kiki'],
    regions: ['27', '28'],
    phones: ['+81663330100'],
  },
  { id: 'kyoto-seimitsu', kind: 'dealer', name: '京都精密', sellsFor: ['kansai-keisoku'], regions: ['26'], phones: ['+81753330100'] },
  {
    id: 'thames',
    kind: 'dealer',
    name: 'Thames Instruments',
    sellsFor: ['kanto-kiki'],
    regions: ['GB-LND'],
    phones: ['+442079460500'],
  },
] as const;

/** Open day and night, so that the demo works at any hour; but one, to show what a closed desk does. */
const DESKS = [
  { id: 'reception', organisation: 'madoguchi', name: '窓口精機 総合受付', nextUp: null, reception: true },
  { id: 'support', organisation: 'madoguchi', name: '窓口精機 技術相談', nextUp: 'reception' },
  { id: 'kanto-desk', organisation: 'kanto-kiki', name: '関東機器販売 お客様窓口', nextUp: 'reception' },
  { id: 'kansai-desk', organisation: 'kansai-keisoku', name: '関西計測 お客様窓口', nextUp: 'reception' },
  { id: 'tokyo-desk', organisation: 'tokyo-sokki', name: '東京測器 窓口', nextUp: 'kanto-desk' },
  { id: 'yokohama-desk', organisation: 'yokohama-kogaku', name: '横浜光学 窓口', nextUp: 'kanto-desk' },
  { id: 'osaka-desk', organisation: 'osaka-techno', name: '大阪テクノ 窓口', nextUp: 'kansai-desk' },
  { id: 'kyoto-desk', organisation: 'kyoto-seimitsu', name: '京都精密 窓口', nextUp: 'kansai-desk', officeHours: true },
  { id: 'thames-desk', organisation: 'thames', name: 'Thames Instruments desk', nextUp: 'kanto-desk', timeZone: 'Europe/London' },
] as const;

/** Desks with the agent's own priority (1 first), skills with levels. The maker's engineers help out at the reception. */
const PEOPLE = [
  {
    id: 'tanaka',
    name: '田中 美咲',
    organisation: 'tokyo-sokki',
    desks: { 'tokyo-desk': 1 },
    skills: { microscopes: 4, english: 1 },
    deskPhone: 'desk-tanaka',
  },
  { id: 'suzuki', name: '鈴木 健一', organisation: 'tokyo-sokki', desks: { 'tokyo-desk': 1 }, skills: { gauges: 3 } },
  { id: 'sato', name: '佐藤 由美', organisation: 'yokohama-kogaku', desks: { 'yokohama-desk': 1 }, skills: { microscopes: 3 } },
  { id: 'takahashi', name: '高橋 誠', organisation: 'osaka-techno', desks: { 'osaka-desk': 1 }, skills: { gauges: 4 } },
  { id: 'ito', name: '伊藤 さくら', organisation: 'osaka-techno', desks: { 'osaka-desk': 1 }, skills: { microscopes: 3, english: 2 } },
  { id: 'watanabe', name: '渡辺 大輔', organisation: 'kyoto-seimitsu', desks: { 'kyoto-desk': 1 }, skills: {} },
  { id: 'yamamoto', name: '山本 恵', organisation: 'kanto-kiki', desks: { 'kanto-desk': 1 }, skills: { english: 3 } },
  { id: 'nakamura', name: '中村 翔', organisation: 'kansai-keisoku', desks: { 'kansai-desk': 1 }, skills: {} },
  { id: 'kobayashi', name: '小林 直子', organisation: 'madoguchi', desks: { reception: 1 }, skills: { english: 2 } },
  {
    id: 'kato',
    name: '加藤 隆',
    organisation: 'madoguchi',
    desks: { support: 1, reception: 2 },
    skills: { microscopes: 5, gauges: 5 },
  },
  {
    id: 'smith',
    name: 'Anna Smith',
    organisation: 'thames',
    desks: { 'thames-desk': 1 },
    skills: { english: 5, microscopes: 2 },
    language: 'en',
    deskPhone: 'desk-smith',
  },
  {
    id: 'jones',
    name: 'David Jones',
    organisation: 'madoguchi',
    desks: { support: 1, reception: 2 },
    skills: { english: 5, gauges: 4 },
    language: 'en',
  },
  { id: 'yoshida', name: '吉田 香織', organisation: 'madoguchi', desks: {}, skills: {}, role: 'supervisor' },
  { id: 'admin', name: '管理者 Administrator', organisation: 'madoguchi', desks: {}, skills: {}, role: 'administrator' },
] as const;

const ENTRIES = [
  { id: 'ja', numbers: ['1000', '+81312340000'], language: 'ja', country: 'JP', scenario: 'identify' },
  { id: 'en', numbers: ['2000', '+442079460000'], language: 'en', country: 'GB', scenario: 'identify' },
  { id: 'menu', numbers: ['1100'], language: 'ja', country: 'JP', scenario: 'reception' },
  { id: 'waiting', numbers: ['1200'], language: 'ja', country: 'JP', scenario: 'waiting' },
  { id: 'voicemail', numbers: ['1300'], language: 'ja', country: 'JP', scenario: 'voicemail' },
] as const;

const PRODUCTS = [
  { code: 'MS-100', name: '卓上顕微鏡 MS-100' },
  { code: 'MS-300', name: '実体顕微鏡 MS-300' },
  { code: 'LG-20', name: 'レーザー測長器 LG-20' },
  { code: 'CG-5', name: '膜厚計 CG-5' },
  { code: 'RT-8', name: '表面粗さ計 RT-8' },
  { code: 'CAL-1', name: '校正サービス CAL-1' },
] as const;

/** What each sold in a region in a month, in yen. The largest of a region gets its new customers. */
const SALES = [
  { organisation: 'tokyo-sokki', region: '13', yen: 9_800_000 },
  { organisation: 'kanto-kiki', region: '13', yen: 4_200_000 },
  { organisation: 'yokohama-kogaku', region: '14', yen: 5_100_000 },
  { organisation: 'kanto-kiki', region: '23', yen: 3_300_000 },
  { organisation: 'osaka-techno', region: '27', yen: 7_400_000 },
  { organisation: 'kansai-keisoku', region: '27', yen: 2_600_000 },
  { organisation: 'osaka-techno', region: '28', yen: 1_900_000 },
  { organisation: 'kyoto-seimitsu', region: '26', yen: 3_900_000 },
  { organisation: 'kansai-keisoku', region: '40', yen: 2_200_000 },
  { organisation: 'thames', region: 'GB-LND', yen: 3_700_000 },
] as const;

/** Where customers live: `phone` is the beginning of their numbers, completed by three digits. */
const PLACES = [
  { region: '13', desk: 'tokyo-desk', phone: '+81334560', address: '東京都千代田区丸の内', share: 30 },
  { region: '14', desk: 'yokohama-desk', phone: '+81453456', address: '神奈川県横浜市西区みなとみらい', share: 20 },
  { region: '27', desk: 'osaka-desk', phone: '+81663456', address: '大阪府大阪市北区梅田', share: 20 },
  { region: '26', desk: 'kyoto-desk', phone: '+81753456', address: '京都府京都市下京区四条通', share: 12 },
  { region: '23', desk: 'kanto-desk', phone: '+81523456', address: '愛知県名古屋市中区栄', share: 10 },
  { region: '40', desk: 'kansai-desk', phone: '+81923456', address: '福岡県福岡市博多区博多駅前', share: 8 },
] as const;
/** Orders by which callers can be found. */
const ORDERS = [
  { number: DEMO_EXAMPLES.order.number, customer: DEMO_EXAMPLES.order.code, orderedOn: '2026-11-02', status: DEMO_EXAMPLES.order.status },
  { number: 'A-2026-00118', customer: DEMO_EXAMPLES.customer.code, orderedOn: '2026-11-04', status: '準備中' },
  { number: 'A-2026-00119', customer: DEMO_EXAMPLES.customer.code, orderedOn: '2026-11-10', status: '受付済み' },
  { number: 'L-2026-00031', customer: DEMO_EXAMPLES.englishCustomer.code, orderedOn: '2026-11-09', status: 'shipped' },
] as const;

/** Ofcom keeps 020 7946 0000 to 0999 for fiction. */
const LONDON = { region: 'GB-LND', desk: 'thames-desk', phone: '+442079460', address: 'London, Finsbury Square' } as const;

const SURNAMES = [
  ['佐藤', 'サトウ'],
  ['鈴木', 'スズキ'],
  ['高橋', 'タカハシ'],
  ['田中', 'タナカ'],
  ['伊藤', 'イトウ'],
  ['渡辺', 'ワタナベ'],
  ['山本', 'ヤマモト'],
  ['中村', 'ナカムラ'],
  ['小林', 'コバヤシ'],
  ['加藤', 'カトウ'],
  ['吉田', 'ヨシダ'],
  ['山田', 'ヤマダ'],
  ['佐々木', 'ササキ'],
  ['松本', 'マツモト'],
  ['井上', 'イノウエ'],
  ['木村', 'キムラ'],
  ['清水', 'シミズ'],
  ['森', 'モリ'],
] as const;
const GIVEN_NAMES = [
  ['花子', 'ハナコ'],
  ['太郎', 'タロウ'],
  ['健', 'ケン'],
  ['美咲', 'ミサキ'],
  ['陽子', 'ヨウコ'],
  ['大輔', 'ダイスケ'],
  ['翔太', 'ショウタ'],
  ['直美', 'ナオミ'],
  ['浩', 'ヒロシ'],
  ['恵子', 'ケイコ'],
  ['拓也', 'タクヤ'],
  ['さくら', 'サクラ'],
] as const;
const ENGLISH_SURNAMES = ['Clarke', 'Taylor', 'Brown', 'Wilson', 'Evans', 'Walker', 'Wright', 'Hughes', 'Green', 'Hall'] as const;
const ENGLISH_GIVEN_NAMES = ['Emily', 'James', 'Olivia', 'Thomas', 'Sophie', 'Daniel', 'Grace', 'Oliver'] as const;

interface DemoCustomer {
  readonly id: string;
  readonly code: string;
  readonly kind: 'customer' | 'prospect';
  readonly name: string;
  readonly kana: string | null;
  readonly language: Language;
  readonly region: string;
  readonly address: string;
  readonly note: string | null;
  readonly handlingDesk: string | null;
  readonly phones: readonly string[];
  readonly email: string;
  readonly products: readonly { readonly code: string; readonly serial: string; readonly boughtOn: string }[];
}

/** 300 customers with the codes 10001 to 10300; from 10241 on they speak English. The same every time. */
export function demoCustomers(): DemoCustomer[] {
  const random = mulberry32(20_261_120);
  const pick = <T>(list: readonly [T, ...T[]] | readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  return Array.from({ length: 300 }, (_, i): DemoCustomer => {
    const code = String(10_001 + i);
    const english = i >= 240;
    const place = english ? LONDON : placeAt(random() * 100);
    const prospect = i % 15 === 14;
    const [surname, surnameKana] = english ? [pick(ENGLISH_SURNAMES), ''] : pick(SURNAMES);
    const [given, givenKana] = english ? [pick(ENGLISH_GIVEN_NAMES), ''] : pick(GIVEN_NAMES);
    const mobile = !english && i % 4 === 0 ? [`+819034560${String(i).padStart(3, '0')}`] : [];
    const bought = prospect ? 0 : 1 + Math.floor(random() * 3);
    const drawn: DemoCustomer = {
      id: `demo-${code}`,
      code,
      kind: prospect ? 'prospect' : 'customer',
      name: english ? `${given} ${surname}` : `${surname} ${given}`,
      kana: english ? null : `${surnameKana} ${givenKana}`,
      language: english ? 'en' : 'ja',
      region: place.region,
      address: `${place.address} ${1 + Math.floor(random() * 30)}-${1 + Math.floor(random() * 20)}`,
      note: i % 20 === 0 ? (english ? 'Prefers to be called back in the morning.' : '午前中の折り返し希望。') : null,
      // Some have been dealt with by nobody yet.
      handlingDesk: i % 10 === 9 ? null : place.desk,
      phones: [`${place.phone}${String(i).padStart(3, '0')}`, ...mobile],
      email: `customer${code}@example.${english ? 'com' : 'jp'}`,
      products: Array.from({ length: bought }, (_, n) => ({
        code: pick(PRODUCTS).code,
        serial: `${code}-${n + 1}`,
        boughtOn: `20${18 + Math.floor(random() * 8)}-${String(1 + Math.floor(random() * 12)).padStart(2, '0')}-15`,
      })),
    };
    return { ...drawn, ...EXAMPLES[code] };
  });
}

/** What the documented examples have instead of what was drawn. */
const at = (region: string, address: string, handlingDesk: string) => ({ kind: 'customer', region, address, handlingDesk }) as const;
const EXAMPLES: Readonly<Record<string, Partial<DemoCustomer>>> = {
  '10023': {
    ...at('13', '東京都千代田区丸の内 1-1', 'tokyo-desk'),
    name: DEMO_EXAMPLES.customer.name,
    kana: 'サトウ ハナコ',
    phones: [DEMO_EXAMPLES.customer.number],
    note: 'MS-100 を二台お使い。校正は毎年四月。',
    products: [
      { code: 'MS-100', serial: '10023-1', boughtOn: '2022-04-15' },
      { code: 'MS-100', serial: '10023-2', boughtOn: '2024-09-15' },
      { code: 'CAL-1', serial: '10023-3', boughtOn: '2026-04-15' },
    ],
  },
  '10042': at('14', '神奈川県横浜市西区みなとみらい 2-2', 'yokohama-desk'),
  '10099': {
    ...at('26', '京都府京都市下京区四条通 3-3', 'kyoto-desk'),
    phones: [DEMO_EXAMPLES.customerOfOfficeHours.number],
  },
  '10271': {
    ...at('GB-LND', 'London, Finsbury Square 4', 'thames-desk'),
    name: DEMO_EXAMPLES.englishCustomer.name,
    phones: [DEMO_EXAMPLES.englishCustomer.number],
  },
};

function placeAt(percent: number): (typeof PLACES)[number] {
  let rest = percent;
  for (const place of PLACES) {
    rest -= place.share;
    if (rest < 0) return place;
  }
  return PLACES[0];
}

export interface DemoOptions {
  readonly domainId: DomainId;
  /** For everybody in the demo; made at random by the caller, and used only when the centre is made now. */
  readonly password: string;
  readonly now?: EpochMs;
}

/**
 * Makes the demo centre if its domain is not there. When it is, only sales results of new months are added, so that an old
 * demo still has its best sellers.
 *
 * @returns whether it was made now, with this password
 */
export async function loadDemo(pool: Pool, options: DemoOptions): Promise<{ readonly created: boolean }> {
  const { domainId } = options;
  // The hash is slow on purpose, so it is made before the transaction. One for all: they share the password anyway.
  const known = await pool.query('select from domain where id = $1', [domainId]);
  const passwordHash = known.rowCount === 0 ? await hashPassword(options.password) : null;
  return transaction(pool, async (client) => {
    const made = await client.query(
      'insert into domain (id, name, country, outgoing_number) values ($1, $2, $3, $4) on conflict (id) do nothing',
      [domainId, '窓口精機 (demo)', 'JP', '+81312340000'],
    );
    const created = made.rowCount === 1;
    if (created) {
      await insertCentre(client, domainId);
      await insertPeople(client, domainId, passwordHash ?? (await hashPassword(options.password)));
      await insertCustomers(client, domainId);
    }
    await insertSales(client, domainId, options.now ?? Date.now());
    return { created };
  });
}

async function insertCentre(db: Queryable, domainId: DomainId): Promise<void> {
  await db.query(
    `with given as (select * from jsonb_to_recordset($2::jsonb) as g(id text, kind text, name text, regions text[], "sellsFor" text[], phones text[])),
     organisations as (insert into organisation (domain_id, id, kind, name, regions) select $1, id, kind, name, regions from given),
     numbers as (insert into organisation_phone (domain_id, e164, organisation_id) select $1, unnest(phones), id from given)
     insert into organisation_sells_for (domain_id, organisation_id, sells_for_id, position)
     select $1, id, parent, n from given, unnest("sellsFor") with ordinality as p(parent, n)`,
    [domainId, JSON.stringify(ORGANISATIONS)],
  );
  await db.query(
    `with given as (select * from jsonb_to_recordset($2::jsonb)
       as g(id text, organisation text, name text, "nextUp" text, reception boolean, "timeZone" text, "officeHours" boolean)),
     desks as (
       insert into desk (domain_id, id, organisation_id, name, time_zone, next_up_id, is_reception)
       select $1, id, organisation, name, coalesce("timeZone", 'Asia/Tokyo'), "nextUp", coalesce(reception, false) from given)
     insert into desk_hours (domain_id, desk_id, weekday, opens, closes)
     select $1, id, weekday, case when "officeHours" then time '09:00' else time '00:00' end,
       case when "officeHours" then time '17:30' else time '24:00' end
     from given, generate_series(1, 7) weekday where "officeHours" is null or weekday <= 5`,
    [domainId, JSON.stringify(DESKS)],
  );
  await db.query(
    `with given as (select * from jsonb_to_recordset($2::jsonb) as g(id text, numbers text[], language text, country text, scenario text)),
     entries as (
       insert into entry (domain_id, id, language, country, scenario, maker_id)
       select $1, id, language, country, scenario, 'madoguchi' from given)
     insert into entry_number (number, domain_id, entry_id) select unnest(numbers), $1, id from given`,
    [domainId, JSON.stringify(ENTRIES)],
  );
}

async function insertPeople(db: Queryable, domainId: DomainId, passwordHash: string): Promise<void> {
  await db.query(
    `with given as (select * from jsonb_to_recordset($2::jsonb)
       as g(id text, name text, organisation text, desks jsonb, skills jsonb, role text, language text, "deskPhone" text)),
     people as (
       insert into app_user (domain_id, id, user_name, password_hash, name, organisation_id, role, language, desk_phone)
       select $1, id, id, $3, name, organisation, coalesce(role, 'agent'), coalesce(language, 'ja'), "deskPhone" from given),
     skills as (
       insert into app_user_skill (domain_id, user_id, skill, level)
       select $1, id, key, value::int from given, jsonb_each_text(skills))
     insert into app_user_desk (domain_id, user_id, desk_id, priority)
     select $1, id, key, value::int from given, jsonb_each_text(desks)`,
    [domainId, JSON.stringify(PEOPLE), passwordHash],
  );
}

async function insertCustomers(db: Queryable, domainId: DomainId): Promise<void> {
  await db.query(
    'insert into product (domain_id, code, name) select $1, code, name from jsonb_to_recordset($2::jsonb) as g(code text, name text)',
    [domainId, JSON.stringify(PRODUCTS)],
  );
  await db.query(
    `with given as (select * from jsonb_to_recordset($2::jsonb)
       as g(id text, code text, kind text, name text, kana text, language text, region text, address text, note text,
         "handlingDesk" text, phones text[], email text, products jsonb)),
     customers as (
       insert into customer (domain_id, id, code, kind, name, kana, language, region, address, note, handling_desk_id)
       select $1, id, code, kind, name, kana, language, region, address, note, "handlingDesk" from given),
     phones as (
       insert into customer_phone (domain_id, customer_id, e164, position)
       select $1, id, e164, n from given, unnest(phones) with ordinality as p(e164, n)),
     emails as (insert into customer_email (domain_id, customer_id, address) select $1, id, email from given)
     insert into customer_product (domain_id, customer_id, position, product_code, serial, bought_on)
     select $1, given.id, n, p->>'code', p->>'serial', (p->>'boughtOn')::date
     from given, jsonb_array_elements(products) with ordinality as b(p, n)`,
    [domainId, JSON.stringify(demoCustomers())],
  );
  await writeOrders(db, domainId, ORDERS);
}

async function insertSales(db: Queryable, domainId: DomainId, now: EpochMs): Promise<void> {
  // The months go up and down a little, by the month itself, so that they are the same whenever they are added.
  await db.query(
    `insert into sales_result (domain_id, organisation_id, region, month, amount_minor, currency)
     select $1, organisation, region, month::date, yen * (90 + extract(month from month)::int * 7 % 20) / 100, 'JPY'
     from jsonb_to_recordset($2::jsonb) as g(organisation text, region text, yen bigint),
       generate_series(date_trunc('month', to_timestamp($3::float8 / 1000) at time zone 'UTC') - interval '12 months',
         date_trunc('month', to_timestamp($3::float8 / 1000) at time zone 'UTC') - interval '1 month', interval '1 month') month
     where exists (select from organisation o where o.domain_id = $1 and o.id = organisation)
     on conflict do nothing`,
    [domainId, JSON.stringify(SALES), now],
  );
}
