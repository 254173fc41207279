/** Draws a scenario: its steps as boxes, its ways as labelled lines, in one SVG that needs nothing else. Pure. */
import type { Language } from '../base/ids.ts';
import { layOut, type Placed, type Point } from './layout.ts';
import type { Scenario } from './parse.ts';
import type { Destination } from './scenario.ts';
import { type Step, type Way, waysOut } from './steps.ts';
import type { Text } from './text.ts';

export interface DrawingOptions {
  /** Of the texts and labels; left out, or not spoken: the scenario's first one. */
  readonly language?: Language;
  /** What else stands at a step, as how many callers are there: a few letters each. */
  readonly labels?: ReadonlyMap<string, string>;
  /** A step that stands out. */
  readonly highlight?: string;
}

/**
 * Draws a scenario from top to bottom. Each step is a group with the id `step-NAME` and the class `step`, with the whole text as
 * its title; a step's label is in a group of the class `badge`. No scripts, no styles: it may stand in a page as it is.
 * @returns the SVG, from `<svg` to `</svg>`
 */
export function draw(scenario: Scenario, options: DrawingOptions = {}): string {
  const wanted = options.language ?? 'en';
  const language = scenario.languages.includes(wanted) ? wanted : (scenario.languages[0] ?? wanted);
  const boxes = [...scenario.steps].map(([name, step]): Box => ({ name, kind: step.kind, words: wordsOf(step, language) }));
  const lines = [...scenario.steps].flatMap(([from, step]) => {
    const byTarget = Map.groupBy(waysOut(step), (way) => way.to);
    return [...byTarget].map(([to, ways]): Line => ({ from, to, labels: ways.flatMap((way) => labelsOf(step, way, language)) }));
  });
  const told = lines.map(({ from, to, labels }) => `${from} ${labels.map((label) => label.text).join(', ')} → ${to}`);
  return render({
    title: `${SCENARIO[language]} ${scenario.name}`,
    description: [`${scenario.start} …`, ...told].join('; '),
    language,
    start: scenario.start,
    boxes,
    lines,
    badges: options.labels ?? new Map(),
    highlight: options.highlight ?? null,
  });
}

const SCENARIO = { ja: 'シナリオ', en: 'Scenario' } as const;

/** What is said, or what is done with what, in short. */
function wordsOf(step: Step, language: Language): string {
  const words = WORDS[language];
  switch (step.kind) {
    case 'say':
      return wordsIn(step.say, language);
    case 'ask':
    case 'menu':
    case 'chooseLanguage':
    case 'record':
      return wordsIn(step.prompt, language);
    case 'lookUp':
      return `${words[step.by]} {${step.variable}}`;
    case 'askService':
      return step.service;
    case 'set':
      return step.values.map(([name, expression]) => `${name} = ${expression.text}`).join('; ');
    case 'keep':
      return step.answers.map(([name, expression]) => `${name}: ${expression.text}`).join('; ');
    case 'hours':
      return deskIn(step.desk, language);
    case 'route':
    case 'queue':
      return destinationIn(step.to, language);
    case 'callBack':
      return [step.number === null ? words.callingNumber : `{${step.number}}`, ...(step.at === null ? [] : [`{${step.at}}`])].join(', ');
    case 'leaveMessage':
      return deskIn(step.desk, language);
    case 'send':
      return [step.hook, ...(step.text ? [wordsIn(step.text, language)] : [])].join(': ');
    case 'transferOut':
      return step.number;
    case 'call':
      return step.scenario;
    case 'handBack':
      return step.word;
    case 'hangUp':
      return step.as ?? '';
    case 'when':
      return step.branches.map(({ condition }) => condition.text).join('; ');
  }
}

const wordsIn = (text: Text, language: Language): string => text[language] ?? text.en ?? text.ja ?? text.recording ?? '';

const deskIn = (desk: string | null, language: Language): string =>
  desk === null ? WORDS[language].controlLogic : desk === 'reception' ? WORDS[language].reception : desk;

