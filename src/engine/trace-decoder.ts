/**
 * Decodes traces by the instruction table. Nearly all traces are decoded by generated code (`record-code.ts`), which does the
 * same; this is its reference, and decodes where there are breakpoints.
 */
import type { Decode } from '../isa/decode';
import * as at from './layout';
import * as record from './record';
import { markerNumber } from './record';
import { RecordWriter } from './record-writer';

const PAGE_SIZE = 0x1000;

export class TraceDecoder {
  private readonly words: Int32Array;
  private readonly halves: Uint16Array;
  private readonly slots: Uint32Array;
  private readonly writer: RecordWriter;
  /** The operation that a break record stands for. */
  private readonly broken = new Map<number, number>();

  /** @param fuses whether pairs of instructions are done in one step */
  constructor(
    buffer: ArrayBuffer,
    decode: Decode,
    private readonly fuses: boolean,
  ) {
    this.words = new Int32Array(buffer);
    this.halves = new Uint16Array(buffer);
    this.slots = new Uint32Array(buffer, 0, at.RECORDS / 4);
    this.writer = new RecordWriter(buffer, decode);
  }

  /**
   * Decodes from an offset in a page of which the bytes lie at `ram`; there must be room for a trace.
   * @returns its first record
   */
  decode(slotTable: number, ram: number, start: number, breakpoints?: ReadonlySet<number>): number {
    const { words, halves, writer } = this;
    const first = words[at.NEXT_RECORD / 4];
    const table = slotTable / 4;
    let offset = start;
    let address = first;
    for (let count = 1; ; count++) {
      if (offset >= PAGE_SIZE || count === record.TRACE_LIMIT) {
        writer.writeMarker(address, 'end', offset);
        break;
      }
      const known = this.slots[table + offset / 2];
      if (known !== 0) {
        writer.writeMarker(address, 'goto', offset);
        words[(address + record.TARGET) / 4] = known;
        break;
      }
      this.slots[table + offset / 2] = address;
      words[(address / 4 + at.HEAT_OFFSET) / 4] = words[at.FIRST_HEAT / 4];
      const low = halves[(ram + offset) / 2];
      const breakpoint = breakpoints?.has(offset) ?? false;
      if ((low & 3) === 3 && offset === PAGE_SIZE - 2) {
        writer.writeMarker(address, 'cross', offset);
        words[(address + record.IMM) / 4] = low;
        if (breakpoint) this.breakAt(address);
        break;
      }
      const word = (low & 3) === 3 ? low | (halves[(ram + offset) / 2 + 1] << 16) : low;
      writer.write(address, offset, word, slotTable);
      if (breakpoint) this.breakAt(address);
      else if (address > first && this.fuses) writer.fuse(address);
      if (writer.ends) break;
      offset += writer.length;
      address += record.RECORD_SIZE;
    }
    words[at.NEXT_RECORD / 4] = address + record.RECORD_SIZE;
    return first;
  }

  /** Puts a break record in place of this one. */
  breakAt(address: number): void {
    const operation = (address + record.OP) / 2;
    this.broken.set(address, this.halves[operation]);
    this.halves[operation] = markerNumber('break');
  }

  /** The operation that the break record at this address stands for. */
  operationBehindBreak(address: number): number {
    return this.broken.get(address) ?? markerNumber('illegal');
  }

  /** There are no records any more. */
  clear(): void {
    this.broken.clear();
  }
}
