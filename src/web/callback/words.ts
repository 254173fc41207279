/** What the page behind a callback's link says. */
import type { Language } from '../../base/ids.ts';
import type { Callback, CallMeState } from '../backend.ts';

export type Problem = 'tooLate' | 'timeInThePast' | 'timeOutsideHours' | 'timeTooFar' | 'failed';

export interface CallbackWords {
  readonly pageTitle: string;
  /** `when`: the time of the next call, in words; only where there is one. */
  readonly states: Readonly<Record<CallMeState, (when: string) => readonly [title: string, text: string]>>;
  readonly place: (position: number) => string;
  readonly wait: (minutes: number) => string;
  readonly soon: string;
  readonly facts: Readonly<Record<'to' | 'name' | 'question' | 'askedAt' | 'desk' | 'origin', string>>;
  readonly origins: Readonly<Record<Callback['origin'], string>>;
  readonly move: string;
  readonly moveTo: string;
  readonly asSoonAsPossible: string;
  /** Beneath the times: whose clock they are by. */
  readonly zone: (name: string) => string;
  readonly moveIt: string;
  readonly cancel: string;
  readonly cancelSure: string;
  readonly cancelIt: string;
  readonly day: string;
  readonly time: string;
  readonly problems: Readonly<Record<Problem, string>>;
  readonly lost: string;
  readonly noScript: string;
  readonly refresh: string;
  readonly gone: readonly [title: string, text: string];
  readonly tooMany: (seconds: number) => readonly [title: string, text: string];
  readonly broken: readonly [title: string, text: string];
  readonly otherLanguage: { readonly language: Language; readonly name: string };
}

const ja: CallbackWords = {
  pageTitle: 'お電話のご依頼',
  states: {
    waiting: () => ['順番をお待ちください', '順番が来ましたら、こちらからお電話します。このページは閉じてもかまいません。'],
    agreed: (when) => [`${when} にお電話します`, 'お約束の時刻に、こちらからお電話します。'],
    resting: (when) => [`${when} 以降にもう一度お電話します`, '先ほどのお電話はつながりませんでした。'],
    closed: (when) => [`${when} 以降にお電話します`, '現在は受付時間外です。受付が始まりましたら、順番にお電話します。'],
    preparing: () => ['まもなくお電話します', '担当者を呼び出しています。'],
    calling: () => ['お電話しています', '電話をお取りください。'],
    connectingAgent: () => ['担当者を呼び出しています', 'そのままお待ちください。'],
    connected: () => ['担当者とつながりました', 'どうぞお話しください。'],
    done: () => ['ありがとうございました', '通話は終了しました。'],
    notReached: () => ['お電話がつながりませんでした', 'これ以上お電話はいたしません。必要でしたら、もう一度ご依頼ください。'],
    cancelled: () => ['ご依頼を取り消しました', 'お電話は差し上げません。'],
    calledAgain: () => ['お電話をいただきました', 'お客様からお電話をいただいたため、こちらからはお電話いたしません。'],
    lost: () => ['お電話できませんでした', '当方の都合でご依頼を続けられませんでした。申し訳ありませんが、もう一度ご依頼ください。'],
  },
  place: (position) => (position === 1 ? '次の順番です' : `${position} 番目`),
  wait: (minutes) => `約 ${minutes} 分`,
  soon: 'まもなく',
  facts: { to: 'お電話番号', name: 'お名前', question: 'ご用件', askedAt: '受付', desk: '窓口', origin: 'ご依頼の方法' },
  origins: {
    callMe: 'ウェブから',
    queueCallback: 'お電話でお待ちの間に',
    abandonedCallback: 'お電話がつながらなかったため',
    lostCallback: 'お電話が途中で切れたため',
    call: 'お電話で',
    notice: 'こちらからのご連絡',
    voicemail: '留守番電話から',
    messageCallback: '留守番電話から',
    survey: 'アンケートから',
  },
  move: '時刻を変更する',
  moveTo: 'お電話する時刻',
  asSoonAsPossible: 'できるだけ早く',
  zone: (name) => `時刻は${name}です。`,
  moveIt: 'この時刻に変更する',
  cancel: '依頼を取り消す',
  cancelSure: '取り消すと、お電話は差し上げません。順番も元には戻りません。',
  cancelIt: '取り消す',
  day: '日',
  time: '時刻',
  problems: {
    tooLate: 'お電話を始めているため、変更できませんでした。',
    timeInThePast: 'その時刻は過ぎています。これからの時刻をお選びください。',
    timeOutsideHours: 'その時刻はお電話できる時間帯ではありません。ほかの時刻をお選びください。',
    timeTooFar: 'お約束は14日先までです。',
    failed: '現在受け付けできません。少し待ってから、もう一度お試しください。',
  },
  lost: '状況を取得できません。ご依頼は有効です。再接続しています…',
  noScript: 'このページは自動では更新されません。',
  refresh: '現在の状況を表示する',
  gone: [
    'このリンクは使えません',
    'ご依頼が終わってしばらくたったか、リンクが正しくありません。お急ぎの場合は、お電話でお問い合わせください。',
  ],
  tooMany: (seconds) => ['アクセスが多すぎます', `約 ${seconds} 秒後に、もう一度お試しください。ご依頼はそのまま有効です。`],
  broken: ['現在表示できません', '少し待ってから再読み込みしてください。ご依頼はそのまま有効です。'],
  otherLanguage: { language: 'en', name: 'English' },
};