const destinationIn = ({ desk, priority, needs }: Destination, language: Language): string =>
  [
    deskIn(desk, language),
    ...(priority === null ? [] : [`${WORDS[language].priority} ${priority}`]),
    ...Object.entries(needs ?? {}).map(([skill, level]) => `${skill} ≥ ${level}`),
  ].join(', ');

/** Nothing where a step has but one way on. */
function labelsOf(step: Step, { label, by }: Way, language: Language): Label[] {
  const words: Readonly<Record<string, string>> = WORDS[language];
  const failed: Readonly<Record<string, string>> = FAILED[language];
  const known = (label === 'failed' ? failed[step.kind] : words[label]) ?? label;
  switch (step.kind) {
    case 'menu':
    case 'queue':
      return [by === 'answer' ? { text: label, look: 'key' } : { text: known, look: 'trouble' }];
    case 'chooseLanguage': {
      const [key = '', spoken = ''] = label.split(' ');
      return by === 'answer'
        ? [
            { text: key, look: 'key' },
            { text: LANGUAGES[spoken as Language] ?? spoken, look: 'words' },
          ]
        : [{ text: known, look: 'trouble' }];
    }
    case 'ask':
      if (label.startsWith('only ')) return [{ text: label.slice(5), look: 'key' }];
      return by === 'answer' ? [] : [{ text: known, look: 'trouble' }];
    case 'when':
      return [{ text: cut(step.branches[Number(label) - 1]?.condition.text ?? known, MOST_LABEL, WORDS_SIZE), look: 'words' }];
    case 'call':
      return [{ text: label, look: 'words' }];
    default:
      return label === '' || label === 'promised' || label === 'recorded'
        ? []
        : [{ text: known, look: TROUBLES.has(label) ? 'trouble' : 'words' }];
  }
}

const LANGUAGES: Readonly<Record<Language, string>> = { ja: '日本語', en: 'English' };

/** What `failed` means at a step. */
const FAILED = {
  ja: {
    ...{ ask: '入力なし・誤り', menu: '入力なし・誤り', chooseLanguage: '選択なし' },
    ...{ askService: '応答なし', callBack: '承れず', record: '録音なし', transferOut: 'つながらず' },
  },
  en: {
    ...{ ask: 'no valid entry', menu: 'no valid key', chooseLanguage: 'no choice' },
    ...{ askService: 'no answer', callBack: 'not possible', record: 'nothing said', transferOut: 'not reached' },
  },
} as const satisfies Record<Language, Readonly<Partial<Record<Step['kind'], string>>>>;

const TROUBLES: ReadonlySet<string> = new Set(['failed', 'notFound', 'closed']);

const WORDS = {
  ja: {
    ...{ notFound: '該当なし', found: '該当あり', open: '営業中', closed: '時間外', otherwise: 'その他' },
    ...{ nobody: '担当者不在', tooLong: '待ち時間超過', customerCode: 'お客様番号', phone: '電話番号', order: '注文番号' },
    ...{ callingNumber: '発信者番号', controlLogic: '制御ロジックによる', reception: '受付', priority: '優先度' },
  },
  en: {
    ...{ notFound: 'not found', found: 'found', open: 'open', closed: 'closed', otherwise: 'otherwise' },
    ...{ nobody: 'nobody there', tooLong: 'waited too long', customerCode: 'customer code', phone: 'phone number', order: 'order number' },
    ...{ callingNumber: 'calling number', controlLogic: 'as the control logic has it', reception: 'reception', priority: 'priority' },
  },
} as const satisfies Record<Language, Readonly<Record<string, string>>>;

interface Box {
  readonly name: string;
  readonly kind: Step['kind'];
  readonly words: string;
}
interface Line {
  readonly from: string;
  readonly to: string;
  readonly labels: readonly Label[];
}
interface Label {
  readonly text: string;
  readonly look: 'key' | 'words' | 'trouble';
}

