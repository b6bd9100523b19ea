/** A value as the user sees it: a line of text that may open to further lines, read when opened. */
import type { Storage } from './datum';

export interface ValueNode {
  readonly name: string;
  readonly text: string;
  /** The type's name, or what kind of thing it is. */
  readonly type?: string;
  readonly children?: Children;
  /** Address of the bytes behind the value, for a memory view. */
  readonly address?: bigint;
  /** Where the value itself lies, when that is in memory. */
  readonly storage?: Storage;
  /** An expression that gives this value again. */
  readonly expression?: string;
  /** Changes the value to what the text says. @throws DebuggerError when it cannot be done */
  readonly set?: (value: bigint) => void;
}

/** What a value opens to. */
export interface Children {
  /** How many elements with a number as name (of an array) there are; 0 for none. They come after the named ones. */
  readonly indexed: number;
  /** How many others; undefined when only reading tells. */
  readonly named?: number;
  /** The children from `start` on, at most `count` (of the indexed ones when `indexed` is more than 0). */
  list(start: number, count: number): readonly ValueNode[];
}

/** Children that are all named, read together. */
export function namedChildren(list: () => readonly ValueNode[]): Children {
  return { indexed: 0, list: (start, count) => list().slice(start, start + count) };
}

/** How values are written. */
export interface Presentation {
  /** Integers in hexadecimal. */
  readonly hex: boolean;
}

export const DECIMAL: Presentation = { hex: false };
