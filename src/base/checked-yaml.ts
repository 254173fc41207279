/**
 * Files that people write (control logic, scenarios, prompts): YAML, checked against a TypeBox schema, where every mistake
 * comes back with line, column, what is wrong and what is right. Pure: the text is given, nothing is read.
 */
import type { Static, TSchema } from 'typebox';
import { Check } from 'typebox/value';
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node, parseDocument } from 'yaml';
import { nearest } from './nearest.ts';

export interface FileProblem {
  readonly file: string;
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  /** What is wrong. */
  readonly problem: string;
  /** What is right. */
  readonly remedy: string;
}

export type Path = readonly (string | number)[];

/** `scenarios/identify.yaml:12:5: there is no step 'gret'; did you mean 'greet'?` */
export const formatProblem = (p: FileProblem): string => `${p.file}:${p.line}:${p.column}: ${p.problem}; ${p.remedy}`;

/** Every mistake of one or several files; the start stops with its message. */
export class FileProblemsError extends Error {
  readonly problems: readonly FileProblem[];
  constructor(problems: readonly FileProblem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'FileProblemsError';
    this.problems = problems;
  }
}

/**
 * The value of a parse, or all that was wrong with the file.
 * @throws FileProblemsError
 */
export function unwrap<T>(parsed: T | FileProblem[]): T {
  if (Array.isArray(parsed)) throw new FileProblemsError(parsed);
  return parsed;
}

/** What people write and read stays far below these. They bound the work: whatever walks through a file calls itself for every level. */
const MOST_CHARACTERS = 128 * 1024;
const MOST_LEVELS = 40;
/** References (`*name`); each is looked for in the whole file. */
const MOST_ALIASES = 100;
/** Nobody reads further. */
const MOST_PROBLEMS = 100;

const TOO_DEEP = ['there are too many levels, one in the other', `${MOST_LEVELS} is the most`] as const;

/** Where things are in one file, and the problems found in it so far (the first hundred). */
export class SourceFile {
  readonly file: string;
  readonly problems: FileProblem[] = [];
  private readonly text: string;
  /** Where each line begins. The parser's own count lacks the line breaks that it did not come to. */
  private readonly lineStarts: readonly number[];
  private readonly document: Document.Parsed;

