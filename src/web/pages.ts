/** The few pages that the server writes itself: where to go, a page of "any site" with the call-me button, and what is missing. */
import type { Language } from '../base/ids.ts';

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** Text as it may stand in HTML, in attributes too. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/gu, (character) => ESCAPES[character] ?? '');
}

const STYLE = `
  :root { color-scheme: light dark; font-family: system-ui, "Hiragino Sans", "Noto Sans JP", sans-serif; line-height: 1.6 }
  body { margin: 0 auto; max-width: 44rem; padding: 3rem 1.5rem }
  h1 { font-size: 1.6rem; margin: 0 0 .5rem }
  a.card { display: block; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .6rem; padding: 1rem 1.25rem;
    margin: .8rem 0; color: inherit; text-decoration: none }
  a.card:hover, a.card:focus-visible { border-color: currentColor }
  a.card b { display: block }
  pre { overflow-x: auto; padding: .8rem 1rem; border-radius: .5rem; background: color-mix(in srgb, currentColor 8%, transparent) }
  small, .muted { opacity: .75 }`;

/** @param style beyond what all our pages have */
export function page(language: Language, title: string, body: string, style = ''): string {
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}${style}
</style>
</head>
<body>
${body}
</body>
</html>
`;
}

/** Which of our languages a browser would rather have. */
export function preferredLanguage(acceptLanguage: string | undefined): Language {
  const first = /\b(ja|en)\b/iu.exec(acceptLanguage ?? '')?.[1]?.toLowerCase();
  return first === 'ja' ? 'ja' : 'en';
}

export function startPage(language: Language): string {
  const words =
    language === 'ja'
      ? {
          title: '窓口',
          lead: '電話をお客様に合った窓口へつなぎます。',
          panel: 'オペレーター画面',
          panelText: 'ログインして電話を受けます。',
          demo: '「お電話ください」ボタンの例',
          demoText: 'お客様のサイトに組み込んだときの見え方です。',
        }
      : {
          title: 'Madoguchi',
          lead: 'Calls reach the desk that is right for the caller.',
          panel: 'Agent’s panel',
          panelText: 'Log in and take calls.',
          demo: 'A page with the call-me button',
          demoText: 'What it looks like on a site of yours.',
        };
  return page(
    language,
    words.title,
    `<h1>${words.title}</h1>
<p>${words.lead}</p>
<a class="card" href="/panel"><b>${words.panel}</b><small>${words.panelText}</small></a>
<a class="card" href="/call-me/demo"><b>${words.demo}</b><small>${words.demoText}</small></a>`,
  );
}

export interface DemoEntry {
  /** The entry's id, as the script tag names it. */
  readonly id: string;
  readonly language: Language;
  readonly country: string;
  /** What to dial for the same entry. */
  readonly number: string;
}

/** A page as any site could have it: its own text, and one script tag. */
export function demoPage(entry: DemoEntry, origin: string): string {
  const tag = `<script src="${escapeHtml(origin)}/call-me.js" data-entry="${escapeHtml(entry.id)}" data-language="${entry.language}" data-country="${escapeHtml(entry.country)}" async></script>`;
  const words =
    entry.language === 'ja'
      ? {
          title: 'ある会社のページ',
          lead: 'このページは「お客様のサイト」の見本です。次の一行で、右下に「お電話ください」ボタンが付きます。',
          dial: '電話でかける場合の番号:',
          other: 'English page',
          otherLanguage: 'en',
        }
      : {
          title: 'A page of some company',
          lead: 'This page stands for any site of yours. One line puts the call-me button into its corner:',
          dial: 'By telephone the same entry is',
          other: '日本語のページ',
          otherLanguage: 'ja',
        };
  return page(
    entry.language,
    words.title,
    `<h1>${words.title}</h1>
<p>${words.lead}</p>
<pre><code>${escapeHtml(tag)}</code></pre>
<p>${words.dial} <b>${escapeHtml(entry.number)}</b></p>
<p class="muted"><a href="?language=${words.otherLanguage}" lang="${words.otherLanguage}">${words.other}</a></p>
${tag}`,
  );
}

/** In place of the panel when its code has not been built. */
export function notBuiltPage(language: Language): string {
  const text =
    language === 'ja'
      ? '画面の準備ができていません。しばらくしてから再読み込みしてください。'
      : 'The panel has not been built yet. Try again in a moment.';
  return page(language, '503', `<h1>503</h1>\n<p>${text}</p>`);
}
