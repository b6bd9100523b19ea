/** From instruction words to records, by the instruction table: the reference for `record-code.ts`, which generates code that does it. */
import type { Decode } from '../isa/decode';
import * as at from './layout';
import * as record from './record';
import { kindOf, markerNumber } from './record';

const PAGE_SIZE = 0x1000;

export class RecordWriter {
  private readonly words: Int32Array;
  private readonly halves: Uint16Array;
  /** The length in bytes of the instruction that was written last; 0: it was illegal. */
  length = 0;
  /** Whether execution never goes on behind the instruction that was written last. */
  ends = false;

  constructor(
    buffer: ArrayBuffer,
    private readonly decode: Decode,
  ) {
    this.words = new Int32Array(buffer);
    this.halves = new Uint16Array(buffer);
  }

  /**
   * Writes the record of an instruction at this offset in its page.
   * @param slotTable of the page where near branches may lead; 0: all branches are far
   */
  write(address: number, offset: number, word: number, slotTable: number): void {
    const { words } = this;
    const decoded = this.decode(word);
    if (decoded === undefined) {
      this.length = 0;
      this.ends = true;
      this.writeMarker(address, 'illegal', offset);
      words[address / 4 + record.TARGET / 4] = word;
      return;
    }
    const { instruction, rd, rs1, rs2, imm } = decoded;
    const kind = kindOf(instruction);
    let { operation } = kind;
    let target = kind.needsWord ? word : 0;
    const to = offset + imm;
    if (kind.leads && slotTable !== 0 && to >= 0 && to < PAGE_SIZE) {
      operation = kind.nearOperation;
      target = words[slotTable / 4 + to / 2];
    }
    this.length = decoded.length;
    this.ends = kind.ends;
    const destination = kind.writesFloat ? at.F_REGISTERS + rd * 8 : rd === 0 ? at.X0_SINK : rd * 8;
    const first = address / 4;
    words[first] = operation | ((offset | (decoded.length === 2 ? 1 : 0)) << 16);
    words[first + record.RD / 4] = destination | ((rs1 * 8) << 16) | ((rs2 * 8) << 24);
    words[first + record.IMM / 4] = imm;
    words[first + record.TARGET / 4] = target;
  }

  writeMarker(address: number, marker: record.Marker, offset: number): void {
    this.halves[(address + record.OP) / 2] = markerNumber(marker);
    this.halves[(address + record.PC_OFFSET) / 2] = offset;
  }

  /** Makes one step of this record and the one before it in the trace, if they are a pair. */
  fuse(address: number): void {
    const { halves } = this;
    const before = (address - record.RECORD_SIZE + record.OP) / 2;
    const number = record.fusedNumber(halves[before], halves[(address + record.OP) / 2]);
    if (number !== 0) halves[before] = number;
  }
}
