/** Plain text in columns. */

/** `left` for words, `right` for numbers. */
export type Alignment = 'left' | 'right';

/** Lines with their columns aligned and two spaces between them; nothing is left at the ends. */
export function textTable(rows: readonly (readonly string[])[], alignments: readonly Alignment[]): string[] {
  const widths = alignments.map((_, column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column]!;
        return alignments[column] === 'right' ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
