/**
 * Columns as wide as what stands in them, a line each.
 * @param rows the first is the header; all have as many cells
 * @param words so many columns begin on the left; the others, with numbers, end on the right
 */
export function tableText([header = [], ...rows]: readonly (readonly string[])[], words = 1): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const pad = (cell: string, i: number): string => (i < words ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0));
  return [header, ...rows]
    .map((row) => `  ${row.map(pad).join('  ')}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('');
}