  constructor(text: string, file: string) {
    this.file = file;
    this.text = text;
    this.lineStarts = [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)];
    const tooLong = text.length > MOST_CHARACTERS;
    this.document = parseDocument(tooLong ? '' : text, { uniqueKeys: false, prettyErrors: false });
    if (tooLong) {
      this.addAt(0, `the file has ${text.length} characters`, `${MOST_CHARACTERS} is the most: divide it`);
      return;
    }
    for (const error of this.document.errors) {
      // The parser calls itself for each level, and says this when it cannot go deeper.
      if (error.message.includes('call stack')) this.addAt(error.pos[0], ...TOO_DEEP);
      else if (error.code === 'UNEXPECTED_TOKEN') {
        this.addAt(error.pos[0], firstLine(error.message), 'write it as YAML 1.2; a text with { } [ ] , : or # needs quotes');
        break; // everything behind it is unexpected, too
      } else this.addAt(error.pos[0], firstLine(error.message), 'write it as YAML 1.2');
    }
    // Tags of one's own; and in YAML 1.1, `no` is false and a date no text.
    for (const warning of this.document.warnings) this.addAt(warning.pos[0], firstLine(warning.message), 'write it as YAML 1.2');
    if (this.document.directives.yaml.version !== '1.2') this.addAt(0, 'this is not YAML 1.2', 'take the line %YAML out');
    if (this.problems.length === 0) this.checkForm();
  }

  /** Not too deep, and every name a word and there once: before anything walks through it that calls itself. */
  private checkForm(): void {
    const waiting: { node: unknown; level: number }[] = [{ node: this.document.contents, level: 0 }];
    /** Where the first of each name ends: what refers to it from within would lead in a circle. */
    const anchors = new Map<string, number>();
    const aliases: { name: string; offset: number }[] = [];
    for (let here = waiting.pop(); here !== undefined; here = waiting.pop()) {
      const { node, level } = here;
      const [start, end] = (isNode(node) ? node.range : null) ?? [0, 0];
      if (isAlias(node)) aliases.push({ name: node.source, offset: start });
      else if (isNode(node) && node.anchor !== undefined) anchors.set(node.anchor, Math.min(end, anchors.get(node.anchor) ?? end));
      if (!isMap(node) && !isSeq(node)) continue;
      if (level > MOST_LEVELS) {
        this.addAt(start, ...TOO_DEEP);
        return;
      }
      if (isSeq(node)) {
        for (const item of node.items) waiting.push({ node: item, level: level + 1 });
        continue;
      }
      const names = new Set<string>();
      for (const { key, value } of node.items) {
        const offset = (isNode(key) ? key.range?.[0] : undefined) ?? start;
        const name = isScalar(key) ? String(key.value) : null;
        if (name === null) this.addAt(offset, 'a name must be a word', "write 'name: value'");
        else if (names.has(name)) this.addAt(offset, `there is '${name}' twice`, 'take one of them out');
        else names.add(name);
        waiting.push({ node: value, level: level + 1 });
      }
    }
    for (const { name, offset } of aliases) {
      if ((anchors.get(name) ?? offset + 1) <= offset) continue;
      this.addAt(offset, `there is nothing named '&${name}' before this`, 'put a text that begins with * in quotes');
    }
    const tooMany = aliases[MOST_ALIASES];
    if (tooMany)
      this.addAt(tooMany.offset, `there are ${aliases.length} references with *`, `${MOST_ALIASES} is the most: write texts out`);
  }

  /** The checked value, or null when there are problems (which are in `problems` then). */
  check<S extends TSchema>(schema: S): Static<S> | null {
    if (this.problems.length > 0) return null;
    let value: unknown;
    try {
      // What they unfold to is kept small, too: a file of a few lines must not become gigabytes.
      value = this.document.toJS({ maxAliasCount: MOST_ALIASES });
    } catch (error) {
      const reason = error instanceof Error ? firstLine(error.message) : String(error);
      this.add([], `a reference cannot be followed: ${reason}`, 'write the text out');
      return null;
    }
    this.walk(schema as unknown as Rule, value, []);
    if (this.problems.length > 0) return null;
    if (Check(schema, value)) return value;
    this.add([], 'the file does not have the form that its schema asks for', 'compare it with the schema');
    return null;
  }

  /** Adds a problem with the value at `path` (or with its key). */
  add(path: Path, problem: string, remedy: string, part: 'key' | 'value' = 'value'): void {
    this.addAt(this.offsetOf(path, part), problem, remedy);
  }

  /** Adds a problem at a character within the text of a string value, as an expression's parser counts it. */
  addWithin(path: Path, start: number, problem: string, remedy: string): void {
    const node = this.nodeAt(path);
    let offset = this.offsetOf(path, 'value');
    if (isScalar(node)) {
      if (node.type === 'QUOTE_SINGLE' || node.type === 'QUOTE_DOUBLE') offset += 1 + start;
      else if (node.type === 'PLAIN') offset += start;
      else if (typeof node.value === 'string' && node.range) {
        // Block text: its lines are indented in the file; find the same line there.
        const before = node.value.slice(0, start).split('\n');
        const column = before.at(-1)?.length ?? 0;
        const line = node.value.split('\n')[before.length - 1] ?? '';
        const found = line === '' ? -1 : this.text.indexOf(line, node.range[0]);
        if (found >= 0 && found < node.range[2]) offset = found + column;
      }
      // Escapes and folded lines are shorter than they are written.
      if (node.range) offset = Math.min(offset, node.range[1]);
    }
    this.addAt(offset, problem, remedy);
  }

  private addAt(offset: number, problem: string, remedy: string): void {
    if (this.problems.length >= MOST_PROBLEMS) return;
    const at = Math.min(Math.max(offset, 0), this.text.length);
    const line = this.lineStarts.findLastIndex((start) => start <= at) + 1;
    const column = at - (this.lineStarts[line - 1] ?? 0) + 1;
    this.problems.push({ file: this.file, line, column, problem, remedy });
  }

  private nodeAt(path: Path): Node | null {
    const node: unknown = path.length === 0 ? this.document.contents : this.document.getIn(path, true);
    return isNode(node) ? node : null;
  }

  /** Of a missing thing: where its nearest parent is. */
  private offsetOf(path: Path, part: 'key' | 'value'): number {
    const last = path.at(-1);
    const parent = path.length === 0 ? null : this.nodeAt(path.slice(0, -1));
    if (part === 'key' && isMap(parent)) {
      for (const pair of parent.items) {
        if (isScalar(pair.key) && String(pair.key.value) === String(last) && pair.key.range) return pair.key.range[0];
      }
    }
    const node = this.nodeAt(path);
    if (node?.range) return node.range[0];
    return path.length === 0 ? 0 : this.offsetOf(path.slice(0, -1), 'key');
  }

  private walk(rule: Rule, value: unknown, path: Path): void {
    if (rule.anyOf) {
      const branch = bestBranch(rule.anyOf, value, rule.description);
      if (branch) return this.walk(branch, value, path);
      return this.add(path, `${show(value)} does not fit here`, `write ${rule.description ?? rule.anyOf.map(describe).join(', or ')}`);
    }
    const allowed = rule.const !== undefined ? [rule.const] : rule.enum;
    if (allowed) {
      if (allowed.includes(value as string)) return;
      const meant = typeof value === 'string' ? nearest(value, allowed.map(String)) : undefined;
      return this.add(path, `${show(value)} is not known here`, meant ? `did you mean '${meant}'?` : `write ${describe(rule)}`);
    }
    if (typeName(value) !== rule.type && !(rule.type === 'number' && typeof value === 'number')) {
      if (rule.type !== undefined) this.add(path, `${show(value)} does not fit here`, `write ${describe(rule)}`);
      return;
    }
    if (rule.type === 'object') this.walkObject(rule, value as Record<string, unknown>, path);
    else if (rule.type === 'array') this.walkArray(rule, value as unknown[], path);
    else if (typeof value === 'string') {
      const tooShort = rule.minLength !== undefined && value.length < rule.minLength;
      if (tooShort || (rule.pattern !== undefined && !new RegExp(rule.pattern, 'u').test(value))) {
        this.add(path, `${show(value)} does not fit here`, `write ${describe(rule)}`);
      }
    } else if (typeof value === 'number') {
      if (value < (rule.minimum ?? value) || value > (rule.maximum ?? value)) {
        this.add(path, `${value} is out of range`, `write ${describe(rule)}`);
      }
    }
  }

  private walkObject(rule: Rule, value: Record<string, unknown>, path: Path): void {
    const known = rule.properties ?? {};
    const patterns = Object.entries(rule.patternProperties ?? {});
    for (const [key, item] of Object.entries(value)) {
      const own = Object.hasOwn(known, key) ? known[key] : patterns.find(([p]) => new RegExp(p, 'u').test(key))?.[1];
      if (own) this.walk(own, item, [...path, key]);
      else if (patterns.length > 0) this.add([...path, key], `'${key}' is not a good name`, `write ${describe(rule)}`, 'key');
      else if (rule.additionalProperties === false) {
        const missing = Object.keys(known).filter((k) => !(k in value));
        const meant = nearest(key, missing);
        const remedy = meant ? `did you mean '${meant}'?` : `known here: ${Object.keys(known).join(', ')}`;
        this.add([...path, key], `there is no field '${key}' here`, remedy, 'key');
      }
    }
    for (const key of rule.required ?? []) {
      if (key in value) continue;
      // Said already as "did you mean": a second message about the same slip helps nobody.
      if (Object.keys(value).some((k) => !(k in known) && nearest(k, [key]))) continue;
      const inner = known[key];
      this.add(path, `the field '${key}' is missing`, `add '${key}: …'${inner ? `, ${describe(inner)}` : ''}`, 'key');
    }
  }

  private walkArray(rule: Rule, value: unknown[], path: Path): void {
    if (value.length < (rule.minItems ?? 0)) this.add(path, 'the list is empty', `give at least ${rule.minItems}`);
    if (rule.items) for (const [index, item] of value.entries()) this.walk(rule.items, item, [...path, index]);
  }
}

