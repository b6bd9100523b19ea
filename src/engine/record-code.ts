/**
 * Decoding in generated code: from the guest's instructions to records, a trace at a time, as `TraceDecoder` does it. What an
 * instruction becomes is said by the table of `encodings.ts`; where its operands are, by code that follows from the formats.
 */
import { bucket16, bucket32 } from '../isa/decode';
import type { Code, Label } from '../wasm/code';
import type { Module } from '../wasm/module';
import * as encodings from './encodings';
import { ENCODING_SIZE, layouts, PAIR_NUMBERS, SHORT_BUCKETS } from './encodings';
import type { WordLayout } from './encodings';
import * as at from './layout';
import * as record from './record';
import { markerNumber, RECORD_SIZE, TRACE_LIMIT } from './record';
import { pushWordBits } from './word-bits';

const PAGE_SIZE = 0x1000;

/** Indices of the module's functions. */
export interface RecordFunctions {
  /**
   * (slot table, page offset) -> the first record of the trace that is decoded from there; 0 when `CodeCache` must see to it
   * first: the page has breakpoints or sleeps, or there is no room.
   */
  readonly decodeTrace: number;
  /** (word, page offset) -> the record of one instruction that is executed once, with an end behind it. */
  readonly decodeScratch: number;
}

export function defineRecordFunctions(module: Module): RecordFunctions {
  const write = defineWrite(module);
  return { decodeTrace: defineDecodeTrace(module, write), decodeScratch: defineDecodeScratch(module, write) };
}

function defineDecodeTrace(module: Module, write: number): number {
  const [SLOT_TABLE, OFFSET] = [0, 1];
  return module.define({ parameters: ['i32', 'i32'], results: ['i32'] }, (code) => {
    const [page, first, address, slot, known] = Array.from({ length: 5 }, () => code.local('i32'));
    const [word, encoding, pair] = Array.from({ length: 3 }, () => code.local('i32'));
    const giveUp = () => code.i32(0).op('return');
    /** The trace ends with this record. */
    const finish = () => {
      code.i32(0).get(address).i32(RECORD_SIZE).op('i32.add').memory('i32.store', at.NEXT_RECORD);
      code.get(first).op('return');
    };

    pushPageOfSlotTable(code, SLOT_TABLE).tee(page).op('i32.eqz').if(giveUp);
    code.get(page).i32(at.RAM).op('i32.sub').i32(12).op('i32.shr_u').i32(2).op('i32.shl');
    code.memory('i32.load', at.PAGE_INFO).i32(at.CODE).op('i32.and', 'i32.eqz').if(giveUp);
    code.i32(0).memory('i32.load', at.NEXT_RECORD).tee(first).tee(address);
    code
      .i32(at.RECORDS_END - TRACE_LIMIT * RECORD_SIZE)
      .op('i32.gt_u')
      .if(giveUp);
    code.loop((next) => {
      code.get(OFFSET).i32(PAGE_SIZE).op('i32.ge_u');
      code.get(address).get(first).op('i32.sub');
      code
        .i32((TRACE_LIMIT - 1) * RECORD_SIZE)
        .op('i32.eq', 'i32.or')
        .if(() => {
          writeMarker(code, address, 'end', OFFSET);
          finish();
        });
      code.get(OFFSET).i32(1).op('i32.shl').get(SLOT_TABLE).op('i32.add').tee(slot).memory('i32.load').tee(known);
      code.if(() => {
        writeMarker(code, address, 'goto', OFFSET);
        code.get(address).get(known).memory('i32.store', record.TARGET);
        finish();
      });
      code.get(slot).get(address).memory('i32.store');
      code.get(address).i32(2).op('i32.shr_u').i32(0).memory('i32.load', at.FIRST_HEAT);
      code.memory('i32.store', at.HEAT_OFFSET);
      code.get(page).get(OFFSET).op('i32.add').memory('i32.load16_u').tee(word);
      code
        .i32(3)
        .op('i32.and')
        .i32(3)
        .op('i32.eq')
        .if(() => {
          code
            .get(OFFSET)
            .i32(PAGE_SIZE - 2)
            .op('i32.eq')
            .if(() => {
              writeMarker(code, address, 'cross', OFFSET);
              code.get(address).get(word).memory('i32.store', record.IMM);
              finish();
            });
          code.get(page).get(OFFSET).op('i32.add').memory('i32.load').set(word);
        });
      code.get(address).get(OFFSET).get(word).get(SLOT_TABLE).call(write).set(encoding);
      // Of a trace's first record nothing is said yet: `pair` is 0.
      code.get(address).memory('i32.load16_u', record.OP).set(known);
      code.get(pair).get(known).memory('i32.load8_u', at.PAIR_SECONDS).op('i32.or').i32(1).op('i32.shl');
      code.memory('i32.load16_u', at.PAIRS).tee(slot);
      code.if(() => code.get(address).i32(RECORD_SIZE).op('i32.sub').get(slot).memory('i32.store16', record.OP));
      code.get(known).memory('i32.load8_u', at.PAIR_FIRSTS).i32(Math.log2(PAIR_NUMBERS)).op('i32.shl').set(pair);
      pushKind(code, encoding, encodings.ENDS).if(finish);
      pushKind(code, encoding, encodings.LENGTH).get(OFFSET).op('i32.add').set(OFFSET);
      code.get(address).i32(RECORD_SIZE).op('i32.add').set(address).br(next);
    });
    code.op('unreachable');
  });
}

