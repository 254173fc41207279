/** The contact in the agent's hands, from the offer to the wrap-up: who, why here, what is known; and what to do with it. */
import { useEffect, useRef } from 'preact/hooks';
import type { AgentView, ContactView } from '../../messages.ts';
import { duration, type I18n } from '../i18n.ts';
import { formatNumber } from '../numbers.ts';
import { contactName, type Panel } from '../panel.ts';
import { MessageActions, MessageCard, Player } from './message.tsx';
import { Icon, type IconName } from './pieces.tsx';

interface Props {
  readonly panel: Panel;
  readonly agent: AgentView;
  readonly contact: ContactView;
}

const ORIGIN_ICONS: Readonly<Record<ContactView['origin'], IconName>> = {
  call: 'phone',
  callMe: 'globe',
  queueCallback: 'callback',
  abandonedCallback: 'callback',
  lostCallback: 'callback',
  notice: 'notice',
  voicemail: 'voicemail',
  messageCallback: 'callback',
  survey: 'phone',
};

export function ContactPane({ panel, agent, contact }: Props) {
  const talkable = contact.stage === 'connected' || contact.stage === 'wrapUp' || contact.stage === 'joining';
  return (
    <section class="contact" data-stage={contact.stage} data-testid="contact" aria-labelledby="contact-name">
      <Head panel={panel} agent={agent} contact={contact} />
      {talkable && <WorkBar panel={panel} agent={agent} contact={contact} />}
      <div class="contact-body">
        <Facts panel={panel} contact={contact} />
        <Known panel={panel} contact={contact} />
      </div>
    </section>
  );
}

function Head({ panel, agent, contact }: Props) {
  const { i18n } = panel;
  const { t } = i18n;
  const { customer } = contact;
  return (
    <header class="contact-head">
      <div class="contact-who">
        <p class="contact-tags">
          <span class="stage" data-testid="stage">
            {i18n.word(contact.channel === 'message' ? 'message' : 'stage', contact.stage)}
          </span>
          <span class="badge kind" data-kind={customer.kind}>
            {t(`kind.${customer.kind}`)}
          </span>
          <span class="badge">
            <Icon name={ORIGIN_ICONS[contact.origin]} size={14} /> {t(`origin.${contact.origin}`)}
          </span>
          <span class="badge">{t(`spoken.${contact.language}`)}</span>
        </p>
        <h1 id="contact-name">
          {contactName(contact, i18n)}
          {customer.nameKana !== null && <small lang="ja">{customer.nameKana}</small>}
        </h1>
        <p class="contact-sub">
          {customer.organisation !== null && customer.organisation !== customer.name && <span>{customer.organisation}</span>}
          <span class="number">{numberText(contact, i18n)}</span>
          <Clock panel={panel} contact={contact} />
        </p>
      </div>
      {contact.channel === 'message' ? (
        <MessageActions panel={panel} contact={contact} />
      ) : (
        <Actions panel={panel} agent={agent} contact={contact} />
      )}
    </header>
  );
}

function numberText(contact: ContactView, i18n: I18n): string {
  if (contact.callingNumber !== null) return formatNumber(contact.callingNumber);
  if (contact.numberKind === 'valid') return i18n.t('number.none');
  return i18n.t(`number.${contact.numberKind}`);
}

/** How long the party has waited, or how long the talk has lasted. */
function Clock({ panel, contact }: { panel: Panel; contact: ContactView }) {
  const { t } = panel.i18n;
  if (contact.stage === 'wrapUp') return null;
  const talking = contact.stage === 'connected' && contact.connectedAt !== null;
  const from = talking && contact.connectedAt !== null ? contact.connectedAt : contact.arrivedAt;
  const word = !talking ? 'contact.waited' : contact.channel === 'message' ? 'message.worked' : 'contact.talked';
  return (
    <span class="clock">
      {t(word)} <time class="timer">{duration(panel.now.value - from)}</time>
    </span>
  );
}

