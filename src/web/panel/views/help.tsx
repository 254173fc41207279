import { KEYS } from '../keys.ts';
import type { Panel } from '../panel.ts';
import { Dialog } from './pieces.tsx';

export function HelpDialog({ panel }: { panel: Panel }) {
  const { t } = panel.i18n;
  return (
    <Dialog
      title={t('help.title')}
      closeLabel={t('help.close')}
      onClose={() => {
        panel.helpOpen.value = false;
      }}
    >
      <dl class="keys">
        {KEYS.map(({ key, word }) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(word)}</dd>
          </div>
        ))}
      </dl>
      <p class="muted small">{t('help.note')}</p>
      <label class="check">
        <input type="checkbox" checked={!panel.letterKeys.value} onChange={(event) => panel.setLetterKeys(!event.currentTarget.checked)} />
        {t('help.letters')}
      </label>
    </Dialog>
  );
}