/** The part of JSON Schema that our schemas use. */
interface Rule {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Rule>>;
  readonly patternProperties?: Readonly<Record<string, Rule>>;
  readonly additionalProperties?: unknown;
  readonly required?: readonly string[];
  readonly items?: Rule;
  readonly minItems?: number;
  readonly anyOf?: readonly Rule[];
  readonly enum?: readonly (string | number | boolean)[];
  readonly const?: string | number | boolean;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** Of several forms, the one that was meant: the right kind of value, and for objects the most fields in common. */
function bestBranch(branches: readonly Rule[], value: unknown, description: string | undefined): Rule | undefined {
  const kind = typeName(value);
  const literal = branches.find((b) => b.const === value || b.enum?.includes(value as string));
  if (literal) return literal;
  if (kind !== 'object') {
    const words = branches.flatMap((b) => (b.const !== undefined ? [b.const] : (b.enum ?? [])));
    const free = branches.find((b) => b.type === kind && b.const === undefined && !b.enum);
    if (free) return free;
    return typeof value === 'string' && words.length > 0 ? { enum: words, ...(description ? { description } : {}) } : undefined;
  }
  const keys = Object.keys(value as object);
  const score = (b: Rule): number => {
    const known = Object.keys(b.properties ?? {});
    const required = (b.required ?? []).filter((k) => keys.includes(k)).length;
    return keys.filter((k) => known.includes(k)).length * 2 + required * 3 + keys.filter((k) => nearest(k, known)).length;
  };
  const objects = branches.filter((b) => b.type === 'object');
  return objects.toSorted((a, b) => score(b) - score(a))[0];
}

function describe(rule: Rule): string {
  if (rule.description) return rule.description;
  if (rule.const !== undefined) return `'${rule.const}'`;
  if (rule.enum) return rule.enum.length === 1 ? `'${rule.enum[0]}'` : `one of: ${rule.enum.join(', ')}`;
  if (rule.type === 'object') return rule.properties ? `fields: ${Object.keys(rule.properties).join(', ')}` : 'fields';
  if (rule.type === 'array') return 'a list';
  if (rule.type === 'string') return 'a text';
  if (rule.type === 'boolean') return 'true or false';
  const range = [rule.minimum !== undefined ? `from ${rule.minimum}` : '', rule.maximum !== undefined ? `to ${rule.maximum}` : ''];
  return ['a number', ...range].filter((w) => w !== '').join(' ');
}

function show(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a group of fields';
  return typeof value === 'string' ? `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'` : String(value);
}

const firstLine = (message: string): string => (message.split('\n')[0] ?? message).replace(/[.:]$/, '');
