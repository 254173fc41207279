import type { AgentView } from '../../messages.ts';
import { duration } from '../i18n.ts';
import type { Panel } from '../panel.ts';
import { Brand, Icon, LanguageSwitch, Menu } from './pieces.tsx';

export function TopBar({ panel, agent }: { panel: Panel; agent: AgentView }) {
  const { i18n } = panel;
  const { t } = i18n;
  const off = agent.state === 'loggedOff';
  const desks = agent.desks.map((desk) => desk.name).join(' · ');
  return (
    <header class="top">
      <Brand i18n={i18n} />
      {panel.mayWatch.value && <Tabs panel={panel} />}
      <div class="who">
        <strong>{agent.name}</strong>
        <span class="muted small" title={desks}>
          {desks === '' ? agent.organisation : desks}
        </span>
      </div>
      {!off && <StateChip panel={panel} agent={agent} />}
      {!off && <StateButtons panel={panel} agent={agent} />}
      <div class="top-end">
        <Indicators panel={panel} agent={agent} />
        <LanguageSwitch i18n={i18n} />
        <button
          type="button"
          class="plain"
          aria-label={t('help.open')}
          title={`${t('help.open')} (?)`}
          onClick={() => {
            panel.helpOpen.value = true;
          }}
        >
          <Icon name="help" />
        </button>
        {off && (
          <button type="button" class="plain" aria-label={t('logOut')} title={t('logOut')} onClick={() => void panel.logOut()}>
            <Icon name="exit" />
          </button>
        )}
      </div>
    </header>
  );
}

function Tabs({ panel }: { panel: Panel }) {
  const { t } = panel.i18n;
  return (
    <nav class="tabs">
      {(['desk', 'floor', 'notices', 'scenarios', 'history'] as const).map((tab) => (
        <button key={tab} type="button" aria-current={panel.tab.value === tab ? 'page' : undefined} onClick={() => panel.showTab(tab)}>
          {t(`tab.${tab}`)}
        </button>
      ))}
    </nav>
  );
}

function StateChip({ panel, agent }: { panel: Panel; agent: AgentView }) {
  const { i18n } = panel;
  const { pending } = agent;
  return (
    <div class="state" data-state={agent.state} data-testid="state">
      <span class="state-dot" aria-hidden="true" />
      <span class="state-words">
        <strong>{i18n.word('state', agent.state)}</strong>
        {agent.reason !== null && <span class="state-reason">{i18n.word('reason', agent.reason)}</span>}
        {pending !== null && (
          <span class="pending" data-testid="pending">
            {i18n.t('pending.label', {
              state:
                pending.reason === null
                  ? i18n.word('pending', pending.state)
                  : `${i18n.word('pending', pending.state)} (${i18n.word('reason', pending.reason)})`,
            })}
          </span>
        )}
      </span>
      <time class="timer">{duration(panel.now.value - agent.stateSince)}</time>
    </div>
  );
}

const CHOSEN_REASONS = ['break', 'lunch', 'meeting', 'paperwork'] as const;

function StateButtons({ panel, agent }: { panel: Panel; agent: AgentView }) {
  const { t } = panel.i18n;
  const open = panel.reasonsOpen.value;
  return (
    <div class="state-buttons">
      <button
        type="button"
        class="button ready"
        aria-keyshortcuts="R"
        aria-pressed={agent.state === 'ready' || agent.pending?.state === 'ready'}
        onClick={() => panel.request({ type: 'setReady' })}
      >
        <Icon name="check" /> {t('action.ready')}
      </button>
      <div class="not-ready">
        <button
          type="button"
          class="button"
          aria-keyshortcuts="N"
          aria-haspopup="menu"
          aria-expanded={open}
          aria-pressed={agent.state === 'notReady' || agent.pending?.state === 'notReady'}
          onClick={() => {
            panel.reasonsOpen.value = !open;
          }}
        >
          <Icon name="coffee" /> {t('action.notReady')} <Icon name="chevron" size={14} />
        </button>
        {open && (
          <Menu
            label={t('action.chooseReason')}
            owner=".not-ready"
            onClose={() => {
              panel.reasonsOpen.value = false;
            }}
          >
            {CHOSEN_REASONS.map((reason) => (
              <button
                key={reason}
                type="button"
                role="menuitem"
                onClick={() => {
                  panel.reasonsOpen.value = false;
                  panel.request({ type: 'setNotReady', reason });
                }}
              >
                {t(`reason.${reason}`)}
              </button>
            ))}
          </Menu>
        )}
      </div>
      <button
        type="button"
        class="button quiet"
        aria-pressed={agent.pending?.state === 'loggedOff'}
        onClick={() => panel.request({ type: 'logOff' })}
      >
        {t('action.logOff')}
      </button>
    </div>
  );
}

type Light = 'good' | 'wait' | 'bad' | 'off';

function Indicators({ panel, agent }: { panel: Panel; agent: AgentView }) {
  const { t } = panel.i18n;
  const link = panel.link.value;
  const registration = panel.phone.registration.value;
  const lights: { readonly id: string; readonly light: Light; readonly text: string; readonly icon: 'globe' | 'phone' }[] = [
    { id: 'link', icon: 'globe', light: link === 'open' ? 'good' : 'bad', text: t(`link.${link}`) },
  ];
  if (agent.state !== 'loggedOff') {
    const deskPhone = agent.phone.kind === 'deskPhone';
    const light: Light = deskPhone
      ? agent.phone.reachable
        ? 'good'
        : 'bad'
      : registration === 'registered'
        ? 'good'
        : registration === 'failed'
          ? 'bad'
          : 'wait';
    lights.push({
      id: 'phone',
      icon: 'phone',
      light,
      text: deskPhone ? t(agent.phone.reachable ? 'phone.deskOk' : 'phone.deskLost') : t(`phone.${registration}`),
    });
  }
  return (
    <ul class="lights">
      {lights.map(({ id, light, text, icon }) => (
        <li key={id} data-light={light} data-testid={`light-${id}`} title={text}>
          <Icon name={icon} size={17} />
          <span class="light-dot" aria-hidden="true" />
          <span class="visually-hidden">{text}</span>
        </li>
      ))}
    </ul>
  );
}

export function Banners({ panel, agent }: { panel: Panel; agent: AgentView }) {
  const { t } = panel.i18n;
  const { phone } = panel;
  const onShift = agent.state !== 'loggedOff';
  const mic = phone.micProblem.value;
  return (
    <div class="banners" aria-live="polite">
      {panel.link.value !== 'open' && (
        <p class="banner bad" data-testid="reconnecting">
          <span class="spinner small" aria-hidden="true" /> {t('banner.reconnecting')}
        </p>
      )}
      {onShift && agent.phone.kind === 'browser' && phone.registration.value === 'failed' && <p class="banner warn">{t('banner.phone')}</p>}
      {onShift && agent.phone.kind === 'deskPhone' && !agent.phone.reachable && <p class="banner warn">{t('banner.deskPhone')}</p>}
      {onShift && agent.phone.kind === 'browser' && mic !== null && (
        <p class="banner warn">{t('banner.mic', { problem: t(`mic.${mic.problem}`, { name: mic.name }) })}</p>
      )}
      {phone.audioBlocked.value && (
        <p class="banner warn">
          {t('banner.audioBlocked')}{' '}
          <button type="button" class="button slim" onClick={() => phone.enableSound()}>
            {t('banner.enableSound')}
          </button>
        </p>
      )}
    </div>
  );
}