function defineDecodeScratch(module: Module, write: number): number {
  const [WORD, OFFSET] = [0, 1];
  return module.define({ parameters: ['i32', 'i32'], results: ['i32'] }, (code) => {
    const [address, encoding] = [code.local('i32'), code.local('i32')];
    code.i32(at.SCRATCH_RECORDS).get(OFFSET).get(WORD).i32(0).call(write).set(encoding);
    pushKind(code, encoding, encodings.LENGTH).get(OFFSET).op('i32.add').set(OFFSET);
    code.i32(at.SCRATCH_RECORDS + RECORD_SIZE).set(address);
    writeMarker(code, address, 'end', OFFSET);
    code.i32(at.SCRATCH_RECORDS);
  });
}

/** (record, page offset, word, slot table) -> the word's encoding, its record being written; as `RecordWriter.write`. */
function defineWrite(module: Module): number {
  const [RECORD, OFFSET, WORD, SLOT_TABLE] = [0, 1, 2, 3];
  return module.define({ parameters: ['i32', 'i32', 'i32', 'i32'], results: ['i32'] }, (code) => {
    const [encoding, kind, operation] = [code.local('i32'), code.local('i32'), code.local('i32')];
    const [registers, immediate, target] = [code.local('i32'), code.local('i32'), code.local('i32')];
    findEncoding(code, WORD, encoding);
    code.get(encoding).memory('i32.load8_u', encodings.KIND).set(kind);
    code.get(encoding).memory('i32.load16_u', encodings.OPERATION).set(operation);
    const illegal = () => {
      writeMarker(code, RECORD, 'illegal', OFFSET);
      code.get(RECORD).get(WORD).memory('i32.store', record.TARGET);
      code.get(encoding).op('return');
    };
    takeOperands(code, encoding, WORD, { registers, immediate }, illegal);
    // Writes to x0 go to a place of their own.
    code.get(registers);
    code.i32(at.F_REGISTERS);
    code.i32(0).i32(at.X0_SINK).get(registers).i32(0xffff).op('i32.and', 'select');
    code.get(kind).i32(encodings.WRITES_FLOAT).op('i32.and', 'select', 'i32.add').set(registers);
    code.get(WORD).i32(0).get(kind).i32(encodings.NEEDS_WORD).op('i32.and', 'select').set(target);
    code
      .get(kind)
      .i32(encodings.LEADS)
      .op('i32.and')
      .if(() => {
        const to = code.local('i32');
        code.get(OFFSET).get(immediate).op('i32.add').tee(to).i32(PAGE_SIZE).op('i32.lt_u');
        code.get(SLOT_TABLE).i32(0).op('i32.ne', 'i32.and');
        code.if(() => {
          code.get(encoding).memory('i32.load16_u', encodings.NEAR_OPERATION).set(operation);
          code.get(to).i32(1).op('i32.shl').get(SLOT_TABLE).op('i32.add').memory('i32.load').set(target);
        });
      });
    code.get(RECORD).get(OFFSET);
    code.get(kind).i32(1).op('i32.shr_u').i32(1).op('i32.and', 'i32.or').i32(16).op('i32.shl');
    code.get(operation).op('i32.or').memory('i32.store', record.OP);
    code.get(RECORD).get(registers).memory('i32.store', record.RD);
    code.get(RECORD).get(immediate).memory('i32.store', record.IMM);
    code.get(RECORD).get(target).memory('i32.store', record.TARGET);
    code.get(encoding);
  });
}

