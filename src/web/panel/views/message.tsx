/** What was left on the phone: offered, accepted, listened to and done on the screen alone. */
import { useEffect, useState } from 'preact/hooks';
import type { ContactView } from '../../messages.ts';
import { audioPath, whyNoAudio } from '../api.ts';
import { duration } from '../i18n.ts';
import type { Panel } from '../panel.ts';
import { Icon } from './pieces.tsx';

/** While the switch hands a recording over: the next try by itself. */
const AGAIN_MS = 3_000;

interface PlayerProps {
  readonly panel: Panel;
  readonly contactId: string;
  readonly label: string;
  /** The one that P plays; others are one of many, and fetched when they are wanted. */
  readonly main?: boolean;
}

/** The browser's own player. A recording that is not there yet is asked for again, and it is said what is the matter. */
export function Player({ panel, contactId, label, main = false }: PlayerProps) {
  const { i18n } = panel;
  const [tries, setTries] = useState(0);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    if (problem !== 'notStoredYet') return;
    const timer = setTimeout(() => {
      setProblem(null);
      setTries((before) => before + 1);
    }, AGAIN_MS);
    return () => clearTimeout(timer);
  }, [problem]);
  return (
    <>
      <audio
        key={tries}
        class="voicemail"
        controls
        controlsList="nodownload"
        preload={main || tries > 0 ? 'metadata' : 'none'}
        src={audioPath(contactId)}
        aria-label={label}
        aria-keyshortcuts={main ? 'P' : undefined}
        data-main={main}
        onError={() => {
          // A player tells no status.
          void whyNoAudio(contactId).then(setProblem);
        }}
      />
      {problem !== null && (
        <p class="muted small" role="status">
          {i18n.t(problem === 'notStoredYet' ? 'message.onItsWay' : problem === 'noSuchMessage' ? 'message.notHere' : 'message.failed')}{' '}
          {problem !== 'notStoredYet' && (
            <button
              type="button"
              class="button slim"
              onClick={() => {
                setProblem(null);
                setTries(tries + 1);
              }}
            >
              {i18n.t('message.again')}
            </button>
          )}
        </p>
      )}
    </>
  );
}

interface Props {
  readonly panel: Panel;
  readonly contact: ContactView;
}

export function MessageCard({ panel, contact }: Props) {
  const { i18n } = panel;
  const { t } = i18n;
  if (contact.message === null) return null;
  const isToAccept = contact.channel === 'message' && contact.stage === 'shown';
  return (
    <section class="card message" aria-label={t('channel.message')}>
      <h2>
        <Icon name="voicemail" size={16} /> {t('channel.message')}
      </h2>
      <p>
        {t('message.left', { time: i18n.time(contact.arrivedAt, panel.now.peek()) })} ·{' '}
        {t('message.length', { duration: duration(contact.message.durationMs) })}
      </p>
      {isToAccept ? (
        <p class="muted small">{t('message.acceptFirst')}</p>
      ) : (
        <>
          <Player panel={panel} contactId={contact.contactId} label={t('message.player')} main />
          <p class="muted small">
            <kbd>P</kbd> {t('message.play')}
          </p>
        </>
      )}
    </section>
  );
}

export function MessageActions({ panel, contact }: Props) {
  const { t } = panel.i18n;
  if (contact.stage === 'wrapUp') return null;
  if (contact.stage === 'connected') {
    return (
      <div class="actions">
        {contact.callingNumber !== null && (
          <button type="button" class="button large tool" aria-keyshortcuts="C" onClick={() => panel.callBack()}>
            <Icon name="callback" /> {t('message.callBack')} <kbd>C</kbd>
          </button>
        )}
        <button type="button" class="button large primary" aria-keyshortcuts="H" onClick={() => panel.hangUp()}>
          <Icon name="check" /> {t('message.done')} <kbd>H</kbd>
        </button>
      </div>
    );
  }
  const left = contact.deadlineAt === null ? null : Math.ceil((contact.deadlineAt - panel.now.value) / 1000);
  return (
    <div class="actions stacked">
      <div class="action-row">
        <button type="button" class="button large answer" aria-keyshortcuts="A" onClick={() => panel.accept()}>
          <Icon name="voicemail" /> {t('message.accept')} <kbd>A</kbd>
        </button>
        <button type="button" class="button large danger-quiet" aria-keyshortcuts="D" onClick={() => panel.decline()}>
          {t('action.decline')} <kbd>D</kbd>
        </button>
      </div>
      <p class="muted small action-hint">{left !== null && left >= 0 ? t('message.waitsFor', { seconds: left }) : ' '}</p>
    </div>
  );
}
