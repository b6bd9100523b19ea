/** Writes the code of single instructions in a region: operands known, registers in locals. */
import type { FloatOperation } from '../../isa/float/operations';
import type { Decoded } from '../../isa/instruction';
import type { Expr, Width } from '../../isa/semantics';
import type { Code, Label } from '../../wasm/code';
import type { MemoryOp } from '../../wasm/opcodes';
import { emitAtomic, isAtomic } from '../atomics';
import type { Arithmetic, OperandSource } from '../expression';
import { compileCondition, compileExpr } from '../expression';
import { emitFloat, requireUnit } from '../float/emit-float';
import type { FloatSite } from '../float/site';
import { Scratch } from '../float/site';
import * as at from '../layout';
import { loadOps, storeOps } from '../operand-access';
import { emitStatusAccess } from '../status-access';
import { emitCsrAccess } from '../stored-csrs';
import { emitTimeAccess } from '../time-access';
import { FloatRegisters } from './float-registers';
import { IntegerRegisters } from './integer-registers';
import type { MemoryAccess } from './memory-access';
import type { NarrowSource } from './narrow-expression';
import { compileNarrow, compileNarrowCondition } from './narrow-expression';
import { isNarrow, isNarrowCondition, isPositive, isSignExtended, knownAfter } from './narrow-registers';
import type { Step } from './region';
import { integerUse } from './registers';
import type { StridedAccesses } from './strided-accesses';

/** Loads of what an i32 holds, sign-extended; and stores of it. */
const narrowLoads: Partial<Record<Width, readonly [signed: MemoryOp, unsigned?: MemoryOp]>> = {
  1: ['i32.load8_s', 'i32.load8_u'],
  2: ['i32.load16_s', 'i32.load16_u'],
  4: ['i32.load'],
};
const narrowStores: Partial<Record<Width, MemoryOp>> = { 1: 'i32.store8', 2: 'i32.store16', 4: 'i32.store' };

/** A floating-point instruction's immediate is its rounding mode, and above it the number of rs3. */
const ROUNDING_BITS = 3;

export class StepEmitter {
  /** The integer registers. */
  readonly integers: IntegerRegisters;
  /** Integer registers that hold a sign-extended 32-bit value now. */
  known = 0;
  /** Registers that are better kept as an i32. */
  private preferred = 0;
  /** What was shifted to the upper half by the step before: the register with the result, and the local with the value. */
  private shifted: { readonly register: number; readonly half: number } | undefined;
  private readonly halfLocals: number[] = [];
  /** The floating-point registers. */
  readonly floats: FloatRegisters;
  private readonly scratch: Scratch;
  /** What the block knows of mstatus.FS. */
  private unit: FloatSite['unit'];
  private step!: Step;
  private uncounted = 0;
  private readonly kept = new Map<Step, number>();

  constructor(
    private readonly code: Code,
    /** The locals with the region's page and the data TLB. */
    private readonly page: number,
    private readonly dataTlb: number,
    /** The local with the remaining count. */
    private readonly budget: number,
    private readonly arithmetic: Arithmetic,
    /** The functions of `float/helpers.ts`. */
    private readonly floatHelper: (name: string) => number,
    /** Loads and stores. */
    readonly memory: MemoryAccess,
  ) {
    this.integers = new IntegerRegisters(code);
    this.floats = new FloatRegisters(code);
    this.scratch = new Scratch(code);
  }

  /** The local in which a load, emitted later, shall leave the address that it loads from. */
  keepAddress(load: Step): number {
    const local = this.code.local('i64');
    this.kept.set(load, local);
    return local;
  }

  /** Whether the instruction may be left to the interpreter: then it needs a label for that. */
  canMiss(step: Step): boolean {
    const { action } = step.decoded.instruction;
    return this.memory.begins(step) || action.k === 'system' || isAtomic(action) || action.k.startsWith('float');
  }

  /** At the region's start; all blocks that will be emitted. */
  startRegion(blocks: readonly (readonly Step[])[], preferred: number, ahead: readonly StridedAccesses[]): void {
    this.preferred = preferred;
    this.memory.startRegion(blocks, ahead);
  }

  /**
   * At a block's start nothing is known of what other blocks have done but these registers' single-precision values, and
   * these integer registers, which hold sign-extended 32-bit values.
   */
  startBlock(singles: number, known: number): void {
    this.known = known;
    this.shifted = undefined;
    this.unit = undefined;
    this.floats.startBlock(singles);
  }

  /** An instruction that goes on to the next one. @param uncounted instructions from it on that are counted already */
  emit(step: Step, miss: Label, uncounted: number): void {
    const { shifted } = this;
    this.shifted = undefined;
    this.step = step;
    this.uncounted = uncounted;
    this.action(step, miss, shifted);
    this.known = knownAfter(this.known, step);
    this.memory.finish(step);
  }