function Actions({ panel, agent, contact }: Props) {
  const { t } = panel.i18n;
  const call = panel.phone.call.value;
  const browser = agent.phone.kind === 'browser';
  switch (contact.stage) {
    case 'dialling':
      return (
        <div class="actions">
          <button type="button" class="button large danger-quiet" aria-keyshortcuts="D" onClick={() => panel.decline()}>
            {t('action.cancelDial')} <kbd>D</kbd>
          </button>
        </div>
      );
    case 'shown':
    case 'ringing': {
      const left = contact.deadlineAt === null ? null : Math.ceil((contact.deadlineAt - panel.now.value) / 1000);
      return (
        <div class="actions stacked">
          <div class="action-row">
            {browser && (
              <button
                type="button"
                class="button large answer"
                aria-keyshortcuts="A"
                disabled={contact.stage !== 'ringing' || call?.state === 'answering'}
                onClick={() => panel.answer()}
              >
                <Icon name="phone" /> {t('action.answer')} <kbd>A</kbd>
              </button>
            )}
            <button type="button" class="button large danger-quiet" aria-keyshortcuts="D" onClick={() => panel.decline()}>
              {t('action.decline')} <kbd>D</kbd>
            </button>
          </div>
          <p class="muted small action-hint">
            {contact.stage === 'shown'
              ? t('contact.phoneComing')
              : [browser ? null : t('contact.pickUpDesk'), left !== null && left >= 0 ? t('contact.ringsFor', { seconds: left }) : null]
                  .filter((part) => part !== null)
                  .join(' ')}
          </p>
        </div>
      );
    }
    case 'joining':
    case 'connected':
      return (
        <div class="actions">
          {browser && call?.state === 'up' && (
            <>
              <button
                type="button"
                class="button large tool"
                aria-keyshortcuts="M"
                aria-pressed={call.muted}
                onClick={() => panel.toggleMute()}
              >
                <Icon name={call.muted ? 'micOff' : 'mic'} /> {t(call.muted ? 'action.unmute' : 'action.mute')} <kbd>M</kbd>
              </button>
              <Keypad panel={panel} />
            </>
          )}
          <button type="button" class="button large danger" aria-keyshortcuts="H" onClick={() => panel.hangUp()}>
            <Icon name="hangUp" /> {t('action.hangUp')} <kbd>H</kbd>
          </button>
        </div>
      );
    case 'wrapUp':
      return null;
  }
}

const DIGITS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'];

