import type { AgentView } from '../../messages.ts';
import { duration } from '../i18n.ts';
import type { Panel } from '../panel.ts';

export function SidePane({ panel, agent }: { panel: Panel; agent: AgentView }) {
  const { i18n } = panel;
  const { t } = i18n;
  const waiting = agent.waitingAtMyDesks;
  return (
    <aside class="side">
      <section class="card waiting-card" aria-label={t('side.waiting')} data-some={waiting > 0}>
        <h2>{t('side.waiting')}</h2>
        <p>
          <strong class="big" data-testid="waiting-count">
            {waiting}
          </strong>{' '}
          <span class="muted">{t(waiting === 0 ? 'side.waitingNone' : waiting === 1 ? 'side.waitingOne' : 'side.waitingMany')}</span>
        </p>
        {agent.longestCallSince !== null && (
          <p class="small" data-testid="longest-wait">
            {t('side.longest', { time: duration(panel.now.value - agent.longestCallSince) })}
          </p>
        )}
      </section>
      <section class="card grow" aria-label={t('side.mine')}>
        <h2>{t('side.mine')}</h2>
        {panel.seen.value.length === 0 ? (
          <p class="muted small">{t('side.mineEmpty')}</p>
        ) : (
          <ul class="seen">
            {panel.seen.value.map((one) => (
              <li key={one.contactId}>
                <div class="seen-line">
                  <strong>{one.name}</strong>
                  <time class="muted small">{i18n.time(one.at, panel.now.peek())}</time>
                </div>
                <div class="muted small">
                  {[
                    i18n.word('kind', one.kind),
                    one.talkedMs === null ? null : duration(one.talkedMs),
                    one.disposition === null ? null : i18n.word('disposition', one.disposition),
                  ]
                    .filter((part) => part !== null)
                    .join(' · ')}
                </div>
              </li>
            ))}
          </ul>
        )}
      </section>
    </aside>
  );
}
