/**
 * Writes flattened device trees.
 * Specification: Devicetree Specification 0.4, chapter 5 (Flattened Devicetree format), version 17.
 */

/**
 * A property's value: true (present, empty), text (with its closing zero byte; an array for a list of texts), 32-bit
 * cells (a number or a list of them), or bytes as they are.
 */
export type FdtValue = true | string | readonly string[] | number | readonly number[] | Uint8Array;

export interface FdtNode {
  /** Node name with unit address; empty for the root. */
  readonly name: string;
  /** In the order they are written. */
  readonly properties: Readonly<Record<string, FdtValue>>;
  readonly children?: readonly FdtNode[];
}

const MAGIC = 0xd00dfeed;
const VERSION = 17;
const LAST_COMPATIBLE_VERSION = 16;
const HEADER_SIZE = 40;
/** Bytes of an entry of the memory reservation block: address and size. */
const RESERVATION_SIZE = 16;
const FDT_BEGIN_NODE = 1;
const FDT_END_NODE = 2;
const FDT_PROP = 3;
const FDT_END = 9;

/** The 32-bit cells of a 64-bit number below 2^53, the upper one first. */
export function cells64(value: number): [number, number] {
  return [Math.floor(value / 2 ** 32), value >>> 0];
}

/**
 * The blob for the tree under `root`.
 * @param reservations memory that programs must leave alone
 */
export function encodeFdt(
  root: FdtNode,
  bootHart = 0,
  reservations: readonly (readonly [address: bigint, size: bigint])[] = [],
): Uint8Array {
  const strings = new StringBlock();
  const structure = new CellWriter();
  writeNode(root, structure, strings);
  structure.cell(FDT_END);
  const structureBytes = structure.take();
  const stringBytes = strings.take();

  const structureOffset = HEADER_SIZE + RESERVATION_SIZE * (reservations.length + 1);
  const stringsOffset = structureOffset + structureBytes.length;
  const header = [
    MAGIC,
    stringsOffset + stringBytes.length,
    structureOffset,
    stringsOffset,
    HEADER_SIZE,
    VERSION,
    LAST_COMPATIBLE_VERSION,
    bootHart,
    stringBytes.length,
    structureBytes.length,
  ];
  const blob = new Uint8Array(stringsOffset + stringBytes.length);
  blob.set(cellBytes(header), 0);
  const view = new DataView(blob.buffer);
  reservations.flat().forEach((value, index) => view.setBigUint64(HEADER_SIZE + 8 * index, value));
  blob.set(structureBytes, structureOffset);
  blob.set(stringBytes, stringsOffset);
  return blob;
}

function writeNode(node: FdtNode, out: CellWriter, strings: StringBlock): void {
  out.cell(FDT_BEGIN_NODE);
  out.bytes(textBytes(node.name));
  for (const [name, value] of Object.entries(node.properties)) {
    const bytes = valueBytes(value);
    out.cell(FDT_PROP);
    out.cell(bytes.length);
    out.cell(strings.offsetOf(name));
    out.bytes(bytes);
  }
  for (const child of node.children ?? []) writeNode(child, out, strings);
  out.cell(FDT_END_NODE);
}

function valueBytes(value: FdtValue): Uint8Array {
  if (value === true) return new Uint8Array(0);
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return textBytes(value);
  if (typeof value === 'number') return cellBytes([value]);
  return isTexts(value) ? concatenate(value.map(textBytes)) : cellBytes(value);
}

function isTexts(value: readonly string[] | readonly number[]): value is readonly string[] {
  return typeof value[0] === 'string';
}

/** Text ends at its first zero byte: what follows one could not be read back. */
function textBytes(text: string): Uint8Array {
  const end = text.indexOf('\0');
  return new TextEncoder().encode(`${end < 0 ? text : text.slice(0, end)}\0`);
}

function cellBytes(cells: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * cells.length);
  const view = new DataView(bytes.buffer);
  cells.forEach((cell, index) => view.setUint32(4 * index, cell));
  return bytes;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Collects the structure block, everything in it on 4-byte boundaries. */
class CellWriter {
  private readonly parts: Uint8Array[] = [];

  cell(value: number): void {
    this.parts.push(cellBytes([value]));
  }

  bytes(bytes: Uint8Array): void {
    this.parts.push(bytes, new Uint8Array(-bytes.length & 3));
  }

  take(): Uint8Array {
    return concatenate(this.parts);
  }
}

/** Collects property names, each once. */
class StringBlock {
  private readonly offsets = new Map<string, number>();
  private readonly parts: Uint8Array[] = [];
  private length = 0;

  offsetOf(name: string): number {
    const known = this.offsets.get(name);
    if (known !== undefined) return known;
    const offset = this.length;
    const bytes = textBytes(name);
    this.offsets.set(name, offset);
    this.parts.push(bytes);
    this.length += bytes.length;
    return offset;
  }

  take(): Uint8Array {
    return concatenate(this.parts);
  }
}
