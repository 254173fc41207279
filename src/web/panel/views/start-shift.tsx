import { useSignal } from '@preact/signals';
import type { AgentView } from '../../messages.ts';
import type { Panel } from '../panel.ts';
import { Icon } from './pieces.tsx';

/** Where the calls shall ring. The microphone is tried here, before the first caller waits for it. */
export function StartShift({ panel, agent }: { panel: Panel; agent: AgentView }) {
  const { t } = panel.i18n;
  const chosen = useSignal<'browser' | 'deskPhone'>(agent.phone.kind === 'deskPhone' && agent.hasDeskPhone ? 'deskPhone' : 'browser');
  const busy = useSignal(false);
  const problem = chosen.value === 'browser' ? panel.phone.micProblem.value : null;

  const start = async (event: Event): Promise<void> => {
    event.preventDefault();
    busy.value = true;
    await panel.logOn(chosen.value);
    busy.value = false;
  };

  return (
    <form class="start-card" onSubmit={(event) => void start(event)}>
      <h1>{t('start.greeting', { name: agent.name })}</h1>
      <fieldset class="phones">
        <legend>{t('start.question')}</legend>
        {(['browser', 'deskPhone'] as const).map((kind) => {
          const possible = kind === 'browser' || agent.hasDeskPhone;
          return (
            <label key={kind} class="phone-choice" data-chosen={chosen.value === kind} data-possible={possible}>
              <input
                type="radio"
                name="phone"
                value={kind}
                checked={chosen.value === kind}
                disabled={!possible}
                onChange={() => {
                  chosen.value = kind;
                }}
              />
              <Icon name={kind === 'browser' ? 'browser' : 'desk'} size={28} />
              <span>
                <strong>{t(`start.${kind}`)}</strong>
                <small>{t(kind === 'browser' ? 'start.browserHint' : possible ? 'start.deskPhoneHint' : 'start.noDeskPhone')}</small>
              </span>
            </label>
          );
        })}
      </fieldset>
      {problem !== null && (
        <p class="problem" role="alert">
          {t(`mic.${problem.problem}`, { name: problem.name })}
          {agent.hasDeskPhone && ` ${t('start.anyway')}`}
        </p>
      )}
      <button type="submit" class="button primary wide tall" disabled={busy.value || panel.link.value !== 'open'}>
        {t(busy.value ? 'start.checkingMic' : 'start.logOn')}
      </button>
    </form>
  );
}