  private action(step: Step, miss: Label, shifted: StepEmitter['shifted']): void {
    const { code } = this;
    const { decoded } = step;
    const { action } = decoded.instruction;
    if (!['compute', 'load', 'store'].includes(action.k)) this.widenOperands(decoded);
    switch (action.k) {
      case 'compute':
        this.compute(decoded, action.value, shifted);
        return;
      case 'load':
        if (this.kept.has(step)) {
          this.push(action.address);
          code.set(this.kept.get(step)!);
        }
        this.memory.lookUp(step, () => this.operands.x('rs1'), miss);
        this.load(step, action.width, action.signed);
        return;
      case 'store':
        this.memory.lookUp(step, () => this.operands.x('rs1'), miss);
        this.store(step, action.width, action.value);
        return;
      case 'atomic':
      case 'load-reserved':
      case 'store-conditional': {
        const operands = {
          x: (operand: 'rs1' | 'rs2') => this.operands.x(operand),
          writeRd: (value: () => void) => this.writeRd(value),
          dataTlb: this.dataTlb,
          leaveIf: () => code.unlikely().brIf(miss),
        };
        emitAtomic(code, action, operands, this.arithmetic);
        return;
      }
      case 'float':
        this.float(step.decoded, action.operation, miss);
        return;
      case 'float-load':
        this.requireUnit(miss, true);
        this.memory.lookUp(step, () => this.operands.x('rs1'), miss);
        this.memory.access(step, action.width === 4 ? 'f32.load' : 'f64.load');
        this.floats.set(step.decoded.rd, action.width === 4 ? 's' : 'd');
        return;
      case 'float-store':
        this.requireUnit(miss, false);
        this.memory.lookUp(step, () => this.operands.x('rs1'), miss);
        this.memory.access(step, storeOps[action.width], () =>
          code.get(this.floats.local(step.decoded.rs2)).op('i64.reinterpret_f64'),
        );
        return;
      case 'system':
        this.csr(step, miss);
        return;
      case 'fence':
        return;
      default:
        throw new Error(`${step.decoded.instruction.name} is not for a block's inside`);
    }
  }

  /** Pushes whether a branch is taken (i32). */
  pushCondition(step: Step): void {
    const { action } = step.decoded.instruction;
    if (action.k !== 'branch') throw new Error('not a branch');
    this.step = step;
    const { condition } = action;
    const { rs1, rs2 } = step.decoded;
    const isKept = this.integers.isNarrow(rs1) || this.integers.isNarrow(rs2);
    if (isKept && isNarrowCondition(condition, step.decoded, this.known)) {
      compileNarrowCondition(this.code, condition, this.halves);
      return;
    }
    compileCondition(this.code, action.condition, this.operands, this.arithmetic);
  }

  /** Leaves the target of a jump in the local, and writes the return address. */
  jump(step: Step, target: number): void {
    const { code } = this;
    const { action, format } = step.decoded.instruction;
    if (action.k !== 'jump') throw new Error('not a jump');
    this.step = step;
    if (format !== 'J') {
      this.push(action.target);
      code.i64(-2n).op('i64.and').set(target);
    }
    this.writeRd(() => this.pushPosition(step.position + step.decoded.length));
  }

  /** Pushes the virtual address of a position (i64). */
  pushPosition(position: number): void {
    this.code.get(this.page).i64(BigInt(position)).op('i64.add');
  }

  private readonly operands: OperandSource = {
    x: (operand) => {
      const register = this.step.decoded[operand];
      if (register === 0) this.code.i64(0n);
      else this.integers.push(register);
    },
    imm: () => this.code.i64(BigInt(this.step.decoded.imm)),
    pc: () => this.pushPosition(this.step.position),
    old: () => {
      throw new Error('only atomic operations have an old value');
    },
  };

  private readonly halves: NarrowSource = {
    x: (operand) => {
      const register = this.step.decoded[operand];
      if (register === 0) this.code.i32(0);
      else this.integers.pushLow(register);
    },
    imm: () => this.code.i32(this.step.decoded.imm),
  };

  /** Before code that uses operands where it may not come along. */
  private widenOperands(decoded: Decoded): void {
    const { reads } = integerUse(decoded.instruction, decoded);
    for (let x = 1; x < 32; x++) if (reads & (1 << x)) this.integers.widen(x);
  }

  private isPreferred(register: number): boolean {
    return (this.preferred & (1 << register)) !== 0;
  }

