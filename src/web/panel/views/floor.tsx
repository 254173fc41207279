/** What a supervisor sees: who waits, who works, whose state was changed by whom. Live, sortable, by desk. And changes states. */
import { type Signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { FloorMessage } from '../../messages.ts';
import { duration } from '../i18n.ts';
import { formatNumber } from '../numbers.ts';
import { forcedChangeText, type Panel } from '../panel.ts';
import { Answers } from './answers.tsx';
import { Dialog, Icon, Menu } from './pieces.tsx';

type Waiting = FloorMessage['waiting'][number];
type FloorAgent = FloorMessage['agents'][number];
type Sort = { readonly column: string; readonly down: boolean };

interface Column<Row> {
  readonly id: string;
  readonly title: string;
  /** What it is sorted by; without, the column has a title for those who don't see it only. */
  readonly value?: (row: Row) => string | number;
  readonly cell: (row: Row) => ComponentChildren;
  readonly numeric?: boolean;
}

/** The order in which a supervisor looks at states. */
const STATE_ORDER = ['busy', 'workingAfterCall', 'ready', 'notReady', 'loggedOff'];

export function FloorView({ panel }: { panel: Panel }) {
  const { i18n } = panel;
  const { t } = i18n;
  const desk = useSignal('');
  const showOff = useSignal(false);
  const waitingSort = useSignal<Sort>({ column: 'arrivedAt', down: false });
  const agentSort = useSignal<Sort>({ column: 'state', down: false });
  const menu = useSignal<OpenMenu | null>(null);
  const loggingOff = useSignal<FloorAgent | null>(null);
  const floor = panel.floor.value;
  const now = panel.now.value;

  if (!panel.mayWatch.value) return <p class="empty">{t('floor.notAllowed')}</p>;
  if (floor === null) return <p class="empty">{t('floor.loading')}</p>;

  const names = new Set<string>();
  for (const row of floor.waiting) if (row.desk !== null) names.add(row.desk.name);
  for (const row of floor.agents) for (const name of row.desks) names.add(name);
  const desks = [...names].sort((a, b) => a.localeCompare(b, i18n.language.value));

  const waiting = floor.waiting.filter((row) => desk.value === '' || row.desk?.name === desk.value);
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
    {
      id: 'estimate',
      title: t('floor.estimate'),
      numeric: true,
      value: (row) => row.estimatedWaitMs ?? Number.MAX_SAFE_INTEGER,
      cell: (row) => <span class="timer">{row.estimatedWaitMs === null ? '–' : `≈ ${duration(row.estimatedWaitMs)}`}</span>,
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
    {
      id: 'change',
      title: t('floor.change'),
      cell: (row) => {
        const off = row.state === 'loggedOff';
        return (
          <button
            type="button"
            class="plain change-state"
            data-agent={row.agentId}
            aria-label={t('floor.changeOf', { name: row.name })}
            aria-haspopup="menu"
            aria-expanded={menu.value?.agentId === row.agentId}
            title={off ? t('floor.offShift') : t('floor.change')}
            disabled={off}
            onClick={(event) => {
              const { top, bottom, right } = event.currentTarget.getBoundingClientRect();
              menu.value = menu.value?.agentId === row.agentId ? null : { agentId: row.agentId, top, bottom, right };
            }}
          >
            <Icon name="more" />
          </button>
        );
      },
    },
  ];
  const shown = menu.value;
  const changing = shown === null ? undefined : agents.find((row) => row.agentId === shown.agentId);

  return (
    <>
      <div class="floor-top">
        <dl class="counts">
          <Count
            label={t('floor.countWaiting')}
            value={waiting.length + (desk.value === '' ? floor.more : 0)}
            tone={waiting.length > 0 ? 'warn' : 'quiet'}
          />
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
          note={floor.more === 0 ? '' : t('floor.more', { count: floor.more })}
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
          note=""
          testId="floor-agents"
        />
        <Audit panel={panel} />
        <Answers panel={panel} desk={desk.value} />
      </div>
      {shown !== null && changing !== undefined && (
        <ForceMenu
          key={shown.agentId}
          panel={panel}
          agent={changing}
          at={shown}
          onClose={() => {
            menu.value = null;
          }}
          onLogOff={() => {
            loggingOff.value = changing;
          }}
        />
      )}
      {loggingOff.value !== null && (
        <LogOffDialog
          panel={panel}
          agent={loggingOff.value}
          onClose={() => {
            loggingOff.value = null;
          }}
        />
      )}
    </>
  );
}

/** Whose menu, and where its button was. It hangs over the page, not in the row: rows move while it is open. */
interface OpenMenu {
  readonly agentId: string;
  readonly top: number;
  readonly bottom: number;
  readonly right: number;
}

/** More than the menu is high. */
const MENU_PX = 190;

interface ForceMenuProps {
  readonly panel: Panel;
  readonly agent: FloorAgent;
  readonly at: OpenMenu;
  readonly onClose: () => void;
  readonly onLogOff: () => void;
}

function ForceMenu({ panel, agent, at, onClose, onLogOff }: ForceMenuProps) {
  const { t } = panel.i18n;
  const { agentId } = agent;
  const engaged = agent.state === 'busy' || agent.state === 'workingAfterCall';
  const close = (): void => {
    onClose();
    document.querySelector<HTMLElement>(`.change-state[data-agent="${CSS.escape(agentId)}"]`)?.focus();
  };
  useEffect(() => {
    // What it hangs at goes away under it.
    window.addEventListener('resize', onClose);
    window.addEventListener('scroll', onClose, { capture: true });
    return () => {
      window.removeEventListener('resize', onClose);
      window.removeEventListener('scroll', onClose, { capture: true });
    };
  }, [onClose]);

  const below = at.bottom + MENU_PX < window.innerHeight;
  const place = below ? { top: `${at.bottom + 4}px` } : { top: 'auto', bottom: `${window.innerHeight - at.top + 4}px` };
  return (
    <Menu
      label={t('floor.changeOf', { name: agent.name })}
      owner=".menu, .change-state"
      onClose={close}
      style={{ position: 'fixed', left: 'auto', minWidth: 'auto', right: `${window.innerWidth - at.right}px`, ...place }}
    >
      {(['ready', 'notReady', 'loggedOff'] as const).map((to) => (
        <button
          key={to}
          type="button"
          role="menuitem"
          // Where the agent is already, or (with a contact) will be next, there is nothing to change.
          disabled={(engaged ? agent.pending === to : agent.state === to) || (to === 'ready' && agent.panel !== 'open')}
          onClick={() => {
            close();
            if (to === 'loggedOff') onLogOff();
            else panel.request({ type: 'forceState', agentId, to });
          }}
        >
          {t(`force.${to}`)}
        </button>
      ))}
      {agent.panel !== 'open' && <p class="menu-note">{t('floor.panelNotOpen')}</p>}
      {engaged && <p class="menu-note">{t(agent.state === 'busy' ? 'floor.afterContact' : 'floor.endsWrapUp')}</p>}
    </Menu>
  );
}

function LogOffDialog({ panel, agent, onClose }: { panel: Panel; agent: FloorAgent; onClose: () => void }) {
  const { t } = panel.i18n;
  return (
    <Dialog title={t('force.confirmTitle', { name: agent.name })} closeLabel={t('force.cancel')} onClose={onClose}>
      <p>{t(agent.state === 'busy' ? 'force.confirmBusy' : 'force.confirmText')}</p>
      <form method="dialog" class="dialog-end">
        <button type="submit" class="button">
          {t('force.cancel')}
        </button>
        <button
          type="submit"
          class="button danger"
          onClick={() => panel.request({ type: 'forceState', agentId: agent.agentId, to: 'loggedOff' })}
        >
          {t('force.confirm')}
        </button>
      </form>
    </Dialog>
  );
}

/** The last changes by supervisors, as the log has them. */
function Audit({ panel }: { panel: Panel }) {
  const { i18n } = panel;
  const { t } = i18n;
  const changes = panel.forcedChanges.value;
  return (
    <section class="card table-card audit" data-testid="audit" aria-label={t('audit.title')}>
      <h2>{t('audit.title')}</h2>
      {changes === null || changes.length === 0 ? (
        <p class="empty small">{t(changes === null ? 'checking' : 'audit.empty')}</p>
      ) : (
        <ul class="seen table-scroll">
          {changes.map((change) => (
            <li key={change.id}>
              <div class="seen-line">
                <strong>{change.agent}</strong>
                <time class="muted small">{i18n.time(change.at, panel.now.peek())}</time>
              </div>
              <div class="small">{forcedChangeText(change, i18n)}</div>
              <div class="muted small">{t('audit.by', { name: change.by })}</div>
            </li>
          ))}
        </ul>
      )}
    </section>
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
  /** Behind the number of rows. */
  readonly note: string;
  readonly language: string;
  readonly testId: string;
}

function Table<Row>({ caption, rows, columns, sort, keyOf, empty, note, language, testId }: TableProps<Row>) {
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
        {caption}{' '}
        <span class="muted">
          {rows.length} {note}
        </span>
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
                    aria-sort={column.value === undefined ? undefined : by === column.id ? (down ? 'descending' : 'ascending') : 'none'}
                  >
                    {column.value === undefined ? (
                      <span class="visually-hidden">{column.title}</span>
                    ) : (
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
                    )}
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
