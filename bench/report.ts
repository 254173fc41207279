/** What every bench does with its figures: a table for whoever looks, JSON for whoever compares. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

type Cell = string | number | null;

/** Columns as wide as their widest cell; numbers to the right. */
export function printTable(rows: readonly Readonly<Record<string, Cell>>[]): void {
  const columns = Object.keys(rows[0] ?? {});
  const text = (cell: Cell | undefined): string => (typeof cell === 'number' ? figure(cell) : (cell ?? '–'));
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => text(row[column]).length)));
  const line = (cells: readonly string[], right: (i: number) => boolean): string =>
    cells.map((cell, i) => (right(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ');
  const isNumber = columns.map((column) => rows.some((row) => typeof row[column] === 'number'));
  console.log(line(columns, (i) => isNumber[i] === true));
  for (const row of rows) {
    console.log(
      line(
        columns.map((column) => text(row[column])),
        (i) => isNumber[i] === true,
      ),
    );
  }
}

const figure = (n: number): string =>
  Number.isInteger(n) || Math.abs(n) >= 1000 ? Math.round(n).toLocaleString('en') : n.toFixed(Math.abs(n) < 10 ? 2 : 1);

/** Writes `var/bench/<name>.json` with the machine it was measured on. */
export function writeResult(name: string, result: unknown): void {
  const folder = path.resolve(import.meta.dirname, '../var/bench');
  fs.mkdirSync(folder, { recursive: true });
  const machine = { cpu: os.cpus()[0]?.model ?? '', cores: os.cpus().length, memoryBytes: os.totalmem(), node: process.version };
  const file = path.join(folder, `${name}.json`);
  fs.writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), machine, ...(result as object) }, null, 2)}\n`);
  console.log(`written: ${path.relative(process.cwd(), file)}`);
}

/** The value below which a share of them lies; 0 of none. Sorts in place. */
export function percentile(values: number[], share: number): number {
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
}

/** `--name value` of the command line, a number. */
export function numberOption(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  if (at < 0) return otherwise;
  const value = Number(process.argv[at + 1]);
  if (!Number.isFinite(value)) throw new Error(`--${name} takes a number`);
  return value;
}
