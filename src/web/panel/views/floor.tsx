/** What a supervisor sees: who waits, who works. Live, sortable, by desk. */
import { type Signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type { FloorMessage } from '../../messages.ts';
import { duration } from '../i18n.ts';
import { formatNumber } from '../numbers.ts';
import type { Panel } from '../panel.ts';

type Waiting = FloorMessage['waiting'][number];
type FloorAgent = FloorMessage['agents'][number];
type Sort = { readonly column: string; readonly down: boolean };

interface Column<Row> {
  readonly id: string;
  readonly title: string;
  readonly value: (row: Row) => string | number;
  readonly cell: (row: Row) => ComponentChildren;
  readonly numeric?: boolean;
}

const STILL_WAITING = new Set(['identifying', 'scenario', 'queued', 'offered']);
/** The order in which a supervisor looks at states. */
const STATE_ORDER = ['busy', 'workingAfterCall', 'ready', 'notReady', 'loggedOff'];

export function FloorView({ panel }: { panel: Panel }) {
  const { i18n } = panel;
  const { t } = i18n;
  const desk = useSignal('');
  const showOff = useSignal(false);
  const waitingSort = useSignal<Sort>({ column: 'arrivedAt', down: false });
  const agentSort = useSignal<Sort>({ column: 'state', down: false });
  const floor = panel.floor.value;
  const now = panel.now.value;

  if (!panel.mayWatch.value) return <p class="empty">{t('floor.notAllowed')}</p>;
  if (floor === null) return <p class="empty">{t('floor.loading')}</p>;

  const names = new Set<string>();
  for (const row of floor.waiting) if (row.desk !== null) names.add(row.desk.name);
  for (const row of floor.agents) for (const name of row.desks) names.add(name);
  const desks = [...names].sort((a, b) => a.localeCompare(b, i18n.language.value));

  // The list holds every live contact; those who talk are seen beside their agents.
  const waiting = floor.waiting.filter((row) => STILL_WAITING.has(row.state) && (desk.value === '' || row.desk?.name === desk.value));
  const allAgents = floor.agents.filter((row) => desk.value === '' || row.desks.includes(desk.value));
  const agents = allAgents.filter((row) => showOff.value || row.state !== 'loggedOff');
  const inState = (state: string): number => allAgents.filter((row) => row.state === state).length;
  const longest = waiting.reduce((oldest, row) => Math.min(oldest, row.arrivedAt), now);

  const waitingColumns: Column<Waiting>[] = [
    {
      id: 'position',
      title: t('floor.position'),
      value: (row) => row.position ?? Number.MAX_SAFE_INTEGER,
      cell: (row) => row.position ?? '–',
    },
    {
      id: 'party',
      title: t('floor.party'),
      value: (row) => row.party,
      cell: (row) => (
        <>
          <strong>{i18n.word('kind', row.party)}</strong>
          {row.callingNumber !== null && <span class="muted small"> {formatNumber(row.callingNumber)}</span>}
        </>
      ),
    },
    { id: 'channel', title: t('floor.channel'), value: (row) => row.channel, cell: (row) => i18n.word('channel', row.channel) },
    { id: 'desk', title: t('floor.desk'), value: (row) => row.desk?.name ?? '', cell: (row) => row.desk?.name ?? '–' },
    {
      id: 'state',
      title: t('floor.state'),
      value: (row) => row.state,
      cell: (row) => (
        <span class="badge" data-contact-state={row.state}>
          {i18n.word('contactState', row.state)}
          {row.agent !== null && ` → ${row.agent}`}
        </span>
      ),
    },
    {
      id: 'arrivedAt',
      title: t('floor.waitingFor'),
      numeric: true,
      value: (row) => row.arrivedAt,
      cell: (row) => (
        <time class="timer" data-long={now - row.arrivedAt > 60_000}>
          {duration(now - row.arrivedAt)}
        </time>
      ),
    },
  ];

  const agentColumns: Column<FloorAgent>[] = [
    { id: 'name', title: t('floor.agent'), value: (row) => row.name, cell: (row) => <strong>{row.name}</strong> },
    {
      id: 'state',
      title: t('floor.state'),
      value: (row) => `${STATE_ORDER.indexOf(row.state)} ${String(row.stateSince).padStart(16, '0')}`,
      cell: (row) => (
        <span class="state-cell" data-state={row.state}>
          <span class="state-dot" aria-hidden="true" />
          {i18n.word('state', row.state)}
          {row.reason !== null && <span class="muted small">{i18n.word('reason', row.reason)}</span>}
          {row.pending !== null && <span class="pending">{t('pending.label', { state: i18n.word('pending', row.pending) })}</span>}
        </span>
      ),
    },
    {
      id: 'stateSince',
      title: t('floor.since'),
      numeric: true,
      value: (row) => row.stateSince,
      cell: (row) => <time class="timer">{row.stateSince === 0 ? '–' : duration(now - row.stateSince)}</time>,
    },
    {
      id: 'with',
      title: t('floor.with'),
      value: (row) => row.party ?? '',
      cell: (row) => (row.party === null ? '–' : i18n.word('kind', row.party)),
    },
    {
      id: 'desks',
      title: t('floor.desk'),
      value: (row) => row.desks.join(),
      cell: (row) => <span class="small">{row.desks.join(' · ')}</span>,
    },
    { id: 'phone', title: t('floor.phone'), value: (row) => row.phone, cell: (row) => i18n.word('phoneKind', row.phone) },
    {
      id: 'panel',
      title: t('floor.panel'),
      value: (row) => row.panel,
      cell: (row) => (
        <span class="panel-cell" data-panel={row.panel}>
          {i18n.word('panel', row.panel)}
        </span>
      ),
    },
  ];

  return (
    <>
      <div class="floor-top">
        <dl class="counts">
          <Count label={t('floor.countWaiting')} value={waiting.length} tone={waiting.length > 0 ? 'warn' : 'quiet'} />
          <Count label={t('floor.countLongest')} value={waiting.length === 0 ? '–' : duration(now - longest)} tone="quiet" />
          <Count label={t('floor.countReady')} value={inState('ready')} tone="ready" />
          <Count label={t('floor.countBusy')} value={inState('busy')} tone="busy" />
          <Count label={t('floor.countWrapUp')} value={inState('workingAfterCall')} tone="wrapUp" />
          <Count label={t('floor.countNotReady')} value={inState('notReady')} tone="notReady" />
        </dl>
        <div class="floor-filter">
          <label class="field inline">
            <span>{t('floor.filter')}</span>
            <select
              name="desk"
              value={desk.value}
              onChange={(event) => {
                desk.value = event.currentTarget.value;
              }}
            >
              <option value="">{t('floor.allDesks')}</option>
              {desks.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label class="check">
            <input
              type="checkbox"
              checked={showOff.value}
              onChange={(event) => {
                showOff.value = event.currentTarget.checked;
              }}
            />
            {t('floor.showOff')}
          </label>
        </div>
      </div>
      <div class="floor-tables">
        <Table
          caption={t('floor.waiting')}
          rows={waiting}
          columns={waitingColumns}
          sort={waitingSort}
          keyOf={(row) => row.contactId}
          empty={t('floor.noWaiting')}
          language={i18n.language.value}
          testId="floor-waiting"
        />
        <Table
          caption={t('floor.agents')}
          rows={agents}
          columns={agentColumns}
          sort={agentSort}
          keyOf={(row) => row.agentId}
          empty={t('floor.noAgents')}
          language={i18n.language.value}
          testId="floor-agents"
        />
      </div>
    </>
  );
}

function Count({ label, value, tone }: { label: string; value: string | number; tone: string }) {
  return (
    <div class="count" data-tone={tone}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

interface TableProps<Row> {
  readonly caption: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly sort: Signal<Sort>;
  readonly keyOf: (row: Row) => string;
  readonly empty: string;
  readonly language: string;
  readonly testId: string;
}

function Table<Row>({ caption, rows, columns, sort, keyOf, empty, language, testId }: TableProps<Row>) {
  const { column: by, down } = sort.value;
  const value = columns.find((column) => column.id === by)?.value ?? (() => 0);
  const sorted = [...rows].sort((a, b) => {
    const [left, right] = [value(a), value(b)];
    const order =
      typeof left === 'number' && typeof right === 'number' ? left - right : String(left).localeCompare(String(right), language);
    return down ? -order : order;
  });
  return (
    <section class="card table-card" data-testid={testId} aria-label={caption}>
      <h2>
        {caption} <span class="muted">{rows.length}</span>
      </h2>
      {rows.length === 0 ? (
        <p class="empty">{empty}</p>
      ) : (
        <div class="table-scroll">
          <table>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th
                    key={column.id}
                    scope="col"
                    data-numeric={column.numeric}
                    aria-sort={by === column.id ? (down ? 'descending' : 'ascending') : 'none'}
                  >
                    <button
                      type="button"
                      onClick={() => {
                        sort.value = { column: column.id, down: by === column.id && !down };
                      }}
                    >
                      {column.title}
                      <span class="sort-mark" aria-hidden="true">
                        {by === column.id ? (down ? '▾' : '▴') : ''}
                      </span>
                    </button>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {sorted.map((row) => (
                <tr key={keyOf(row)}>
                  {columns.map((column) => (
                    <td key={column.id} data-numeric={column.numeric}>
                      {column.cell(row)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
