import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { type LogInProblem, logIn } from '../api.ts';
import type { I18n } from '../i18n.ts';
import type { Panel } from '../panel.ts';
import { Brand, LanguageSwitch } from './pieces.tsx';

type Problem = LogInProblem | { type: 'empty' } | { type: 'expired' };

function explain(problem: Problem, { t }: I18n): string {
  switch (problem.type) {
    case 'wrong':
      return t('logIn.wrong');
    case 'empty':
      return t('logIn.empty');
    case 'expired':
      return t('logIn.expired');
    case 'unreachable':
      return t('logIn.unreachable');
    case 'failed':
      return t('logIn.failed', { status: problem.status });
    case 'throttled': {
      const seconds = Math.ceil(problem.retryAfterMs / 1000);
      return seconds > 90 ? t('logIn.throttledLong', { minutes: Math.ceil(seconds / 60) }) : t('logIn.throttled', { seconds });
    }
  }
}

export function LogIn({ panel }: { panel: Panel }) {
  const { i18n } = panel;
  const { t } = i18n;
  const busy = useSignal(false);
  const problem = useSignal<Problem | null>(panel.sessionExpired.value ? { type: 'expired' } : null);
  const name = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useEffect(() => name.current?.focus(), []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const given = { name: name.current?.value.trim() ?? '', password: password.current?.value ?? '' };
    if (given.name === '' || given.password === '') {
      problem.value = { type: 'empty' };
      (given.name === '' ? name : password).current?.focus();
      return;
    }
    busy.value = true;
    problem.value = null;
    const result = await logIn(given.name, given.password);
    busy.value = false;
    if (result.type === 'ok') {
      panel.loggedIn();
      return;
    }
    problem.value = result;
    if (result.type === 'wrong' && password.current !== null) {
      password.current.value = '';
      password.current.focus();
    }
  };

  const wrong = problem.value?.type === 'wrong' || problem.value?.type === 'empty';
  return (
    <div class="gate">
      <div class="corner">
        <LanguageSwitch i18n={i18n} />
      </div>
      <main class="gate-card">
        <Brand i18n={i18n} />
        <p class="tagline">{t('app.tagline')}</p>
        <form onSubmit={(event) => void submit(event)} noValidate aria-label={t('logIn.title')}>
          <label class="field">
            <span>{t('logIn.name')}</span>
            <input
              ref={name}
              name="username"
              autocomplete="username"
              autocapitalize="none"
              spellcheck={false}
              maxLength={128}
              aria-invalid={wrong}
              aria-describedby="log-in-problem"
            />
          </label>
          <label class="field">
            <span>{t('logIn.password')}</span>
            <input
              ref={password}
              name="password"
              type="password"
              autocomplete="current-password"
              maxLength={256}
              aria-invalid={wrong}
              aria-describedby="log-in-problem"
            />
          </label>
          <p id="log-in-problem" class="problem" role="alert" hidden={problem.value === null}>
            {problem.value !== null && explain(problem.value, i18n)}
          </p>
          <button type="submit" class="button primary wide" disabled={busy.value}>
            {t(busy.value ? 'logIn.busy' : 'logIn.submit')}
          </button>
        </form>
      </main>
    </div>
  );
}
