import type { Panel } from '../panel.ts';
import { ContactPane } from './contact.tsx';
import { FloorView } from './floor.tsx';
import { HelpDialog } from './help.tsx';
import { HistoryTab } from './history-tab.tsx';
import { Idle } from './idle.tsx';
import { LogIn } from './log-in.tsx';
import { NoticesView } from './notices.tsx';
import { LanguageSwitch, Splash, TakenOver } from './pieces.tsx';
import { ScenariosView } from './scenarios.tsx';
import { SidePane } from './side.tsx';
import { StartShift } from './start-shift.tsx';
import { Banners, TopBar } from './top-bar.tsx';

export function App({ panel }: { panel: Panel }) {
  return (
    <>
      <Page panel={panel} />
      <div class="visually-hidden" role="status" aria-live="assertive" data-testid="announcement">
        {panel.announcement}
      </div>
      <Toasts panel={panel} />
      {panel.helpOpen.value && <HelpDialog panel={panel} />}
    </>
  );
}

function Page({ panel }: { panel: Panel }) {
  const { i18n } = panel;
  switch (panel.session.value) {
    case 'checking':
      return <Splash text={i18n.t('checking')} />;
    case 'loggedOut':
      return <LogIn panel={panel} />;
    case 'takenOver':
      return <TakenOver panel={panel} />;
    case 'open':
      return panel.agent.value === null ? <Connecting panel={panel} /> : <Workspace panel={panel} />;
  }
}

function Connecting({ panel }: { panel: Panel }) {
  const key = panel.link.value === 'reconnecting' ? 'link.reconnecting' : 'link.connecting';
  return (
    <>
      <div class="corner">
        <LanguageSwitch i18n={panel.i18n} />
      </div>
      <Splash text={panel.i18n.t(key)} />
    </>
  );
}

function Workspace({ panel }: { panel: Panel }) {
  const agent = panel.agent.value;
  const contact = panel.contact.value;
  if (agent === null) return null;
  const tab = panel.tab.value;
  return (
    <div class="workspace" data-stage={contact?.stage ?? 'none'}>
      <TopBar panel={panel} agent={agent} />
      <Banners panel={panel} agent={agent} />
      {tab === 'notices' ? (
        <main class="notices-main">
          <NoticesView panel={panel} />
        </main>
      ) : tab === 'scenarios' ? (
        <main class="scenarios-main">
          <ScenariosView panel={panel} />
        </main>
      ) : tab === 'history' ? (
        <main class="history-main">
          <HistoryTab panel={panel} />
        </main>
      ) : tab === 'floor' ? (
        <main class="floor-main">
          <FloorView panel={panel} />
        </main>
      ) : agent.state === 'loggedOff' && contact === null ? (
        <main class="start-main">
          <StartShift panel={panel} agent={agent} />
        </main>
      ) : (
        <main class="desk-main">
          {contact === null ? <Idle panel={panel} agent={agent} /> : <ContactPane panel={panel} agent={agent} contact={contact} />}
          <SidePane panel={panel} agent={agent} />
        </main>
      )}
    </div>
  );
}

function Toasts({ panel }: { panel: Panel }) {
  return (
    <div class="toasts" role="alert">
      {panel.toasts.value.map((toast) => (
        <div class="toast" key={toast.id}>
          <span>{toast.text}</span>
          <button type="button" class="plain" aria-label={panel.i18n.t('toast.close')} onClick={() => panel.dropToast(toast.id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
