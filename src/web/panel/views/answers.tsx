/** What callers answered after their talks: by question, desk and agent. */
import { useSignal } from '@preact/signals';
import type { AnswersView } from '../../answer-messages.ts';
import { ask } from '../notice-api.ts';
import type { Panel } from '../panel.ts';

/** Fetched when it is opened: nobody watches it all day. */
export function Answers({ panel, desk }: { panel: Panel; desk: string }) {
  const { t } = panel.i18n;
  const found = useSignal<AnswersView | null>(null);
  const failed = useSignal(false);
  const look = async (): Promise<void> => {
    const answer = await ask<AnswersView>('/api/answers');
    failed.value = !answer.ok;
    if (answer.ok) found.value = answer.value;
  };
  const rows = found.value?.rows.filter((row) => desk === '' || row.desk === desk) ?? [];
  return (
    <details
      class="card answers"
      onToggle={(event) => {
        if (event.currentTarget.open) void look();
      }}
    >
      <summary>{t('answers.title')}</summary>
      {failed.value && (
        <p class="problem" role="alert">
          {t('answers.failed')}
        </p>
      )}
      {found.value !== null && rows.length === 0 && <p class="muted">{t('answers.none')}</p>}
      {rows.length > 0 && (
        <div class="table-scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">{t('answers.question')}</th>
                <th scope="col">{t('floor.desk')}</th>
                <th scope="col">{t('answers.agent')}</th>
                <th scope="col" data-numeric>
                  {t('answers.count')}
                </th>
                <th scope="col" data-numeric>
                  {t('answers.average')}
                </th>
                <th scope="col">{t('answers.answers')}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={`${row.question} ${row.desk} ${row.agent}`} data-agent={row.agent ?? ''}>
                  <td>{row.question}</td>
                  <td>{row.desk}</td>
                  <td>{row.agent ?? t('answers.all')}</td>
                  <td data-numeric>{row.count}</td>
                  <td data-numeric>{row.average === null ? '–' : row.average.toFixed(1)}</td>
                  <td class="muted small">
                    {Object.entries(row.answers)
                      .map(([answer, count]) => `${answer} × ${count}`)
                      .join(', ')}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