const en: CallbackWords = {
  pageTitle: 'Your callback',
  states: {
    waiting: () => ['You are in the queue', 'We call you in your turn. You may close this page.'],
    agreed: (when) => [`We call you ${when}`, 'At the agreed time your phone will ring.'],
    resting: (when) => [`We try again ${when} or soon after`, 'We could not reach you.'],
    closed: (when) => [`We call you ${when} or soon after`, 'We are closed now. When we are open again, we call you in your turn.'],
    preparing: () => ['We are about to call you', 'Your operator is being called.'],
    calling: () => ['Calling you now', 'Please pick up your phone.'],
    connectingAgent: () => ['Connecting the operator', 'Please stay on the line.'],
    connected: () => ['You are connected', 'Go ahead.'],
    done: () => ['Thank you', 'The call is over.'],
    notReached: () => ['We could not reach you', 'We won’t try again. If you still need us, please ask once more.'],
    cancelled: () => ['Your request is cancelled', 'We won’t call you.'],
    calledAgain: () => ['You have called us', 'As you have called by yourself, we won’t call you.'],
    lost: () => ['We could not call you', 'By a fault of ours this request could not go on. We are sorry; please ask again.'],
  },
  place: (position) => (position === 1 ? 'You are next' : `Number ${position}`),
  wait: (minutes) => `about ${minutes} min`,
  soon: 'in a moment',
  facts: { to: 'Phone', name: 'Name', question: 'Question', askedAt: 'Asked', desk: 'Desk', origin: 'How' },
  origins: {
    callMe: 'on a web page',
    queueCallback: 'by phone, while waiting',
    abandonedCallback: 'your call was not answered in time',
    lostCallback: 'your call was cut off',
    call: 'by phone',
    notice: 'a message of ours',
    voicemail: 'by voicemail',
    messageCallback: 'by voicemail',
    survey: 'after a survey',
  },
  move: 'Change the time',
  moveTo: 'When to call you',
  asSoonAsPossible: 'As soon as possible',
  zone: (name) => `Times are ${name}.`,
  moveIt: 'Change to this time',
  cancel: 'Cancel my request',
  cancelSure: 'We then won’t call you, and your place in the queue is given up.',
  cancelIt: 'Yes, cancel it',
  day: 'Day',
  time: 'Time',
  problems: {
    tooLate: 'Too late: we are calling you already.',
    timeInThePast: 'That time is over. Choose one that is still to come.',
    timeOutsideHours: 'We make no calls at that time. Choose another one.',
    timeTooFar: 'Calls can be agreed for up to 14 days ahead.',
    failed: 'This can’t be done just now. Please try again in a moment.',
  },
  lost: 'The status can’t be fetched just now. Your request stands. Reconnecting…',
  noScript: 'This page does not renew itself.',
  refresh: 'Show how it stands now',
  gone: [
    'This link can’t be used',
    'The request has been over for some time, or the link is not complete. If it is urgent, please give us a call.',
  ],
  tooMany: (seconds) => ['Too many visits', `Please try again in ${seconds} s. Your request stands.`],
  broken: ['This can’t be shown just now', 'Please reload in a moment. Your request stands.'],
  otherLanguage: { language: 'ja', name: '日本語' },
};

export const WORDS: Readonly<Record<Language, CallbackWords>> = { ja, en };
