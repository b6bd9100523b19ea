/** From instruction words to records. What a word becomes is remembered: a kernel decodes the same few thousand words again and again. */
import type { Decode } from '../isa/decode';
import type { Decoded, Instruction } from '../isa/instruction';
import * as at from './layout';
import * as record from './record';
import { endsTrace, hasNearForm, markerNumber, needsWord, operationNumber, writesFloat } from './record';

/** Instructions of 16 bits are all remembered, of 32 bits so many at most, each at one place. */
const SHORT_WORDS = 1 << 16;
const REMEMBERED_BITS = 13;
/** A remembered word: the word, then what its record is made of (i32 each). */
const TEMPLATE_WORDS = 8;
const [WORD, OPERATION, NEAR_OPERATION, REGISTERS, IMMEDIATE, TARGET, KIND] = [0, 1, 2, 3, 4, 5, 6];
/** Kind: bytes of the instruction, whether execution never goes on behind it, and whether it may lead to a place in its page. */
const LENGTH = 0x7;
const ENDS = 0x8;
const LEADS = 0x10;
const PAGE_SIZE = 0x1000;

/** What records of an instruction have in common. */
interface InstructionKind {
  readonly operation: number;
  readonly nearOperation: number;
  readonly writesFloat: boolean;
  readonly needsWord: boolean;
  readonly flags: number;
}

function kindOf(instruction: Instruction): InstructionKind {
  const leads = hasNearForm(instruction);
  return {
    operation: operationNumber(instruction, leads ? 'far' : 'plain'),
    nearOperation: leads ? operationNumber(instruction, 'near') : 0,
    writesFloat: writesFloat(instruction),
    needsWord: needsWord(instruction),
    flags: (endsTrace(instruction) ? ENDS : 0) | (leads ? LEADS : 0),
  };
}

export class RecordWriter {
  private readonly words: Int32Array;
  private readonly halves: Uint16Array;
  private readonly templates = new Int32Array(TEMPLATE_WORDS * (SHORT_WORDS + (1 << REMEMBERED_BITS)));
  private readonly kinds = new Map<Instruction, InstructionKind>();
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
    const { words, templates } = this;
    const template = this.template(word);
    if (template < 0) {
      this.length = 0;
      this.ends = true;
      this.writeMarker(address, 'illegal', offset);
      words[address / 4 + record.TARGET / 4] = word;
      return;
    }
    const kind = templates[template + KIND];
    const imm = templates[template + IMMEDIATE];
    let operation = templates[template + OPERATION];
    let target = templates[template + TARGET];
    if ((kind & LEADS) !== 0 && slotTable !== 0) {
      const to = offset + imm;
      if (to >= 0 && to < PAGE_SIZE) {
        operation = templates[template + NEAR_OPERATION];
        target = words[slotTable / 4 + to / 2];
      }
    }
    this.length = kind & LENGTH;
    this.ends = (kind & ENDS) !== 0;
    const first = address / 4;
    words[first] = operation | ((offset | (this.length === 2 ? 1 : 0)) << 16);
    words[first + record.RD / 4] = templates[template + REGISTERS];
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

  /** Where the template of a word lies; negative: the word is no instruction. */
  private template(word: number): number {
    const isShort = (word & 3) !== 3;
    const number = isShort ? word : SHORT_WORDS + (Math.imul(word, 0x9e3779b1) >>> (32 - REMEMBERED_BITS));
    const place = number * TEMPLATE_WORDS;
    // A word of zero is illegal, and so no place says that it knows one.
    if (this.templates[place + WORD] === (word | 0) && word !== 0) return place;
    const decoded = this.decode(word);
    if (decoded === undefined) return -1;
    this.remember(place, word, decoded);
    return place;
  }

  private remember(place: number, word: number, decoded: Decoded): void {
    const { templates } = this;
    const { instruction, length, rd, rs1, rs2, imm } = decoded;
    let kind = this.kinds.get(instruction);
    if (!kind) this.kinds.set(instruction, (kind = kindOf(instruction)));
    const destination = kind.writesFloat ? at.F_REGISTERS + rd * 8 : rd === 0 ? at.X0_SINK : rd * 8;
    templates[place + WORD] = word;
    templates[place + OPERATION] = kind.operation;
    templates[place + NEAR_OPERATION] = kind.nearOperation;
    templates[place + REGISTERS] = destination | ((rs1 * 8) << 16) | ((rs2 * 8) << 24);
    templates[place + IMMEDIATE] = imm;
    templates[place + TARGET] = kind.needsWord ? word : 0;
    templates[place + KIND] = length | kind.flags;
  }
}
