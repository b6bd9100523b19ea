/**
 * Generates the interpreter: one WebAssembly function with a case per operation, derived from the instruction table.
 *
 * Two versions come from the same generator. `run` counts instructions only where a trace is left and returns when
 * fewer than TRACE_LIMIT remain in the slice; `runExact` looks before every instruction and ends at the exact count.
 * Calls to the slow path store pc and the remaining count first; they answer with a status.
 */
import type { Action, Expr, Width } from '../isa/semantics';
import type { Code } from '../wasm/code';
import type { Label } from '../wasm/code';
import { Module } from '../wasm/module';
import type { MemoryOp, ValueType } from '../wasm/opcodes';
import type { Arithmetic, OperandSource } from './expression';
import { compileCondition, compileExpr, defineArithmetic } from './expression';
import * as at from './layout';
import type { Marker, Operation } from './record';
import { IMM, OP, operations, PC_OFFSET, RD, RECORD_SIZE, RS1, RS2, TARGET, TRACE_LIMIT } from './record';

/** Answers of the slow path. Greater ones are a record address, or for `breakpoint` an operation number + `STATUSES`. */
export const NEXT = 0;
export const JUMP = 1;
export const EXIT = 2;
export const STATUSES = 3;

const status: readonly ValueType[] = ['i32'];
/** The functions that the interpreter imports; each finds pc and the remaining count stored. */
export const slowPathTypes = {
  /** A load by the record's instruction from the address (halves) that the TLB does not have; it writes rd. */
  load: { parameters: ['i32', 'i32', 'i32'], results: status },
  /** The same for a store of the value in EXCHANGE. */
  store: { parameters: ['i32', 'i32', 'i32'], results: status },
  /** LR, SC or AMO that the fast path cannot do. */
  atomic: { parameters: ['i32'], results: status },
  system: { parameters: ['i32'], results: status },
  illegal: { parameters: ['i32'], results: status },
  breakpoint: { parameters: ['i32'], results: status },
  /** The record for a near branch whose target is not yet known. */
  link: { parameters: ['i32'], results: status },
  /** The record of the instruction that straddles two pages. */
  cross: { parameters: ['i32'], results: status },
  /** The record at the stored pc, which the fetch TLB or its slot table does not have. */
  fetch: { parameters: [], results: status },
} as const satisfies Record<string, { parameters: readonly ValueType[]; results: readonly ValueType[] }>;
export type SlowPathName = keyof typeof slowPathTypes;

const loadOps: Record<Width, readonly [signed: MemoryOp, unsigned: MemoryOp]> = {
  1: ['i64.load8_s', 'i64.load8_u'],
  2: ['i64.load16_s', 'i64.load16_u'],
  4: ['i64.load32_s', 'i64.load32_u'],
  8: ['i64.load', 'i64.load'],
};
const storeOps: Record<Width, MemoryOp> = { 1: 'i64.store8', 2: 'i64.store16', 4: 'i64.store32', 8: 'i64.store' };
/** Bits of an address that must equal a TLB tag: the page, and zeros where a misaligned address has ones. */
const tagMask = (width: Width) => ~0xfffn | BigInt(width - 1);
const PAGE = ~0xfffn;

/** The module's bytes; it exports `run` and `runExact`. */
export function generateInterpreter(pages: number): Uint8Array<ArrayBuffer> {
  const module = new Module();
  module.importMemory('engine', 'memory', pages, pages);
  const slowPath = Object.fromEntries(
    Object.entries(slowPathTypes).map(([name, type]) => [name, module.importFunction('engine', name, type)]),
  ) as Record<SlowPathName, number>;
  const arithmetic = defineArithmetic(module);
  const atomics = operations.map((operation) => defineAtomic(module, operation, arithmetic));
  for (const exact of [false, true]) {
    const run = module.define({ parameters: [], results: [] }, (code) =>
      new InterpreterFunction(code, slowPath, arithmetic, atomics, exact).generate(),
    );
    module.export(exact ? 'runExact' : 'run', run);
  }
  return module.encode();
}

/** Pushes the address of a register that a record names. */
function registerOffset(code: Code, record: number, field: number): Code {
  return code.get(record).memory(field === RD ? 'i32.load16_u' : 'i32.load8_u', field);
}

