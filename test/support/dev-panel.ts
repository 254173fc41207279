/**
 * The web edge with a house in memory behind it, for looking at screens: `node test/support/dev-panel.ts [port] [staticDir]`.
 * Whoever of the agents is ready gets a contact every few seconds, which then goes its way.
 */
import { pino } from 'pino';
import { pcmWav } from '../../src/base/wav.ts';
import { DEFAULT_CALL_ME_POLICY } from '../../src/channels/call-me.ts';
import type { ContactView } from '../../src/web/messages.ts';
import { startWeb } from '../../src/web/server.ts';
import { createFakeBackend, FAKE_PASSWORD } from './fake-backend.ts';

const port = Number(process.argv[2] ?? process.env['HTTP_PORT'] ?? 8090);
const staticDir = process.argv[3] ?? process.env['STATIC_DIR'] ?? 'var/web';
const backend = createFakeBackend();
const policy = { ...DEFAULT_CALL_ME_POLICY, countries: ['JP', 'GB', 'US'], perTargetPerHour: 100, perAddressPerHour: 1000 };

/** The kinds of contact that a panel has to show. */
const CONTACTS: readonly Partial<ContactView>[] = [
  {},
  {
    callingNumber: null,
    numberKind: 'withheld',
    rule: 'reception',
    why: [
      { en: 'the calling number is withheld', ja: '非通知です' },
      { en: 'no customer code was entered in three tries', ja: 'お客様番号が三回とも入力されませんでした' },
    ],
    customer: {
      customerId: null,
      customerCode: null,
      kind: 'unknown',
      name: '',
      nameKana: null,
      organisation: null,
      region: null,
      address: null,
      phones: [],
      emails: [],
      note: null,
      products: [],
      lastContacts: [],
    },
  },
  {
    channel: 'callback',
    origin: 'callMe',
    question: '洗浄機のフィルターはどこで買えますか。',
    pageUrl: 'https://www.example.jp/products/kx-200',
  },
  { channel: 'message', origin: 'voicemail', rule: 'message', message: { durationMs: 10_000 }, arrivedAt: Date.now() },
  { language: 'en', calledNumber: '2000', maker: 'Madoguchi Works Ltd', callingNumber: '+442079460123' },
];

const web = await startWeb({
  backend,
  host: '127.0.0.1',
  port,
  log: pino({ level: 'info' }),
  staticDir,
  callMe: {
    origins: ['http://localhost:5173', 'http://127.0.0.1:5173'],
    policy,
    demo: [
      { id: '1000', language: 'ja', country: 'JP', number: '1000' },
      { id: '2000', language: 'en', country: 'GB', number: '2000' },
    ],
  },
});
process.stdout.write(`${web.url}  log in as ${backend.userNames.join(', ')} with the password ${FAKE_PASSWORD}\n`);

const agentIds = ['agent-tanaka', 'agent-smith', 'agent-sato'];
let seconds = 0;
let next = 0;
const since = new Map<string, { stage: string; at: number }>();
const callMeSince = new Map<string, number>();
const CALL_ME_STEPS = ['waiting', 'waiting', 'calling', 'connectingAgent', 'connected', 'done'] as const;
const ENDED = new Set(['done', 'notReached', 'cancelled']);
const timer = setInterval(() => {
  seconds += 1;
  const waiting = Array.from({ length: seconds % 5 }, (_, index) => ({
    contactId: `w-${index}`,
    channel: index === 1 ? 'callback' : 'voice',
    state: 'queued',
    party: ['山田 花子', 'withheld', '鈴木商店', 'John Brown'][index] ?? '',
    desk: index === 3 ? { id: 'desk-london', name: 'London service desk' } : { id: 'desk-osaka', name: '大阪サービス窓口' },
    callingNumber: index === 1 ? null : '+81312345678',
    arrivedAt: Date.now() - (5 - index) * 17_000,
    position: index + 1,
    estimatedWaitMs: index === 1 ? null : (index + 1) * 35_000,
    agent: null,
  }));
  if (seconds % 4 === 0) backend.setWaiting(waiting);
  for (const agentId of agentIds) {
    const { agent, contact } = backend.viewOf(agentId);
    const stage = contact?.stage ?? agent.state;
    const before = since.get(agentId);
    if (before?.stage !== stage) since.set(agentId, { stage, at: seconds });
    const lasted = seconds - (since.get(agentId)?.at ?? seconds);
    if (stage === 'ready' && lasted >= 3) {
      const { contactId } = backend.offer(agentId, CONTACTS[next++ % CONTACTS.length]);
      backend.setRecording(contactId, pcmWav(Buffer.alloc(160_000)));
    }
    if (stage === 'ringing' && lasted >= 5) backend.stage(agentId, 'connected');
    else if (stage === 'connected' && lasted >= 15) backend.callerHangsUp(agentId);
    else if (stage === 'wrapUp' && lasted >= 60) backend.callerHangsUp(agentId);
  }
  for (const token of backend.callMeTokens) {
    const began = callMeSince.get(token) ?? seconds;
    callMeSince.set(token, began);
    if (ENDED.has(backend.callMeStateOf(token) ?? 'done')) continue;
    const state = CALL_ME_STEPS[Math.min(CALL_ME_STEPS.length - 1, Math.floor((seconds - began) / 4))] ?? 'done';
    backend.setCallMe(token, { state, position: state === 'waiting' ? 1 : null });
  }
}, 1_000);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    clearInterval(timer);
    void web.close();
  });
}