type Shape = 'plain' | 'question' | 'decision' | 'end' | 'elsewhere';
type Colour = keyof typeof COLOURS;

/** Dark for lines and letters, light for areas: both can be told apart in print without colour, by shape and icon. */
const COLOURS = {
  blue: { dark: '#1d4ed8', light: '#eff6ff' },
  violet: { dark: '#6d28d9', light: '#f5f3ff' },
  amber: { dark: '#a15c00', light: '#fff8eb' },
  teal: { dark: '#0f766e', light: '#effcf9' },
  green: { dark: '#15803d', light: '#effdf3' },
  grey: { dark: '#475569', light: '#f6f8fa' },
} as const;

/** Icons are drawn in a square of 16 by 16, as lines. */
const KINDS = {
  say: { shape: 'plain', colour: 'blue', icon: 'M2 3h12v8H7l-3 3v-3H2z' },
  ask: { shape: 'question', colour: 'violet', icon: 'M4 3h.1M8 3h.1M12 3h.1M4 7h.1M8 7h.1M12 7h.1M4 11h.1M8 11h.1M12 11h.1M8 15h.1' },
  menu: { shape: 'question', colour: 'violet', icon: 'M2 4h.1M6 4h8M2 8h.1M6 8h8M2 12h.1M6 12h8' },
  chooseLanguage: { shape: 'question', colour: 'violet', icon: 'M8 2a6 6 0 1 0 .1 0M2 8h12M8 2c-4 4-4 8 0 12M8 2c4 4 4 8 0 12' },
  lookUp: { shape: 'decision', colour: 'amber', icon: 'M7 2a5 5 0 1 0 .1 0M10.5 10.5l4 4' },
  askService: { shape: 'decision', colour: 'amber', icon: 'M2 3h12v4H2zM2 9h12v4H2zM5 5h.1M5 11h.1' },
  set: { shape: 'plain', colour: 'grey', icon: 'M3 6h10M3 10h10' },
  when: { shape: 'decision', colour: 'amber', icon: 'M8 14V9M8 9L3 4M8 9l5-5M3 7V4h3M10 4h3v3' },
  hours: { shape: 'decision', colour: 'amber', icon: 'M8 2a6 6 0 1 0 .1 0M8 5v3l3 2' },
  route: { shape: 'end', colour: 'green', icon: 'M5 3a2.5 2.5 0 1 0 .1 0M1 14c0-6 8-6 8 0M9 6h5M12 4l2 2-2 2' },
  queue: { shape: 'plain', colour: 'teal', icon: 'M4 2h8M4 14h8M5 2c0 7 6 5 6 12M11 2c0 7-6 5-6 12' },
  callBack: { shape: 'plain', colour: 'teal', icon: 'M4 2l2 3-1 2c1 2 2 3 4 4l2-1 3 2-1 2C7 15 1 8 2 3zM10 5h4M12 3l-2 2 2 2' },
  record: { shape: 'plain', colour: 'teal', icon: 'M8 2a6 6 0 1 0 .1 0M8 6a2 2 0 1 0 .1 0' },
  leaveMessage: { shape: 'plain', colour: 'teal', icon: 'M2 4h12v9H2zM2 4l6 5 6-5' },
  send: { shape: 'plain', colour: 'teal', icon: 'M1 8l14-6-5 13-3-6zM15 2L7 9' },
  transferOut: { shape: 'plain', colour: 'teal', icon: 'M2 3h6M2 3v10h6M7 8h8M12 5l3 3-3 3' },
  keep: { shape: 'plain', colour: 'teal', icon: 'M4 2h8v12l-4-3-4 3z' },
  call: { shape: 'elsewhere', colour: 'blue', icon: 'M6 3L2 8l4 5M10 3l4 5-4 5' },
  handBack: { shape: 'end', colour: 'green', icon: 'M6 3L2 7l4 4M2 7h8c5 0 5 6 0 6' },
  hangUp: { shape: 'end', colour: 'grey', icon: 'M1 10c3-5 11-5 14 0l-2 2-3-1v-2c-1-1-3-1-4 0v2l-3 1z' },
} as const satisfies Record<Step['kind'], { shape: Shape; colour: Colour; icon: string }>;