function pushRegister(code: Code, record: number, field: number): Code {
  return registerOffset(code, record, field).memory('i64.load', at.X_REGISTERS);
}

/** Pushes the data TLB entry for the address in the local. */
function dataEntry(code: Code, address: number, dataTlb: number): Code {
  const shift = 12 - Math.log2(at.DATA_ENTRY_SIZE);
  const mask = (at.DATA_ENTRIES - 1) * at.DATA_ENTRY_SIZE;
  return code
    .get(address)
    .op('i32.wrap_i64')
    .i32(shift)
    .op('i32.shr_u')
    .i32(mask)
    .op('i32.and')
    .get(dataTlb)
    .op('i32.add');
}

/**
 * One function per atomic instruction, (record, dataTlb) -> done: it does the instruction if the TLB has the page for
 * it, and otherwise leaves it to the slow path. Undefined for other operations.
 */
function defineAtomic(module: Module, operation: Operation, arithmetic: Arithmetic): number | undefined {
  if ('marker' in operation) return undefined;
  const { action } = operation.instruction;
  if (action.k !== 'atomic' && action.k !== 'load-reserved' && action.k !== 'store-conditional') return undefined;
  return module.define({ parameters: ['i32', 'i32'], results: ['i32'] }, (code) => {
    const [record, dataTlb] = [0, 1];
    const [address, old, entry, host] = [code.local('i64'), code.local('i64'), code.local('i32'), code.local('i32')];
    const tag = action.k === 'load-reserved' ? at.LOAD_TAG : at.STORE_TAG;
    const load = loadOps[action.width][0];
    const writeRd = (value: () => void) => {
      registerOffset(code, record, RD);
      value();
      code.memory('i64.store', at.X_REGISTERS);
    };
    pushRegister(code, record, RS1).set(address);
    dataEntry(code, address, dataTlb).tee(entry).memory('i64.load', tag);
    code.get(address).i64(tagMask(action.width)).op('i64.and', 'i64.ne');
    code.if(() => code.i32(0).op('return'));
    code.get(address).op('i32.wrap_i64').get(entry).memory('i32.load', at.ADDEND).op('i32.add').set(host);
    if (action.k === 'load-reserved') {
      code.i32(0).get(host).memory('i32.store', at.RESERVATION);
      code.i32(0).get(host).memory(load).tee(old).memory('i64.store', at.RESERVED_VALUE);
      writeRd(() => code.get(old));
    } else if (action.k === 'store-conditional') {
      code.i32(0).memory('i32.load', at.RESERVATION).get(host).op('i32.eq');
      code.get(host).memory(load).i32(0).memory(load, at.RESERVED_VALUE).op('i64.eq', 'i32.and');
      code.if(
        () => {
          code.get(host);
          pushRegister(code, record, RS2).memory(storeOps[action.width]);
          writeRd(() => code.i64(0n));
        },
        () => writeRd(() => code.i64(1n)),
      );
      code.i32(0).i32(-1).memory('i32.store', at.RESERVATION);
    } else {
      code.get(host).memory(load).set(old);
      code.get(host);
      compileExpr(
        code,
        action.result,
        {
          x: (operand) => pushRegister(code, record, operand === 'rs1' ? RS1 : RS2),
          old: () => code.get(old),
          imm: unused,
          pc: unused,
        },
        arithmetic,
      );
      code.memory(storeOps[action.width]);
      writeRd(() => code.get(old));
    }
    code.i32(1);
  });
}

function unused(): never {
  throw new Error('an atomic operation uses neither pc nor an immediate');
}

/** Generates the body of `run` or `runExact`. */
class InterpreterFunction {
  /** The record being executed, the first one not yet counted, and the count that remains at that one. */
  private readonly record: number;
  private readonly start: number;
  private readonly budget: number;
  /** The virtual address of the current page. */
  private readonly page: number;
  private readonly dataTlb: number;
  private readonly fetchTlb: number;
  /** An address and a value on their way to memory. */
  private readonly address: number;
  private readonly value: number;
  /** The operation number, a slow-path status, or a TLB entry. */
  private readonly op: number;
  private readonly answer: number;
  private readonly entry: number;

  private exit!: Label;
  private reload!: Label;
  private lookup!: Label;
  private next!: Label;
  private dispatch!: Label;
  private statusKnown!: Label;
  private slowLoad!: Label;
  private slowStore!: Label;