/** Sets `encoding` to that of the word. */
function findEncoding(code: Code, word: number, encoding: number): void {
  code.get(word).i32(3).op('i32.and').i32(3).op('i32.eq');
  code.ifValue(
    'i32',
    () => pushWordBits(code, word, 32, bucket32),
    () => {
      pushWordBits(code, word, 16, bucket16);
      code.i32(SHORT_BUCKETS).op('i32.add');
    },
  );
  code.i32(2).op('i32.shl').memory('i32.load', at.ENCODING_BUCKETS).set(encoding);
  code.block((found) => {
    code.loop((next) => {
      code.get(encoding).memory('i32.load', encodings.MATCH).get(word).op('i32.xor');
      code.get(encoding).memory('i32.load', encodings.MASK).op('i32.and', 'i32.eqz').brIf(found);
      code.get(encoding).i32(ENCODING_SIZE).op('i32.add').set(encoding).br(next);
    });
  });
}

/** The parts of a record that are made of a word's operands. */
const parts = {
  registers: [({ rd }) => rd * 8, ({ rs1 }) => (rs1 * 8) << 16, ({ rs2 }) => (rs2 * 8) << 24],
  immediate: [({ imm }) => imm],
} as const satisfies Record<string, readonly ((operands: ReturnType<WordLayout['operands']>) => number)[]>;

/** Sets the locals to what the word has where its encoding says. @param illegal what is done when it is no instruction */
function takeOperands(
  code: Code,
  encoding: number,
  word: number,
  locals: Readonly<Record<keyof typeof parts, number>>,
  illegal: () => void,
): void {
  const keys = layouts.map(keyOf);
  const distinctKeys = [...new Set(keys)];
  const distinct = distinctKeys.map((key) => layouts[keys.indexOf(key)]);
  code.block((done) => {
    code.block((isIllegal) => {
      const emit = (index: number, labels: readonly Label[]): void => {
        if (index < 0) {
          const inOrder = [...labels].reverse();
          const targets = keys.map((key) => inOrder[distinctKeys.indexOf(key)]);
          code.get(encoding).memory('i32.load8_u', encodings.LAYOUT).brTable(targets, isIllegal);
          return;
        }
        code.block((label) => emit(index - 1, [...labels, label]));
        const { width, operands } = distinct[index];
        for (const name of ['registers', 'immediate'] as const) {
          parts[name].forEach((part, number) => {
            pushWordBits(code, word, width, (bits) => part(operands(bits)));
            if (number > 0) code.op('i32.or');
          });
          code.set(locals[name]);
        }
        code.br(done);
      };
      emit(distinct.length - 1, []);
    });
    illegal();
  });
}

/** Equal for layouts that have the same bits in the same places. */
function keyOf({ width, operands }: WordLayout): string {
  const bits = [0, ...Array.from({ length: width }, (_, bit) => 1 << bit)];
  return `${width}: ${JSON.stringify(bits.map(operands))}`;
}

function writeMarker(code: Code, address: number, marker: record.Marker, offset: number): void {
  code.get(address).get(offset).i32(16).op('i32.shl').i32(markerNumber(marker)).op('i32.or');
  code.memory('i32.store', record.OP);
}

/** Pushes these bits of an encoding's kind. */
function pushKind(code: Code, encoding: number, mask: number): Code {
  return code.get(encoding).memory('i32.load8_u', encodings.KIND).i32(mask).op('i32.and');
}

/** Pushes where in this memory the page lies of which the local is the slot table; 0 when it has breakpoints. */
export function pushPageOfSlotTable(code: Code, slotTable: number): Code {
  const shift = Math.log2(at.SLOT_TABLE_SIZE);
  code.get(slotTable).i32(at.SLOT_TABLES).op('i32.sub').i32(shift).op('i32.shr_u').i32(2).op('i32.shl');
  return code.memory('i32.load', at.CODE_PAGES);
}