const WIDTH = 212;
const HEAD = 26;
const ROW = 15;
const MAX_ROWS = 2;
const PAD = 12;
const NAME_SIZE = 12.5;
const WORDS_SIZE = 11;
const LABEL_HEIGHT = 18;
const CHIP_GAP = 4;
/** A condition that is longer stands in its step's title in full. */
const MOST_LABEL = 170;
/** Not a step's name, which begins with a letter. */
const BEGIN = ' begin';
const FONT = "system-ui, 'Hiragino Sans', 'Noto Sans CJK JP', 'Noto Sans JP', 'Yu Gothic', sans-serif";

interface Picture {
  readonly title: string;
  readonly description: string;
  readonly language: Language;
  readonly start: string;
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
  readonly badges: ReadonlyMap<string, string>;
  readonly highlight: string | null;
}

function render(picture: Picture): string {
  const rows = new Map(picture.boxes.map((box) => [box.name, wrap(box.words, WIDTH - 2 * PAD, WORDS_SIZE, picture.language)]));
  const sizes = new Map([[BEGIN, { width: 14, height: 14 }]]);
  for (const { name } of picture.boxes) sizes.set(name, { width: WIDTH, height: HEAD + (rows.get(name)?.length ?? 0) * ROW + PAD });
  const lines = [{ from: BEGIN, to: picture.start, labels: [] }, ...picture.lines];
  const labels = lines.map((line) => (line.labels.length > 0 ? { width: labelsWidth(line.labels), height: LABEL_HEIGHT } : null));
  const plan = layOut(
    sizes,
    lines.map(({ from, to, labels: own }, index) => ({
      from,
      to,
      label: labels[index] ?? null,
      main: own.every(({ look }) => look !== 'trouble'),
    })),
  );
  const [w, h] = [Math.ceil(plan.width), Math.ceil(plan.height)];

  const ways = plan.lines.map(({ points }, index) => {
    const line = lines[index];
    const quiet = line !== undefined && line.labels.length > 0 && line.labels.every(({ look }) => look === 'trouble');
    return `<path d="${curve(points)}"${quiet ? ' stroke-dasharray="5 4" stroke="#94a3b8"' : ''} marker-end="url(#arrow)" data-from="${xml(
      line?.from.trim() ?? '',
    )}" data-to="${xml(line?.to ?? '')}"/>`;
  });
  const words = plan.lines.flatMap(({ label }, index) => (label ? [labelAt(label, lines[index]?.labels ?? [])] : []));
  const begin = plan.boxes.get(BEGIN);
  const boxes = picture.boxes.flatMap((box) => {
    const at = plan.boxes.get(box.name);
    if (!at) return [];
    return [boxAt(box, at, rows.get(box.name) ?? [], picture.badges.get(box.name) ?? '', box.name === picture.highlight)];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" role="img" lang="${picture.language}"`,
    ` aria-label="${xml(picture.title)}" font-family="${FONT}">`,
    `<title>${xml(picture.title)}</title><desc>${xml(picture.description)}</desc>`,
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">',
    '<path d="M0 1L9.5 5L0 9z" fill="#64748b"/></marker></defs>',
    `<rect width="${w}" height="${h}" fill="#fff"/>`,
    `<g class="ways" fill="none" stroke="#64748b" stroke-width="1.4">${ways.join('')}</g>`,
    begin ? `<circle class="begin" cx="${n(begin.x)}" cy="${n(begin.y)}" r="7" fill="#334155"/>` : '',
    boxes.join(''),
    `<g class="labels" font-size="${WORDS_SIZE}" text-anchor="middle">${words.join('')}</g>`,
    '</svg>\n',
  ].join('');
}

function boxAt(box: Box, { x, y, width, height }: Placed, rows: readonly string[], badge: string, highlighted: boolean): string {
  const { shape, colour, icon } = KINDS[box.kind];
  const { dark, light } = COLOURS[colour];
  const [left, top] = [x - width / 2, y - height / 2];
  const texts = rows.map(
    (row, index) =>
      `<text x="${n(left + PAD)}" y="${n(top + HEAD + ROW * index + 9)}" font-size="${WORDS_SIZE}" fill="#334155">${xml(row)}</text>`,
  );
  const badgeWidth = badge === '' ? 0 : textWidth(badge, 11) + 12;
  return [
    `<g id="step-${xml(box.name)}" class="step ${box.kind}${highlighted ? ' highlighted' : ''}">`,
    `<title>${xml(box.words === '' ? `${box.name} (${box.kind})` : `${box.name} (${box.kind}): ${box.words}`)}</title>`,
    `<path class="box" d="${outline(shape, left, top, width, height)}" fill="${light}" stroke="${dark}" stroke-width="${highlighted ? 3.5 : 1.3}"/>`,
    `<path d="${icon}" transform="translate(${n(left + PAD)} ${n(top + 7)}) scale(.875)" fill="none" stroke="${dark}" stroke-width="1.6"`,
    ' stroke-linecap="round" stroke-linejoin="round"/>',
    `<text x="${n(left + PAD + 20)}" y="${n(top + 18)}" font-size="${NAME_SIZE}" font-weight="600" fill="${dark}">${xml(
      cut(box.name, width - 2 * PAD - 20, NAME_SIZE),
    )}</text>`,
    ...texts,
    badge === ''
      ? ''
      : `<g class="badge"><rect x="${n(left + width - badgeWidth + 6)}" y="${n(top - 9)}" width="${n(badgeWidth)}" height="18" rx="9" fill="${dark}"/>` +
        `<text x="${n(left + width - badgeWidth / 2 + 6)}" y="${n(top + 4)}" font-size="11" fill="#fff" text-anchor="middle">${xml(badge)}</text></g>`,
    '</g>',
  ].join('');
}

function outline(shape: Shape, x: number, y: number, width: number, height: number): string {
  const round = (r: number, left = x, top = y, w = width, h = height): string =>
    `M${n(left + r)} ${n(top)}h${n(w - 2 * r)}a${r} ${r} 0 0 1 ${r} ${r}v${n(h - 2 * r)}a${r} ${r} 0 0 1 ${-r} ${r}h${n(2 * r - w)}` +
    `a${r} ${r} 0 0 1 ${-r} ${-r}v${n(2 * r - h)}a${r} ${r} 0 0 1 ${r} ${-r}z`;
  switch (shape) {
    case 'plain':
      return round(4);
    case 'question':
      return round(12);
    case 'end':
      return round(Math.min(height / 2, 19));
    case 'decision': {
      const c = 11;
      return `M${n(x + c)} ${n(y)}H${n(x + width - c)}L${n(x + width)} ${n(y + c)}V${n(y + height - c)}L${n(x + width - c)} ${n(y + height)}H${n(
        x + c,
      )}L${n(x)} ${n(y + height - c)}V${n(y + c)}z`;
    }
    case 'elsewhere':
      return `${round(4)}${round(2, x + 3, y + 3, width - 6, height - 6)}`;
  }
}

/** Leaves and comes upright, and goes between as a leaf of bamboo does. */
function curve(points: readonly Point[]): string {
  return points
    .map(({ x, y }, index) => {
      const before = points[index - 1];
      if (!before) return `M${n(x)} ${n(y)}`;
      if (before.y === y || before.x === x) return `L${n(x)} ${n(y)}`;
      const middle = (before.y + y) / 2;
      return `C${n(before.x)} ${n(middle)} ${n(x)} ${n(middle)} ${n(x)} ${n(y)}`;
    })
    .join('');
}

const chipWidth = ({ text, look }: Label): number => (look === 'key' ? Math.max(textWidth(text, 11) + 9, 18) : textWidth(text, 11) + 8);
const labelsWidth = (labels: readonly Label[]): number => labels.reduce((sum, label) => sum + chipWidth(label) + CHIP_GAP, -CHIP_GAP);

function labelAt({ x, y }: Point, labels: readonly Label[]): string {
  let left = x - labelsWidth(labels) / 2;
  const chips = labels.map((label) => {
    const width = chipWidth(label);
    const isKey = label.look === 'key';
    const area = `<rect x="${n(left)}" y="${n(y - LABEL_HEIGHT / 2)}" width="${n(width)}" height="${LABEL_HEIGHT}" rx="${isKey ? 4 : 2}" fill="${
      isKey ? '#334155' : '#fff'
    }"/>`;
    const colour = isKey ? '#fff' : label.look === 'trouble' ? '#64748b' : '#334155';
    const text = `<text x="${n(left + width / 2)}" y="${n(y + 4)}" fill="${colour}"${isKey ? ' font-weight="600"' : ''}>${xml(label.text)}</text>`;
    left += width + CHIP_GAP;
    return area + text;
  });
  return chips.join('');
}

const segments = (text: string, language: Language): Intl.Segments => new Intl.Segmenter(language, { granularity: 'word' }).segment(text);

/** At most so many rows; words stay whole where a language has spaces, Japanese breaks where a reader would. */
function wrap(text: string, width: number, size: number, language: Language): string[] {
  if (text === '') return [];
  const rows: string[] = [''];
  const pieces: string[] = [];
  for (const part of text.split(/(\{[^{}]*\})/)) {
    if (part.startsWith('{'))
      pieces.push(part); // a variable stays in one piece
    else
      for (const { segment, isWordLike } of segments(part, language)) {
        const last = pieces.at(-1);
        if (isWordLike || last === undefined) pieces.push(segment);
        else pieces[pieces.length - 1] = last + segment; // no row begins with a comma
      }
  }
  for (const piece of pieces) {
    const row = rows.at(-1) ?? '';
    if (row === '' || textWidth((row + piece).trimEnd(), size) <= width) rows[rows.length - 1] = row + piece;
    else rows.push(piece);
  }
  const shown = rows.slice(0, MAX_ROWS).map((row) => cut(row.trim(), width, size));
  const last = shown.at(-1);
  if (rows.length > MAX_ROWS && last !== undefined && !last.endsWith('…')) shown[shown.length - 1] = cut(`${last}…`, width, size);
  return shown;
}

/** Shortened by an ellipsis to what fits. */
function cut(text: string, width: number, size: number): string {
  if (textWidth(text, size) <= width) return text;
  const letters = [...text.replace(/…$/, '')];
  while (letters.length > 1 && textWidth(`${letters.join('')}…`, size) > width) letters.pop();
  return `${letters.join('')}…`;
}

/** About: Chinese characters and kana are as wide as they are high, others are a good half. */
function textWidth(text: string, size: number): number {
  let ems = 0;
  for (const letter of text) {
    if (/[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f000}-\u{3ffff}]/u.test(letter)) ems += 1;
    else if (/[mwMW@%]/.test(letter)) ems += 0.92;
    else if (/[A-Z0-9]/.test(letter)) ems += 0.66;
    else ems += /[iljtfr .,:;'!|()]/.test(letter) ? 0.36 : 0.6;
  }
  return ems * size;
}

/** One decimal is a tenth of a pixel. */
const n = (value: number): string => String(Math.round(value * 10) / 10);

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** For text and attributes; characters that XML cannot hold are left out. */
const xml = (text: string): string =>
  text
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: just these are what XML forbids
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replace(/[&<>"']/g, (letter) => ENTITIES[letter] ?? letter);