  constructor(
    private readonly code: Code,
    private readonly slowPath: Record<SlowPathName, number>,
    private readonly arithmetic: Arithmetic,
    private readonly atomics: readonly (number | undefined)[],
    private readonly exact: boolean,
  ) {
    this.record = code.local('i32');
    this.start = code.local('i32');
    this.budget = code.local('i32');
    this.page = code.local('i64');
    this.dataTlb = code.local('i32');
    this.fetchTlb = code.local('i32');
    this.address = code.local('i64');
    this.value = code.local('i64');
    this.op = code.local('i32');
    this.answer = code.local('i32');
    this.entry = code.local('i32');
  }

  generate(): void {
    const { code } = this;
    code.block((exit) => {
      this.exit = exit;
      code.loop((reload) => {
        this.reload = reload;
        this.reloadState();
        code.loop((lookup) => {
          this.lookup = lookup;
          this.findRecord();
          code.loop((next) => {
            this.next = next;
            if (this.exact) this.leaveWhenCounted();
            code.get(this.record).memory('i32.load16_u', OP).set(this.op);
            code.loop((dispatch) => {
              this.dispatch = dispatch;
              this.cases();
            });
          });
        });
      });
    });
  }

  /** After entry and after the slow path changed the state: pc is taken from memory into `address`. */
  private reloadState(): void {
    const { code } = this;
    code.i32(0).memory('i32.load', at.BUDGET).set(this.budget);
    code.i32(0).memory('i32.load', at.DATA_TLB).set(this.dataTlb);
    code.i32(0).memory('i32.load', at.FETCH_TLB).set(this.fetchTlb);
    code.i32(0).memory('i64.load', at.PC).set(this.address);
  }

  /** From the pc in `address` to its record, through the fetch TLB; leaves `run` when the slice is almost used up. */
  private findRecord(): void {
    const { code } = this;
    const shift = 12 - Math.log2(at.FETCH_ENTRY_SIZE);
    const mask = (at.FETCH_ENTRIES - 1) * at.FETCH_ENTRY_SIZE;
    code
      .get(this.budget)
      .i32(this.exact ? 1 : TRACE_LIMIT)
      .op('i32.lt_s');
    code.if(() => {
      this.store(at.PC, 'i64.store', () => code.get(this.address));
      this.store(at.BUDGET, 'i32.store', () => code.get(this.budget));
      code.br(this.exit);
    });
    code.get(this.address).i64(PAGE).op('i64.and').set(this.page);
    code.block((found) => {
      code.get(this.address).op('i32.wrap_i64').i32(shift).op('i32.shr_u').i32(mask).op('i32.and');
      code.get(this.fetchTlb).op('i32.add').tee(this.entry).memory('i64.load', 0).get(this.page).op('i64.eq');
      code.if(() => {
        code.get(this.entry).memory('i32.load', at.SLOTS);
        code.get(this.address).op('i32.wrap_i64').i32(0xffe).op('i32.and').i32(1).op('i32.shl', 'i32.add');
        code.memory('i32.load').tee(this.record).brIf(found);
      });
      this.store(at.PC, 'i64.store', () => code.get(this.address));
      this.store(at.BUDGET, 'i32.store', () => code.get(this.budget));
      code.call(this.slowPath.fetch).tee(this.record).i32(EXIT).op('i32.eq').brIf(this.exit);
      code.get(this.record).i32(JUMP).op('i32.eq').brIf(this.reload);
    });
    code.get(this.record).set(this.start);
  }

  private leaveWhenCounted(): void {
    const { code } = this;
    code.get(this.budget);
    this.pushDone();
    code.op('i32.le_s').if(() => {
      this.spill();
      code.br(this.exit);
    });
  }

  /** The nest of blocks with a case each, and behind them the parts that cases share. */
  private cases(): void {
    const { code } = this;
    const emit = (index: number, labels: Label[]): void => {
      if (index < 0) {
        code.get(this.op).brTable([...labels].reverse(), this.exit);
        return;
      }
      code.block((label) => emit(index - 1, [...labels, label]));
      this.operation(operations[index], index);
    };
    code.block((statusKnown) => {
      this.statusKnown = statusKnown;
      code.block((slowStore) => {
        this.slowStore = slowStore;
        code.block((slowLoad) => {
          this.slowLoad = slowLoad;
          emit(operations.length - 1, []);
        });
        this.callWithAddress('load');
        code.br(this.statusKnown);
      });
      this.store(at.EXCHANGE, 'i64.store', () => code.get(this.value));
      this.callWithAddress('store');
    });
    this.continueByStatus();
  }