  private compute(decoded: Decoded, value: Expr, shifted: StepEmitter['shifted']): void {
    const { code } = this;
    const { instruction, rd, rs1, imm } = decoded;
    if (rd === 0) return;
    if (instruction.name === 'srli' && shifted?.register === rs1 && imm <= 32) {
      // The value's lower half, zero-extended.
      code.get(shifted.half).op('i64.extend_i32_u');
      if (imm < 32) code.i64(BigInt(32 - imm)).op('i64.shl');
      this.integers.set(rd);
      return;
    }
    if (instruction.name === 'slli' && imm === 32 && rs1 !== 0) {
      const half = (this.halfLocals[0] ??= code.local('i32'));
      this.integers.pushLow(rs1);
      code.set(half);
      this.shifted = { register: rd, half };
    }
    const isWord = value.k === 'unary' && value.op === 'sext32';
    const isNarrowed = isNarrow(value, decoded) && isSignExtended(value, decoded, this.known);
    if (isNarrowed && this.isPreferred(rd)) {
      compileNarrow(code, value, this.halves);
      this.integers.setLow(rd, isPositive(value, decoded));
    } else if (isNarrowed && isWord) {
      compileNarrow(code, value, this.halves);
      code.op('i64.extend_i32_s');
      this.integers.set(rd);
    } else {
      this.writeRd(() => this.push(value));
    }
  }

  private load(step: Step, width: Width, signed: boolean): void {
    const { rd } = step.decoded;
    const op = narrowLoads[width]?.[signed ? 0 : 1];
    if (rd === 0 || !op || !this.isPreferred(rd)) {
      this.writeRd(() => this.memory.access(step, loadOps[width][signed ? 0 : 1]));
      return;
    }
    this.memory.access(step, op);
    this.integers.setLow(rd, !signed);
  }

  private store(step: Step, width: Width, value: Expr): void {
    const op = narrowStores[width];
    if (op && value.k === 'x' && this.integers.isNarrow(step.decoded[value.operand])) {
      this.memory.access(step, op, () => this.halves.x(value.operand));
    } else {
      this.memory.access(step, storeOps[width], () => this.push(value));
    }
  }

  private float(decoded: Decoded, operation: FloatOperation, miss: Label): void {
    const { rd, rs1, rs2, imm } = decoded;
    const { operands, result } = operation;
    const sources = [rs1, rs2, imm >> ROUNDING_BITS];
    operands.forEach((kind, i) => {
      if (kind !== 'x') this.floats.prepare(sources[i], kind);
    });
    emitFloat(
      {
        ...this.floatSite(miss),
        push: (i) => {
          const kind = operands[i];
          if (kind === 'x') this.operands.x(i === 0 ? 'rs1' : 'rs2');
          else this.floats.push(sources[i], kind);
        },
        write: (value) => {
          if (result === 'x') {
            this.writeRd(value);
          } else {
            value();
            this.floats.set(rd, result);
          }
        },
        mode: imm & ((1 << ROUNDING_BITS) - 1),
        sameOperands: rs1 === rs2,
      },
      operation,
    );
    this.unit = result === 'x' ? (this.unit ?? 'on') : 'dirty';
  }

  private csr({ csr, decoded: { rs1, imm } }: Step, miss: Label): void {
    const { code } = this;
    if (!csr) throw new Error('a system instruction is not for a region');
    const giveUpIf = () => code.unlikely().brIf(miss);
    const writeRd = (value: () => void) => this.writeRd(value);
    if (csr.special === 'time') {
      const remaining = () => code.get(this.budget).i32(this.uncounted).op('i32.add');
      emitTimeAccess(code, { remaining, giveUpIf, writeRd });
      return;
    }
    code.i32(0).memory('i32.load', at.PRIVILEGE).i32(csr.privilege).op('i32.lt_u');
    giveUpIf();
    if (csr.special === 'sstatus') {
      const operand = csr.constant ? () => code.i64(BigInt(rs1)) : () => this.operands.x('rs1');
      emitStatusAccess(code, {
        change: csr.change,
        operand: csr.writes ? operand : undefined,
        changesModes: false,
        giveUpIf,
        writeRd,
      });
      return;
    }
    emitCsrAccess(code, csr.change, csr.writes, {
      operand: () => {
        if (csr.constant) code.i64(BigInt(rs1));
        else this.operands.x('rs1');
      },
      offset: () => code.i32(imm * 8),
      mask: () => code.i64(BigInt.asIntN(64, csr.mask)),
      writeRd,
    });
  }

  private requireUnit(miss: Label, changes: boolean): void {
    requireUnit(this.floatSite(miss), changes);
    this.unit = changes ? 'dirty' : (this.unit ?? 'on');
  }

  private floatSite(miss: Label): FloatSite {
    const { code, scratch, unit } = this;
    const unused = () => {
      throw new Error('a load or store has no such operand');
    };
    return {
      ...{ code, scratch, push: unused, write: unused, mode: 0 },
      giveUp: () => code.br(miss),
      helper: this.floatHelper,
      ...(unit && { unit }),
    };
  }

  private push(expr: Expr): void {
    compileExpr(this.code, expr, this.operands, this.arithmetic);
  }

  private writeRd(value: () => void): void {
    const { rd } = this.step.decoded;
    if (rd === 0) return;
    value();
    this.integers.set(rd);
  }
}
