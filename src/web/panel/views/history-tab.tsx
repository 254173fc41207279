/** The history comes when it is first looked at: whoever answers calls need not load it. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Panel } from '../panel.ts';
import { Splash } from './pieces.tsx';

export function HistoryTab({ panel }: { panel: Panel }) {
  const view = useSignal<typeof import('./history.tsx') | 'failed' | null>(null);
  useEffect(() => {
    import('./history.tsx').then(
      (loaded) => {
        view.value = loaded;
      },
      () => {
        // A newer version of the page is out, or the centre is away.
        view.value = 'failed';
      },
    );
  }, []);
  if (view.value === null) return <Splash text={panel.i18n.t('checking')} />;
  if (view.value === 'failed') return <p class="problem">{panel.i18n.t('history.notLoaded')}</p>;
  return <view.value.HistoryView panel={panel} />;
}
