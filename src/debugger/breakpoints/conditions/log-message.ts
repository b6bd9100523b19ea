/** Log messages: text with expressions in braces, such as `satp is {satp}`. A backslash takes a brace literally. */
import { DebuggerError } from '../../errors';
import { parseExpression } from '../../expressions/syntax';
import type { Expression } from '../../expressions/syntax';

type Part =
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'value'; readonly expression: Expression };

export interface LogMessage {
  /** The message, each expression replaced by what `show` makes of it. */
  format(show: (expression: Expression) => string): string;
}

/** @throws DebuggerError when a brace is not closed or what it holds is no expression */
export function parseLogMessage(source: string): LogMessage {
  const parts: Part[] = [];
  let text = '';
  for (let at = 0; at < source.length; at++) {
    const character = source[at]!;
    if (character === '\\' && '{}\\'.includes(source[at + 1] ?? ' ')) {
      text += source[++at]!;
    } else if (character === '{') {
      const end = source.indexOf('}', at);
      if (end < 0) throw new DebuggerError('The log message has a "{" without "}"; write "\\{" for a brace.');
      if (text) parts.push({ kind: 'text', text });
      text = '';
      parts.push({ kind: 'value', expression: parseExpression(source.slice(at + 1, end)) });
      at = end;
    } else {
      text += character;
    }
  }
  if (text) parts.push({ kind: 'text', text });
  return {
    format: (show) => parts.map((part) => (part.kind === 'text' ? part.text : show(part.expression))).join(''),
  };
}