function Keypad({ panel }: { panel: Panel }) {
  const { t } = panel.i18n;
  const pad = useRef<HTMLDivElement>(null);
  const open = panel.keypadOpen.value;
  useEffect(() => {
    if (!open) return;
    pad.current?.querySelector('button')?.focus();
    // With the pad open, digits on the keyboard are digits on the line.
    const type = (event: KeyboardEvent): void => {
      const typing = event.target instanceof Element && event.target.closest('input, textarea, select') !== null;
      if (!typing && !event.repeat && DIGITS.includes(event.key)) panel.phone.sendDigit(event.key);
    };
    window.addEventListener('keydown', type);
    return () => window.removeEventListener('keydown', type);
  }, [open, panel]);
  return (
    <div class="keypad-holder">
      <button
        type="button"
        class="button large tool"
        aria-expanded={open}
        onClick={() => {
          panel.keypadOpen.value = !open;
        }}
      >
        <Icon name="keypad" /> {t('action.keypad')}
      </button>
      {open && (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset can't be a popover grid in all browsers
        <div class="keypad" role="group" aria-label={t('action.keypad')} ref={pad}>
          {DIGITS.map((digit) => (
            <button key={digit} type="button" onClick={() => panel.phone.sendDigit(digit)}>
              {digit}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

const DISPOSITIONS = ['resolved', 'followUp', 'order', 'visit', 'complaint', 'passedOn', 'noAnswer', 'wrongNumber', 'other'] as const;

/** The note can be written while talking; in wrap-up what came of it is asked for, and Finish appears. */
function WorkBar({ panel, agent, contact }: Props) {
  const { t } = panel.i18n;
  const draft = panel.draft.value;
  const select = useRef<HTMLSelectElement>(null);
  const wrapUp = contact.stage === 'wrapUp';
  useEffect(() => {
    // Not while a sentence is being typed: focus would jump away in the middle of it.
    if (wrapUp && document.activeElement?.tagName !== 'TEXTAREA') select.current?.focus();
  }, [wrapUp]);

  const { wrapUpExtensionMs } = agent;
  const left = wrapUp && agent.wrapUpEndsAt !== null ? Math.max(0, agent.wrapUpEndsAt - panel.now.value) : null;
  const finish = (event: Event): void => {
    event.preventDefault();
    if (draft.disposition === '') {
      panel.toast(t('wrapUp.missing'));
      select.current?.focus();
      return;
    }
    panel.finishWrapUp();
  };
  // In wrap-up the focus is in a field, where letters are text.
  const onKey = (event: KeyboardEvent): void => {
    if (!wrapUp || event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    if (!event.shiftKey) return finish(event);
    event.preventDefault();
    panel.extendWrapUp();
  };

  return (
    <form
      class="work-bar"
      noValidate
      data-wrap-up={wrapUp}
      onSubmit={finish}
      onKeyDown={onKey}
      aria-label={t(wrapUp ? 'wrapUp.title' : 'wrapUp.note')}
    >
      {wrapUp && (
        <div class="wrap-up-side">
          <label class="field">
            <span>{t('wrapUp.disposition')}</span>
            <select
              ref={select}
              name="disposition"
              required
              value={draft.disposition}
              onChange={(event) => panel.setDraft({ disposition: event.currentTarget.value })}
            >
              <option value="">{t('wrapUp.choose')}</option>
              {DISPOSITIONS.map((code) => (
                <option key={code} value={code}>
                  {t(`disposition.${code}`)}
                </option>
              ))}
            </select>
          </label>
        </div>
      )}
      <label class="field grow">
        <span class={wrapUp ? '' : 'visually-hidden'}>{t('wrapUp.note')}</span>
        <textarea
          name="note"
          rows={wrapUp ? 3 : 2}
          maxLength={4000}
          placeholder={t('wrapUp.notePlaceholder')}
          value={draft.note}
          onInput={(event) => panel.setDraft({ note: event.currentTarget.value })}
        />
      </label>
      {wrapUp && (
        <div class="wrap-up-end">
          {left !== null && (
            <span class="wrap-up-time">
              <span class="muted small timer" data-soon={left < 15_000} data-testid="wrap-up-left">
                {t('wrapUp.remaining', { time: duration(left + 999) })}
              </span>
              {wrapUpExtensionMs !== null && (
                <button
                  type="button"
                  class="button slim"
                  aria-label={t('wrapUp.extendLabel', { time: duration(wrapUpExtensionMs) })}
                  aria-keyshortcuts="E Control+Shift+Enter"
                  aria-describedby={wrapUpExtensionMs === 0 ? 'wrap-up-no-more' : undefined}
                  title={wrapUpExtensionMs === 0 ? t('wrapUp.noMore') : t('wrapUp.extendHint')}
                  disabled={wrapUpExtensionMs === 0 || panel.link.value !== 'open'}
                  onClick={() => panel.extendWrapUp()}
                >
                  {wrapUpExtensionMs === 0 ? t('wrapUp.extend') : t('wrapUp.extendBy', { time: duration(wrapUpExtensionMs) })} <kbd>E</kbd>
                </button>
              )}
            </span>
          )}
          {wrapUpExtensionMs === 0 && (
            <span class="muted small" id="wrap-up-no-more">
              {t('wrapUp.noMore')}
            </span>
          )}
          <button type="submit" class="button primary large" disabled={panel.link.value !== 'open'}>
            <Icon name="check" /> {t('wrapUp.finish')}
          </button>
        </div>
      )}
    </form>
  );
}

function Fact({ label, children }: { label: string; children: string | null }) {
  if (children === null || children === '') return null;
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A page address is the visitor's word: only http and https become links. */
const isWebAddress = (url: string): boolean => /^https?:\/\//i.test(url);

function Facts({ panel, contact }: { panel: Panel; contact: ContactView }) {
  const { i18n } = panel;
  const { t } = i18n;
  const { customer } = contact;
  const question = contact.question?.trim() ?? '';
  const asked = t(contact.origin === 'notice' ? 'contact.notice' : 'contact.question');
  const pageUrl = contact.pageUrl ?? '';
  return (
    <div class="column">
      <MessageCard panel={panel} contact={contact} />
      {(question !== '' || pageUrl !== '') && (
        <section class="card question" aria-label={asked}>
          <h2>{asked}</h2>
          <p class="question-text">{question === '' ? t('contact.noQuestion') : question}</p>
          {pageUrl !== '' && (
            <p class="muted small page">
              {t('contact.page')}{' '}
              {isWebAddress(pageUrl) ? (
                <a href={pageUrl} target="_blank" rel="noopener noreferrer">
                  {pageUrl.replace(/^https?:\/\//i, '')}
                </a>
              ) : (
                pageUrl
              )}
            </p>
          )}
        </section>
      )}
      <section class="card why" aria-label={t('contact.why')}>
        <h2>
          <Icon name="route" size={16} /> {t('contact.why')}
        </h2>
        <p class="desk-line">
          <strong>{contact.desk.name}</strong>
          {contact.rule !== null && <code>{contact.rule}</code>}
        </p>
        {contact.why.length > 0 && (
          <ol class="why-steps">
            {contact.why.map((step) => (
              <li key={step.en}>{step[i18n.language.value]}</li>
            ))}
          </ol>
        )}
      </section>
      <section class="card">
        <dl class="facts">
          <Fact label={t('contact.code')}>{customer.customerCode}</Fact>
          <Fact label={t('contact.organisation')}>{customer.organisation}</Fact>
          <Fact label={t('contact.maker')}>{contact.maker}</Fact>
          <Fact label={t('contact.dialled')}>{formatNumber(contact.calledNumber)}</Fact>
          <Fact label={t('contact.phones')}>
            {customer.phones
              .filter((phone) => phone !== contact.callingNumber)
              .map(formatNumber)
              .join('、')}
          </Fact>
          <Fact label={t('contact.emails')}>{customer.emails.join(' ')}</Fact>
          <Fact label={t('contact.address')}>{customer.address}</Fact>
          <Fact label={t('contact.region')}>{customer.address === null ? customer.region : null}</Fact>
        </dl>
      </section>
    </div>
  );
}

function Known({ panel, contact }: { panel: Panel; contact: ContactView }) {
  const { i18n } = panel;
  const { t } = i18n;
  const { customer } = contact;
  return (
    <div class="column">
      {customer.note !== null && customer.note !== '' && (
        <section class="card customer-note" aria-label={t('contact.note')}>
          <h2>{t('contact.note')}</h2>
          <p>{customer.note}</p>
        </section>
      )}
      <section class="card" aria-label={t('contact.products')}>
        <h2>{t('contact.products')}</h2>
        {customer.products.length === 0 ? (
          <p class="muted small">{t('contact.noProducts')}</p>
        ) : (
          <ul class="products">
            {customer.products.map((product) => (
              <li key={`${product.code} ${product.serial}`}>
                <span>
                  {product.name} <code>{product.code}</code>
                </span>
                <span class="muted small">
                  {[
                    product.boughtOn === null ? null : t('contact.bought', { date: i18n.date(product.boughtOn) }),
                    product.serial === null ? null : t('contact.serial', { serial: product.serial }),
                  ]
                    .filter((part) => part !== null)
                    .join(' · ')}
                </span>
              </li>
            ))}
          </ul>
        )}
      </section>
      <section class="card grow" aria-label={t('contact.last')}>
        <h2>{t('contact.last')}</h2>
        {customer.lastContacts.length === 0 ? (
          <p class="muted small">{t('contact.noLast')}</p>
        ) : (
          <ul class="history">
            {customer.lastContacts.map((past) => (
              <li key={past.contactId}>
                <div class="history-line">
                  <time>{i18n.time(past.at, panel.now.peek())}</time>
                  <span class="history-what">
                    {past.disposition !== null
                      ? i18n.word('disposition', past.disposition)
                      : past.cause !== null && past.messageMs === null
                        ? i18n.word('cause', past.cause)
                        : i18n.word('channel', past.channel)}
                  </span>
                </div>
                {past.messageMs !== null && (
                  <Player
                    panel={panel}
                    contactId={past.contactId}
                    label={t('message.playerOf', { time: i18n.time(past.at, panel.now.peek()), duration: duration(past.messageMs) })}
                  />
                )}
                {past.note !== null && past.note !== '' && <p>{past.note}</p>}
                <p class="muted small">
                  {[i18n.word('channel', past.channel), past.desk, past.agent].filter((part) => part !== null).join(' · ')}
                </p>
              </li>
            ))}
          </ul>
        )}
      </section>
    </div>
  );
}
