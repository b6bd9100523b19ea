/**
 * The interpreter's main function: a case per operation, derived from the instruction table.
 *
 * Two versions come from this generator. `run` counts instructions only where a trace is left and returns when fewer than
 * TRACE_LIMIT remain in the slice; `runExact` looks before every instruction and ends at the exact count.
 */
import type { Action, Expr, Width } from '../isa/semantics';
import type { Code, Label } from '../wasm/code';
import type { MemoryOp } from '../wasm/opcodes';
import type { Arithmetic, OperandSource } from './expression';
import { compileCondition, compileExpr } from './expression';
import * as at from './layout';
import { dataEntry, loadOps, pushRegister, registerOffset, storeOps, tagMask } from './operand-access';
import type { InstructionOperation, Marker, Operation } from './record';
import { IMM, OP, operations, PC_OFFSET, RD, RECORD_SIZE, RS1, RS2, TARGET, TRACE_LIMIT } from './record';
import type { SlowPathName } from './slow-path-calls';
import { EXIT, JUMP, STATUSES } from './slow-path-calls';
import { GIVE_UP } from './translator/region-type';

const PAGE = ~0xfffn;

/** Generated functions that do one operation each, (record, dataTlb) -> done, of a CSR (record, budget) -> done; by operation number. */
export interface Helpers {
  readonly atomics: readonly (number | undefined)[];
  readonly floats: readonly (number | undefined)[];
  readonly csrs: readonly (number | undefined)[];
  /** What to call in place of the slow path's `system`. */
  readonly systems: readonly (number | undefined)[];
  /** Those of `page-walk.ts`. */
  readonly walks: { readonly data: number; readonly fetch: number };
  /** That of `misaligned.ts`. */
  readonly misaligned: number;
}

/** Generates the body of `run` or `runExact`. */
export class InterpreterFunction {
  /** The record being executed, the first one not yet counted, and the count that remains at that one. */
  private readonly record: number;
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

  /**
   * Whether the next instruction is to be interpreted even where a region begins: after a region that has left it, and at the
   * start, where that is no place that the code often jumps to.
   */
  private readonly inside: number;

  private exit!: Label;
  private reload!: Label;
  private lookup!: Label;
  private next!: Label;
  private statusKnown!: Label;
  private slowLoad!: Label;
  private slowStore!: Label;
  private slowFloat!: Label;
  private taken!: Label;

  constructor(
    private readonly code: Code,
    private readonly slowPath: Record<SlowPathName, number>,
    private readonly arithmetic: Arithmetic,
    private readonly helpers: Helpers,
    /** The type of regions. */
    private readonly regionType: number,
    private readonly exact: boolean,
  ) {
    this.record = code.local('i32');
    this.budget = code.local('i32');
    this.page = code.local('i64');
    this.dataTlb = code.local('i32');
    this.fetchTlb = code.local('i32');
    this.address = code.local('i64');
    this.value = code.local('i64');
    this.op = code.local('i32');
    this.answer = code.local('i32');
    this.entry = code.local('i32');
    this.inside = code.local('i32');
  }

