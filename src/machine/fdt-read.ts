/**
 * Reads flattened device trees that users bring.
 * Specification: Devicetree Specification 0.4, chapter 5 (Flattened Devicetree format), versions 16 and 17.
 */
import type { FdtNode } from './fdt';

/** A blob that is no device tree, or a damaged one; the message is for the user. */
export class FdtError extends Error {
  override readonly name = 'FdtError';

  constructor(problem: string) {
    super(`The device tree ${problem}; make it anew with dtc -O dtb.`);
  }
}

/** A tree with what stands beside it in the blob. */
export interface DeviceTree {
  /** All values are bytes as they are. */
  readonly root: FdtNode;
  /** Memory that programs must leave alone: pairs of address and size. */
  readonly reservations: readonly (readonly [address: bigint, size: bigint])[];
  readonly bootHart: number;
}

const MAGIC = 0xd00dfeed;
const HEADER_SIZE = 40;
/** The one that blobs of version 17 say they are compatible with. */
const OLDEST_VERSION = 16;
const FDT_BEGIN_NODE = 1;
const FDT_END_NODE = 2;
const FDT_PROP = 3;
const FDT_NOP = 4;
/** Deeper than any machine, and less than what recursion bears. */
const DEEPEST = 64;

/** @throws FdtError */
export function readFdt(blob: Uint8Array): DeviceTree {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  if (blob.length < HEADER_SIZE || view.getUint32(0) !== MAGIC) {
    throw new FdtError('is no flattened device tree (it does not begin with d00dfeed)');
  }
  const header = Array.from({ length: 10 }, (_, index) => view.getUint32(4 * index));
  const [, total, structure, strings, reservations, , compatible, bootHart, stringsSize] = header;
  if (compatible > OLDEST_VERSION + 1) throw new FdtError(`is of version ${header[5]}, which is not known`);
  if (total > blob.length || strings + stringsSize > total || structure >= total || structure % 4 !== 0) {
    throw new FdtError('is cut off');
  }
  const whole = blob.subarray(0, total);
  return {
    root: new Reader(whole, structure, whole.subarray(strings, strings + stringsSize)).root(),
    reservations: readReservations(whole, reservations),
    bootHart,
  };
}

function readReservations(blob: Uint8Array, start: number): [bigint, bigint][] {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const found: [bigint, bigint][] = [];
  for (let at = start; ; at += 16) {
    if (at + 16 > blob.length) throw new FdtError('is cut off');
    const [address, size] = [view.getBigUint64(at), view.getBigUint64(at + 8)];
    if (address === 0n && size === 0n) return found;
    found.push([address, size]);
  }
}

/** Goes through the structure block. */
class Reader {
  private readonly view: DataView;

  constructor(
    private readonly blob: Uint8Array,
    private at: number,
    private readonly strings: Uint8Array,
  ) {
    this.view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  }

  root(): FdtNode {
    if (this.token() !== FDT_BEGIN_NODE) throw new FdtError('has no root node');
    return this.node(0);
  }

  private node(depth: number): FdtNode {
    if (depth > DEEPEST) throw new FdtError(`has nodes more than ${DEEPEST} deep`);
    const name = this.text(this.blob, this.at);
    this.skip(name.length + 1);
    const properties: Record<string, Uint8Array> = {};
    const children: FdtNode[] = [];
    for (;;) {
      const token = this.token();
      if (token === FDT_END_NODE) return { name, properties, children };
      if (token === FDT_BEGIN_NODE) children.push(this.node(depth + 1));
      else if (token === FDT_PROP) {
        const [length, nameAt] = [this.cell(), this.cell()];
        if (this.at + length > this.blob.length) throw new FdtError('is cut off');
        properties[this.text(this.strings, nameAt)] = this.blob.slice(this.at, this.at + length);
        this.skip(length);
      } else throw new FdtError(`is damaged (token ${token} at offset ${this.at - 4})`);
    }
  }

  private token(): number {
    for (;;) {
      const token = this.cell();
      if (token !== FDT_NOP) return token;
    }
  }

  private cell(): number {
    if (this.at + 4 > this.blob.length) throw new FdtError('is cut off');
    this.at += 4;
    return this.view.getUint32(this.at - 4);
  }

  /** Names are ASCII, so that their length in characters is that in bytes. */
  private text(bytes: Uint8Array, start: number): string {
    const end = bytes.indexOf(0, start);
    if (start >= bytes.length || end < 0) throw new FdtError('is cut off');
    return String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 256)));
  }

  private skip(bytes: number): void {
    this.at += (bytes + 3) & ~3;
  }
}
