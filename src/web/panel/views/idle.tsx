import type { AgentView } from '../../messages.ts';
import type { Panel } from '../panel.ts';
import type { WordKey } from '../words.en.ts';
import { Icon } from './pieces.tsx';

const REASON_TEXTS: Readonly<Record<string, WordKey>> = {
  noAnswer: 'idle.noAnswerText',
  declined: 'idle.declinedText',
  phoneUnreachable: 'idle.phoneText',
  panelLost: 'idle.panelText',
  supervisor: 'idle.supervisorText',
};

/** The middle of the screen while there is no contact. */
export function Idle({ panel, agent }: { panel: Panel; agent: AgentView }) {
  const { t } = panel.i18n;
  const ready = agent.state === 'ready';
  const why = agent.reason === null ? undefined : REASON_TEXTS[agent.reason];
  return (
    <section class="idle" data-state={agent.state}>
      <div class="idle-mark">
        <Icon name={ready ? 'phone' : 'coffee'} size={40} />
      </div>
      <h1>{t(ready ? 'idle.ready' : 'idle.notReady')}</h1>
      {!ready && why !== undefined && <p>{t(why)}</p>}
      <p class="muted">{t(ready ? 'idle.readyText' : 'idle.notReadyText')}</p>
    </section>
  );
}
