/** Long lines of an explanation, broken so that an editor shows all of them. */

/** Characters in a line: what an editor beside a side bar shows. */
const WIDTH = 90;

/** @returns the lines; what goes on in the next line is indented */
export function wrap(lines: readonly string[], width = WIDTH): string[] {
  return lines.flatMap((line) => wrapLine(line, width));
}

function wrapLine(line: string, width: number): string[] {
  const indent = /^ */.exec(line)![0];
  const wrapped: string[] = [];
  let current = indent;
  let isEmpty = true;
  for (const word of line.slice(indent.length).split(' ')) {
    if (!isEmpty && current.length + 1 + word.length > width) {
      wrapped.push(current);
      current = `${indent}    `;
      isEmpty = true;
    }
    current += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...wrapped, current];
}