  private operation(operation: Operation, index: number): void {
    if ('marker' in operation) this.markers[operation.marker]();
    else this.action(operation.instruction.action, operation.form, index);
  }

  private readonly markers: Record<Marker, () => void> = {
    end: () => {
      this.countDone();
      this.pushPc();
      this.code.set(this.address).br(this.lookup);
    },
    goto: () => {
      this.countDone();
      this.code.get(this.record).memory('i32.load', TARGET).set(this.answer);
      this.goTo(this.answer);
    },
    break: () => {
      const { code } = this;
      this.callSlowPath('breakpoint');
      code.get(this.answer).i32(STATUSES).op('i32.lt_u').brIf(this.statusKnown);
      code.get(this.answer).i32(STATUSES).op('i32.sub').set(this.op).br(this.dispatch);
    },
    cross: () => this.followRecord('cross'),
    illegal: () => {
      this.callSlowPath('illegal');
      this.code.br(this.statusKnown);
    },
  };

  private action(action: Action, form: string, index: number): void {
    const { code } = this;
    switch (action.k) {
      case 'compute':
        this.writeRd(() => this.push(action.value));
        this.advance();
        return;
      case 'load':
        this.lookUpData(action.address, action.width, at.LOAD_TAG, this.slowLoad);
        this.writeRd(() => {
          this.pushHostAddress();
          code.memory(loadOps[action.width][action.signed ? 0 : 1]);
        });
        this.advance();
        return;
      case 'store':
        this.push(action.value);
        code.set(this.value);
        this.lookUpData(action.address, action.width, at.STORE_TAG, this.slowStore);
        this.pushHostAddress();
        code.get(this.value).memory(storeOps[action.width]);
        this.advance();
        return;
      case 'branch':
        compileCondition(code, action.condition, this.operands, this.arithmetic);
        code.if(() => {
          if (form === 'near') this.goNear();
          else this.goFar();
        });
        this.advance();
        return;
      case 'jump':
        if (form === 'near') {
          this.writeRd(() => this.pushReturnAddress());
          this.goNear();
        } else if (form === 'far') {
          this.writeRd(() => this.pushReturnAddress());
          this.goFar();
        } else {
          this.push(action.target);
          code.i64(-2n).op('i64.and').set(this.address);
          this.writeRd(() => this.pushReturnAddress());
          this.countDone(1);
          code.br(this.lookup);
        }
        return;
      case 'atomic':
      case 'load-reserved':
      case 'store-conditional':
        code.get(this.record).get(this.dataTlb).call(this.atomics[index]!);
        code.if(() => this.advance());
        this.callSlowPath('atomic');
        code.br(this.statusKnown);
        return;
      case 'fence':
        this.advance();
        return;
      case 'system':
        this.callSlowPath('system');
        code.br(this.statusKnown);
    }
  }

  private readonly operands: OperandSource = {
    x: (operand) => pushRegister(this.code, this.record, operand === 'rs1' ? RS1 : RS2),
    imm: () => this.code.get(this.record).memory('i64.load32_s', IMM),
    pc: () => this.pushPc(),
    old: unused,
  };

  private push(expr: Expr): void {
    compileExpr(this.code, expr, this.operands, this.arithmetic);
  }

  /** Address into `address`, its TLB entry into `entry`; to `miss` when that is not the page or it is misaligned. */
  private lookUpData(expr: Expr, width: Width, tag: number, miss: Label): void {
    const { code } = this;
    this.push(expr);
    code.set(this.address);
    dataEntry(code, this.address, this.dataTlb).tee(this.entry).memory('i64.load', tag);
    code.get(this.address).i64(tagMask(width)).op('i64.and', 'i64.ne').brIf(miss);
  }

  private pushHostAddress(): void {
    this.code.get(this.address).op('i32.wrap_i64').get(this.entry).memory('i32.load', at.ADDEND).op('i32.add');
  }

  private writeRd(value: () => void): void {
    registerOffset(this.code, this.record, RD);
    value();
    this.code.memory('i64.store', at.X_REGISTERS);
  }

