/**
 * A scenario's drawing in the page: our own SVG with what staff wrote in it. Only elements and attributes of a drawing are taken over,
 * built anew one by one: whatever else should ever be in it (scripts, handlers, links, styles) has no way in.
 */
const SVG = 'http://www.w3.org/2000/svg';
const ELEMENTS: ReadonlySet<string> = new Set(
  'svg g path rect circle ellipse polygon polyline line text tspan title desc defs marker'.split(' '),
);
const ATTRIBUTES: ReadonlySet<string> = new Set(
  (
    'id class d x y cx cy r rx ry width height points x1 y1 x2 y2 viewBox transform fill stroke stroke-width stroke-dasharray ' +
    'stroke-linecap stroke-linejoin font-size font-weight text-anchor marker-end refX refY markerWidth markerHeight markerUnits orient ' +
    'lang role aria-label data-from data-to'
  ).split(' '),
);

/** Null when the text is no drawing. */
export function readDrawing(text: string): SVGSVGElement | null {
  const { documentElement } = new DOMParser().parseFromString(text, 'image/svg+xml');
  const copy = documentElement.localName === 'svg' ? copyOf(documentElement) : null;
  return copy instanceof SVGSVGElement ? copy : null;
}

function copyOf(source: Element): SVGElement | null {
  if (source.namespaceURI !== SVG || !ELEMENTS.has(source.localName)) return null;
  const copy = document.createElementNS(SVG, source.localName) as SVGElement;
  for (const { name, value } of source.attributes) {
    // A reference may only lead to a part of the drawing.
    if (ATTRIBUTES.has(name) && (!/url\s*\(/iu.test(value) || /^url\(#[\w-]+\)$/u.test(value))) copy.setAttribute(name, value);
  }
  for (const child of source.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) copy.append(child.textContent ?? '');
    else if (child instanceof Element) {
      const inner = copyOf(child);
      if (inner) copy.append(inner);
    }
  }
  return copy;
}

/** What is written at a step beside what the drawing says itself. */
export interface StepMark {
  readonly now: number;
  readonly gaveUp: number;
  /** Of those who came, in percent; null: nobody came. */
  readonly share: number | null;
  readonly tip: string;
}

/** From this share on it is worth looking at, and from the next it is bad. */
const WORTH_LOOKING = 5;
const BAD = 15;
const lookOf = (share: number | null): string => (share === null || share < WORTH_LOOKING ? 'few' : share < BAD ? 'some' : 'many');

/** The drawing must be on the page: places are measured. */
export function markSteps(drawing: SVGSVGElement, marks: ReadonlyMap<string, StepMark>, current: string | null): void {
  for (const old of drawing.querySelectorAll('.mark')) old.remove();
  for (const step of drawing.querySelectorAll<SVGGElement>('g.step')) {
    const name = step.id.replace(/^step-/u, '');
    step.classList.toggle('current', name === current);
    const box = step.querySelector<SVGGraphicsElement>('.box')?.getBBox();
    const mark = marks.get(name);
    const title = step.querySelector('title');
    if (!box || !mark) continue;
    if (title) {
      title.dataset['words'] ??= title.textContent ?? '';
      title.textContent = `${title.dataset['words']}\n${mark.tip}`;
    }
    if (mark.now > 0) step.append(badge(`● ${mark.now}`, 'mark now', box.x - 10, box.y - 13, 'left'));
    if (mark.gaveUp > 0) {
      const text = `✕ ${mark.gaveUp}${mark.share === null ? '' : ` · ${mark.share} %`}`;
      step.append(badge(text, `mark gave-up ${lookOf(mark.share)}`, box.x + box.width + 6, box.y + box.height - 9, 'right'));
    }
  }
}

const BADGE_HEIGHT = 18;
const LETTER = 6.6;

function badge(text: string, className: string, x: number, y: number, side: 'left' | 'right'): SVGElement {
  const group = document.createElementNS(SVG, 'g');
  group.setAttribute('class', className);
  const width = Math.max(BADGE_HEIGHT + 8, text.length * LETTER + 14);
  const left = side === 'left' ? x : x - width;
  const rect = document.createElementNS(SVG, 'rect');
  for (const [key, value] of Object.entries({ x: left, y, width, height: BADGE_HEIGHT, rx: BADGE_HEIGHT / 2 }))
    rect.setAttribute(key, String(value));
  const label = document.createElementNS(SVG, 'text');
  label.setAttribute('x', String(left + width / 2));
  label.setAttribute('y', String(y + 13));
  label.setAttribute('text-anchor', 'middle');
  label.setAttribute('font-size', '11.5');
  label.textContent = text;
  group.append(rect, label);
  return group;
}
