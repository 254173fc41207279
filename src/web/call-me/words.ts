/** What the call-me form says. */
export interface CallMeWords {
  readonly button: string;
  readonly title: string;
  readonly intro: string;
  readonly name: string;
  readonly to: string;
  readonly toHint: string;
  readonly question: string;
  readonly optional: string;
  readonly when: string;
  readonly time: string;
  readonly soonest: string;
  /** 0: less than a minute. */
  readonly now: (minutes: number) => string;
  readonly whenOpen: (when: string) => string;
  readonly consent: string;
  readonly send: string;
  readonly sending: string;
  readonly close: string;
  readonly cancel: string;
  readonly again: string;
  readonly empty: string;
  readonly offline: string;
  readonly lost: string;
  readonly soon: (minutes: number) => string;
  readonly states: Readonly<
    Record<
      | 'waiting'
      | 'agreed'
      | 'resting'
      | 'closed'
      | 'preparing'
      | 'calling'
      | 'connectingAgent'
      | 'connected'
      | 'done'
      | 'notReached'
      | 'cancelled'
      | 'calledAgain'
      | 'lost'
      | 'gone',
      readonly [title: string, text: string]
    >
  >;
  readonly next: string;
  readonly position: (position: number) => string;
  readonly wait: (minutes: number) => string;
  readonly link: string;
  readonly steps: readonly [string, string, string, string];
  /** By code; for what is not here, the centre's own sentence is shown. */
  readonly refusals: Readonly<Record<string, string>>;
}

const ja: CallMeWords = {
  button: 'お電話ください',
  title: 'こちらからお電話します',
  intro: '担当者が空き次第、またはご希望の時刻にお電話します。',
  name: 'お名前',
  to: '電話番号または SIP アドレス',
  toHint: '例: 03-1234-5678、sip:hanako@example.jp',
  question: 'ご質問',
  optional: '任意',
  when: 'お電話する時刻',
  time: '時刻',
  soonest: 'できるだけ早く',
  now: (minutes) => (minutes === 0 ? '今すぐ' : `今すぐ(約 ${minutes} 分)`),
  whenOpen: (when) => `受付開始後、できるだけ早く(${when} から)`,
  consent: '送信すると、このご質問についてお電話を差し上げることに同意したものとします。',
  send: '電話を依頼する',
  sending: '送信しています…',
  close: '閉じる',
  cancel: '依頼を取り消す',
  again: 'もう一度依頼する',
  empty: '電話番号を入力してください。',
  offline: 'センターに接続できません。通信状況を確認して、もう一度お試しください。',
  lost: '状況を取得できません。ご依頼は有効です。再接続しています…',
  soon: (minutes) => `ご依頼が続いたため、受け付けできません。約 ${minutes} 分後にもう一度お試しください。`,
  states: {
    waiting: ['順番をお待ちください', 'このページを離れても、順番が来ればお電話します。'],
    agreed: ['お約束の時刻にお電話します', 'このページを離れても、お電話します。'],
    resting: ['もう一度お電話します', '先ほどのお電話はつながりませんでした。次の時刻以降にお電話します。'],
    closed: ['受付開始後にお電話します', '現在は受付時間外です。受付が始まりましたら、順番にお電話します。'],
    preparing: ['まもなくお電話します', '担当者を呼び出しています。'],
    calling: ['お電話しています', '電話をお取りください。'],
    connectingAgent: ['担当者を呼び出しています', 'そのままお待ちください。'],
    connected: ['担当者とつながりました', 'どうぞお話しください。'],
    done: ['ありがとうございました', '通話は終了しました。'],
    notReached: ['お電話がつながりませんでした', '番号をご確認のうえ、もう一度ご依頼ください。'],
    cancelled: ['依頼を取り消しました', 'お電話は差し上げません。'],
    calledAgain: ['お電話をいただきました', 'こちらからはお電話いたしません。'],
    lost: ['お電話できませんでした', '申し訳ありません。もう一度ご依頼ください。'],
    gone: ['この依頼は終了しています', '必要でしたら、もう一度ご依頼ください。'],
  },
  next: '次にお電話します',
  position: (position) => `${position} 番目です`,
  wait: (minutes) => (minutes === 0 ? 'まもなく' : `約 ${minutes} 分`),
  link: '確認・時刻の変更はこちらのページで',
  steps: ['受付', '呼出', '接続', '通話'],
  refusals: {
    originNotAllowed: 'このサイトでは現在ご利用いただけません。',
    noSuchEntry: 'このサイトの設定に誤りがあるため、受け付けできません。',
    malformed: '入力内容を確認してください。',
    tooManyRequests: 'アクセスが集中しています。1 分ほど待ってからお試しください。',
    internal: '現在受け付けできません。少し待ってからお試しください。',
  },
};

const en: CallMeWords = {
  button: 'Call me',
  title: 'We call you',
  intro: 'We call as soon as somebody is free, or when it suits you.',
  name: 'Your name',
  to: 'Phone number or SIP address',
  toHint: 'For example 03-1234-5678 or sip:hanako@example.jp',
  question: 'Your question',
  optional: 'optional',
  when: 'When to call you',
  time: 'Time',
  soonest: 'As soon as possible',
  now: (minutes) => (minutes === 0 ? 'Now' : `Now (about ${minutes} min)`),
  whenOpen: (when) => `When we open (from ${when})`,
  consent: 'By sending this you agree that we call you about your question.',
  send: 'Please call me',
  sending: 'Sending…',
  close: 'Close',
  cancel: 'Cancel my request',
  again: 'Ask again',
  empty: 'Please enter your phone number.',
  offline: 'The centre can’t be reached. Please check your connection and try again.',
  lost: 'The status can’t be fetched just now. Your request stands. Reconnecting…',
  soon: (minutes) => `There were too many requests. Please try again in about ${minutes} min.`,
  states: {
    waiting: ['You are in the queue', 'You may leave this page: we call you in your turn.'],
    agreed: ['We call you at the agreed time', 'You may leave this page: your phone will ring.'],
    resting: ['We will try again', 'We could not reach you. We call again at this time, or soon after.'],
    closed: ['We call you when we open', 'We are closed now, and call you in your turn from this time on.'],
    preparing: ['We are about to call you', 'Your operator is being called.'],
    calling: ['Calling you now', 'Please pick up your phone.'],
    connectingAgent: ['Connecting the operator', 'Please stay on the line.'],
    connected: ['You are connected', 'Go ahead.'],
    done: ['Thank you', 'The call is over.'],
    notReached: ['We could not reach you', 'Please check the number and ask again.'],
    cancelled: ['Your request is cancelled', 'We won’t call you.'],
    calledAgain: ['You have called us', 'So we won’t call you.'],
    lost: ['We could not call you', 'We are sorry. Please ask again.'],
    gone: ['This request is over', 'You can ask again whenever you like.'],
  },
  next: 'You are next',
  position: (position) => `You are number ${position}`,
  wait: (minutes) => (minutes === 0 ? 'in a moment' : `about ${minutes} min`),
  link: 'See it later, or change the time',
  steps: ['Queue', 'Calling', 'Operator', 'Talking'],
  refusals: {
    originNotAllowed: 'This is not available on this site at the moment.',
    noSuchEntry: 'This site’s settings are wrong, so we can’t take your request.',
    malformed: 'Please check what you have entered.',
    tooManyRequests: 'There are too many visitors just now. Please try again in a minute.',
    internal: 'We can’t take your request just now. Please try again in a moment.',
  },
};

export const WORDS = { ja, en } as const;