  /** On to the next record of the trace. */
  private advance(): void {
    this.code.get(this.record).i32(RECORD_SIZE).op('i32.add').set(this.record).br(this.next);
  }

  private goNear(): void {
    const { code } = this;
    code.get(this.record).memory('i32.load', TARGET).tee(this.answer);
    code.if(
      () => {
        this.countDone(1);
        this.goTo(this.answer);
      },
      () => this.followRecord('link'),
    );
  }

  private goFar(): void {
    this.pushPc();
    this.operands.imm();
    this.code.op('i64.add').set(this.address);
    this.countDone(1);
    this.code.br(this.lookup);
  }

  /** On at the record that the slow path names, if it names one. */
  private followRecord(name: 'link' | 'cross'): void {
    const { code } = this;
    this.callSlowPath(name);
    code.get(this.answer).i32(STATUSES).op('i32.lt_u').brIf(this.statusKnown);
    code.i32(0).memory('i32.load', at.BUDGET).set(this.budget);
    this.goTo(this.answer);
  }

  /** On at another record of this page, unless too little of the slice remains: then out, by way of the lookup. */
  private goTo(record: number): void {
    const { code } = this;
    code.get(record).tee(this.record).set(this.start);
    code
      .get(this.budget)
      .i32(this.exact ? 1 : TRACE_LIMIT)
      .op('i32.ge_s')
      .brIf(this.next);
    this.pushPc();
    code.set(this.address).br(this.lookup);
  }

  private callWithAddress(name: 'load' | 'store'): void {
    const { code } = this;
    this.spill();
    code.get(this.record).get(this.address).op('i32.wrap_i64');
    code.get(this.address).i64(32n).op('i64.shr_u', 'i32.wrap_i64');
    code.call(this.slowPath[name]).set(this.answer);
  }

  private callSlowPath(name: 'atomic' | 'system' | 'illegal' | 'breakpoint' | 'link' | 'cross'): void {
    this.spill();
    this.code.get(this.record).call(this.slowPath[name]).set(this.answer);
  }

  /** After a slow-path call: on behind the instruction, at the stored pc, or out. */
  private continueByStatus(): void {
    const { code } = this;
    code.get(this.answer).i32(JUMP).op('i32.eq').brIf(this.reload);
    code.get(this.answer).i32(EXIT).op('i32.eq').brIf(this.exit);
    code.i32(0).memory('i32.load', at.BUDGET).set(this.budget);
    code.get(this.record).set(this.start);
    this.advance();
  }

  /** Stores pc and the count that remains with this record's instruction not yet counted. */
  private spill(): void {
    const { code } = this;
    this.store(at.PC, 'i64.store', () => this.pushPc());
    this.store(at.BUDGET, 'i32.store', () => {
      code.get(this.budget);
      this.pushDone();
      code.op('i32.sub');
    });
  }

  /** Pushes how many instructions of the trace lie between `start` and this record. */
  private pushDone(): void {
    const shift = Math.log2(RECORD_SIZE);
    this.code.get(this.record).get(this.start).op('i32.sub').i32(shift).op('i32.shr_u');
  }

  /** Takes the instructions before this record, and `more`, off the remaining count. */
  private countDone(more = 0): void {
    const { code } = this;
    code.get(this.budget);
    this.pushDone();
    code.op('i32.sub');
    if (more !== 0) code.i32(more).op('i32.sub');
    code.set(this.budget);
  }

  private pushPc(): void {
    const { code } = this;
    code.get(this.record).memory('i64.load16_u', PC_OFFSET).i64(-2n).op('i64.and').get(this.page).op('i64.add');
  }

  /** Bit 0 of the page offset is set for a 2-byte instruction: offset with bit 0 cleared, plus 4, less 2. */
  private pushReturnAddress(): void {
    const { code } = this;
    code.get(this.record).memory('i64.load16_u', PC_OFFSET).tee(this.value);
    code.get(this.value).i64(1n).op('i64.and').i64(3n).op('i64.mul', 'i64.sub').i64(4n).op('i64.add');
    code.get(this.page).op('i64.add');
  }

  private store(address: number, op: MemoryOp, value: () => void): void {
    this.code.i32(0);
    value();
    this.code.memory(op, address);
  }
}