  generate(): void {
    const { code } = this;
    code.i32(1).set(this.inside);
    code.block((exit) => {
      this.exit = exit;
      code.loop((reload) => {
        this.reload = reload;
        this.reloadState();
        code.loop((lookup) => {
          this.lookup = lookup;
          this.findRecord();
          this.loadOperation();
          code.loop((next) => {
            this.next = next;
            if (this.exact) this.leaveWhenCounted();
            this.cases();
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
    code.block((cold) => {
      code.block((found) => this.lookUpRecord(found, shift, mask, cold));
      if (this.exact) return;
      code.get(this.inside).if(() => code.i32(0).set(this.inside).br(cold));
      this.enterWhenHot(() => code.br(cold));
    });
    this.beginTrace();
  }

  private lookUpRecord(found: Label, shift: number, mask: number, cold: Label): void {
    const { code } = this;
    {
      code.get(this.address).op('i32.wrap_i64').i32(shift).op('i32.shr_u').i32(mask).op('i32.and');
      code.get(this.fetchTlb).op('i32.add').tee(this.entry).memory('i64.load', 0).get(this.page).op('i64.eq');
      code.if(() => {
        code.get(this.entry).memory('i32.load', at.SLOTS);
        code.get(this.address).op('i32.wrap_i64').i32(0xffe).op('i32.and').i32(1).op('i32.shl', 'i32.add');
        code.memory('i32.load').tee(this.record).brIf(found);
      });
      code.get(this.address).get(this.fetchTlb).call(this.helpers.walks.fetch).tee(this.record).brIf(found);
      this.store(at.PC, 'i64.store', () => code.get(this.address));
      this.store(at.BUDGET, 'i32.store', () => code.get(this.budget));
      code.call(this.slowPath.fetch).tee(this.record).i32(EXIT).op('i32.eq').brIf(this.exit);
      code.get(this.record).i32(JUMP).op('i32.eq').brIf(this.reload);
      code.i32(0).set(this.inside).br(cold);
    }
  }

  /**
   * Counts a jump to the record. When it is hot, its region runs, translated now if it was not, and execution goes on where
   * that leaves. @param cold what to do when there is no region
   */
  private enterWhenHot(cold: () => void): void {
    const { code } = this;
    this.pushHeat().tee(this.op).i32(0).op('i32.lt_s');
    code.if(() => {
      code
        .get(this.record)
        .i32(2)
        .op('i32.shr_u')
        .get(this.op)
        .i32(1)
        .op('i32.add')
        .memory('i32.store', at.HEAT_OFFSET);
      cold();
    });
    code
      .get(this.op)
      .op('i32.eqz')
      .if(() => {
        this.pushPc();
        code.set(this.address);
        this.store(at.PC, 'i64.store', () => code.get(this.address));
        code.get(this.record).call(this.slowPath.translate);
        this.pushHeat().tee(this.op).i32(1).op('i32.lt_s').if(cold);
      });
    this.countEntry(cold);
    code.get(this.page).get(this.dataTlb).get(this.fetchTlb).get(this.budget).get(this.op);
    code.callIndirect(this.regionType).tee(this.inside).i32(GIVE_UP).op('i32.ge_u');
    code.if(() => code.get(this.op).get(this.inside).i32(GIVE_UP).op('i32.sub').call(this.slowPath.giveUpGuess));
    code.br(this.reload);
  }

  /** Counts an entry into the region in `op`; after the last one it is made anew. */
  private countEntry(cold: () => void): void {
    const { code } = this;
    code.get(this.op).i32(2).op('i32.shl').tee(this.entry).memory('i32.load', at.REGION_ENTRIES).tee(this.answer);
    code.op('i32.eqz').if(() => {
      this.store(at.PC, 'i64.store', () => this.pushPc());
      code.get(this.op).call(this.slowPath.growRegion);
      cold();
    });
    code.get(this.entry).get(this.answer).i32(1).op('i32.sub').memory('i32.store', at.REGION_ENTRIES);
  }

  /** Pushes the record's heat (see `layout.ts`). */
  private pushHeat(): Code {
    return this.code.get(this.record).i32(2).op('i32.shr_u').memory('i32.load', at.HEAT_OFFSET);
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
          code.block((slowFloat) => {
            this.slowFloat = slowFloat;
            code.block((taken) => {
              this.taken = taken;
              emit(operations.length - 1, []);
            });
            this.goToTaken();
          });
          this.callSlowPath('float');
          code.br(this.statusKnown);
        });
        this.accessMisaligned(false);
        this.walkForData(false);
        this.callWithAddress('load');
        code.br(this.statusKnown);
      });
      this.store(at.EXCHANGE, 'i64.store', () => code.get(this.value));
      this.accessMisaligned(true);
      this.walkForData(true);
      this.callWithAddress('store');
    });
    this.continueByStatus();
  }

  private operation(operation: Operation, index: number): void {
    if ('marker' in operation) this.markers[operation.marker]();
    else this.instruction(operation, index);
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
      code.get(this.answer).i32(STATUSES).op('i32.sub').set(this.op).br(this.next);
    },
    cross: () => this.followRecord('cross'),
    illegal: () => {
      this.callSlowPath('illegal');
      this.code.br(this.statusKnown);
    },
  };

  /** One instruction, or a pair: its second one follows without a dispatch. The exact version does them singly. */
  private instruction({ instruction, form, second }: InstructionOperation, index: number): void {
    if (second === undefined || this.exact) {
      this.action(instruction.action, form, index, () => this.advance());
      return;
    }
    this.action(instruction.action, form, index, () => {
      this.code.get(this.record).i32(RECORD_SIZE).op('i32.add').set(this.record);
      this.action(second.instruction.action, second.form, index, () => this.advance());
    });
  }

  /** @param then what follows when the instruction is done and goes on to the next record */
  private action(action: Action, form: string, index: number, then: () => void): void {
    const { code } = this;
    switch (action.k) {
      case 'compute':
        this.writeRd(() => this.push(action.value));
        then();
        return;
      case 'load':
        this.lookUpData(action.address, action.width, at.LOAD_TAG, this.slowLoad);
        this.writeRd(() => {
          this.pushHostAddress();
          code.memory(loadOps[action.width][action.signed ? 0 : 1]);
        });
        then();
        return;
      case 'store':
        this.push(action.value);
        code.set(this.value);
        this.lookUpData(action.address, action.width, at.STORE_TAG, this.slowStore);
        this.pushHostAddress();
        code.get(this.value).memory(storeOps[action.width]);
        then();
        return;
      case 'branch':
        compileCondition(code, action.condition, this.operands, this.arithmetic);
        code.if(() => {
          if (form === 'near') this.goNear();
          else this.goFar();
        });
        then();
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
        code.get(this.record).get(this.dataTlb).call(this.helpers.atomics[index]!);
        code.if(then);
        this.callSlowPath('atomic');
        code.br(this.statusKnown);
        return;
      case 'float-load':
      case 'float-store':
      case 'float':
        code.get(this.record).get(this.dataTlb).call(this.helpers.floats[index]!);
        code.if(then);
        code.br(this.slowFloat);
        return;
      case 'fence':
        then();
        return;
      case 'system': {
        const csr = this.helpers.csrs[index];
        if (csr !== undefined) {
          code.get(this.record).get(this.budget).call(csr);
          code.if(() => {
            code.i32(0).memory('i32.load', at.DATA_TLB).set(this.dataTlb);
            then();
          });
        }
        this.spill();
        code
          .get(this.record)
          .call(this.helpers.systems[index] ?? this.slowPath.system)
          .set(this.answer);
        code.br(this.statusKnown);
      }
    }
  }

  private readonly operands: OperandSource = {
    x: (operand) => pushRegister(this.code, this.record, operand === 'rs1' ? RS1 : RS2),
    imm: () => this.code.get(this.record).memory('i64.load32_s', IMM),
    pc: () => this.pushPc(),
    old: () => {
      throw new Error('only atomic operations have an old value');
    },
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
    this.code.get(this.record).i32(RECORD_SIZE).op('i32.add').set(this.record);
    this.dispatch();
  }

  /** Does the record. */
  private dispatch(): void {
    this.loadOperation();
    this.code.br(this.next);
  }

  /** Each case loads the next operation itself, so that it is there early. */
  private loadOperation(): void {
    this.code.get(this.record).memory('i32.load16_u', OP).set(this.op);
  }

  /**
   * The trace begins at this record. That is kept in memory: V8 would compute what depends on it for each instruction, in front
   * of the choice of its case, because many cases have the same expressions.
   */
  private beginTrace(): void {
    this.store(at.TRACE_START, 'i32.store', () => this.code.get(this.record));
  }

  private goNear(): void {
    const { code } = this;
    code.get(this.record).memory('i32.load', TARGET).tee(this.answer);
    code.if(
      () => {
        this.countDone(1);
        code.get(this.answer).set(this.record).br(this.taken);
      },
      () => this.followRecord('link'),
    );
  }

  /** After a jump to a record of this page. */
  private goToTaken(): void {
    this.beginTrace();
    this.leaveWhenUsedUp();
    if (!this.exact) this.enterWhenHot(() => this.dispatch());
    this.dispatch();
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
    this.code.get(record).set(this.record);
    this.beginTrace();
    this.leaveWhenUsedUp();
    this.dispatch();
  }

  /** Out by way of the lookup, with pc at the record, when too little of the slice remains. */
  private leaveWhenUsedUp(): void {
    const { code } = this;
    code
      .get(this.budget)
      .i32(this.exact ? 1 : TRACE_LIMIT)
      .op('i32.lt_s');
    code.if(() => {
      this.pushPc();
      code.set(this.address).br(this.lookup);
    });
  }

  /** Does the record again when its page can be put into the TLB without the slow path. */
  private walkForData(isStore: boolean): void {
    const { code } = this;
    code
      .get(this.address)
      .get(this.dataTlb)
      .i32(isStore ? 1 : 0);
    code.call(this.helpers.walks.data).if(() => this.dispatch());
  }

  /** On behind the record when its access is misaligned, in pages that the TLB has. */
  private accessMisaligned(isStore: boolean): void {
    const { code } = this;
    code
      .get(this.record)
      .get(this.address)
      .get(this.dataTlb)
      .i32(isStore ? 1 : 0);
    code.call(this.helpers.misaligned).if(() => this.advance());
  }

  private callWithAddress(name: 'load' | 'store'): void {
    const { code } = this;
    this.spill();
    code.get(this.record).get(this.address).op('i32.wrap_i64');
    code.get(this.address).i64(32n).op('i64.shr_u', 'i32.wrap_i64');
    code.call(this.slowPath[name]).set(this.answer);
  }

  private callSlowPath(name: 'atomic' | 'float' | 'illegal' | 'breakpoint' | 'link' | 'cross'): void {
    this.spill();
    this.code.get(this.record).call(this.slowPath[name]).set(this.answer);
  }

  /** After a slow-path call: on behind the instruction, at the stored pc, or out. */
  private continueByStatus(): void {
    const { code } = this;
    code.get(this.answer).i32(JUMP).op('i32.eq').brIf(this.reload);
    code.get(this.answer).i32(EXIT).op('i32.eq').brIf(this.exit);
    code.i32(0).memory('i32.load', at.BUDGET).set(this.budget);
    this.beginTrace();
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
    this.code.get(this.record).i32(0).memory('i32.load', at.TRACE_START).op('i32.sub').i32(shift).op('i32.shr_u');
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
