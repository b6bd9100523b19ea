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
import { dataEntry, loadOps, storeOps, tagMask } from '../operand-access';
import { emitStatusAccess } from '../status-access';
import { emitCsrAccess } from '../stored-csrs';
import type { AccessGroup } from './access-groups';
import { groupAccesses } from './access-groups';
import { FloatRegisters } from './float-registers';
import { chasedAfter } from './chased-pointers';
import { IntegerRegisters } from './integer-registers';
import type { NarrowSource } from './narrow-expression';
import { compileNarrow, compileNarrowCondition } from './narrow-expression';
import { isNarrow, isNarrowCondition, isPositive, isSignExtended, knownAfter } from './narrow-registers';
import type { Step } from './region';
import { PAGE_SIZE } from './region';
import { integerUse } from './registers';

/** Loads of what an i32 holds, sign-extended; and stores of it. */
const narrowLoads: Partial<Record<Width, readonly [signed: MemoryOp, unsigned?: MemoryOp]>> = {
  1: ['i32.load8_s', 'i32.load8_u'],
  2: ['i32.load16_s', 'i32.load16_u'],
  4: ['i32.load'],
};
const narrowStores: Partial<Record<Width, MemoryOp>> = { 1: 'i32.store8', 2: 'i32.store16', 4: 'i32.store' };

/** Whether the last page of a base register is remembered: for all, or not for those whose addresses a loop loads. */
export type RemembersPages = 'always' | 'unless chased' | 'never';

/** A floating-point instruction's immediate is its rounding mode, and above it the number of rs3. */
const ROUNDING_BITS = 3;

export class StepEmitter {
  /** The integer registers. */
  readonly integers: IntegerRegisters;
  /** Integer registers that hold a sign-extended 32-bit value now. */
  known = 0;
  /** Registers with addresses of which the last one's page says nothing. */
  private chased = 0;
  /** Registers that are better kept as an i32. */
  private preferred = 0;
  /** What was shifted to the upper half by the step before: the register with the result, and the local with the value. */
  private shifted: { readonly register: number; readonly half: number } | undefined;
  private readonly halfLocals: number[] = [];
  private readonly address: number;
  private readonly entry: number;
  /** The floating-point registers. */
  readonly floats: FloatRegisters;
  private readonly scratch: Scratch;
  /** What the block knows of mstatus.FS. */
  private unit: FloatSite['unit'];
  private readonly planned = new Map<readonly Step[], Map<Step, AccessGroup>>();
  private groups = new Map<Step, AccessGroup>();
  /** The steps that look into the TLB for their groups, and the locals with the groups' addresses in the engine's memory. */
  private readonly firsts = new Set<Step>();
  private readonly hosts = new Map<AccessGroup, number>();
  private readonly caches = new Map<number, number>();
  private readonly wanted: number;
  private readonly hostLocals: number[] = [];
  private step!: Step;
  private readonly kept = new Map<Step, number>();

  constructor(
    private readonly code: Code,
    /** The locals with the region's page and the data TLB. */
    private readonly page: number,
    private readonly dataTlb: number,
    private readonly arithmetic: Arithmetic,
    /** The functions of `float/helpers.ts`. */
    private readonly floatHelper: (name: string) => number,
    private readonly groupsAccesses: boolean,
    private readonly remembersPages: RemembersPages,
  ) {
    this.integers = new IntegerRegisters(code);
    this.floats = new FloatRegisters(code);
    this.scratch = new Scratch(code);
    this.address = code.local('i64');
    this.entry = code.local('i32');
    this.wanted = code.local('i64');
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
    return this.begins(step) || action.k === 'system' || isAtomic(action) || action.k.startsWith('float');
  }

  /** Whether the instruction is the first of several accesses that look into the TLB together. */
  beginsGroup(step: Step): boolean {
    const group = this.groups.get(step);
    return group !== undefined && this.begins(step) && group.end - group.first > group.width;
  }

  private begins(step: Step): boolean {
    return this.firsts.has(step);
  }

  /** At the region's start; all blocks that will be emitted. */
  startRegion(blocks: readonly (readonly Step[])[], preferred: number): void {
    this.preferred = preferred;
    for (const steps of blocks) {
      const groups = groupAccesses(steps, this.groupsAccesses);
      this.planned.set(steps, groups);
      if (this.remembersPages !== 'never') for (const group of groups.values()) this.pageCache(group);
    }
    for (const cell of this.caches.values()) this.code.i32(0).i64(-1n).memory('i64.store', cell);
  }

  /**
   * At a block's start nothing is known of what other blocks have done but these registers' single-precision values, and
   * these integer registers, which hold sign-extended 32-bit values.
   */
  startBlock(steps: readonly Step[], singles: number, known: number, chased: number): void {
    this.chased = chased;
    this.known = known;
    this.shifted = undefined;
    this.groups = this.planned.get(steps)!;
    this.firsts.clear();
    const seen = new Set<AccessGroup>();
    for (const [step, group] of this.groups) {
      if (!seen.has(group)) this.firsts.add(step);
      seen.add(group);
    }
    this.hosts.clear();
    this.unit = undefined;
    this.floats.startBlock(singles);
  }

  /** An instruction that goes on to the next one. */
  emit(step: Step, miss: Label): void {
    const { shifted } = this;
    this.shifted = undefined;
    this.step = step;
    this.action(step, miss, shifted);
    this.known = knownAfter(this.known, step);
    this.chased = chasedAfter(this.chased, step);
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
        this.lookUp(step, miss);
        this.load(step, action.width, action.signed);
        return;
      case 'store':
        this.lookUp(step, miss);
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
        this.lookUp(step, miss);
        this.access(step, action.width === 4 ? 'f32.load' : 'f64.load');
        this.floats.set(step.decoded.rd, action.width === 4 ? 's' : 'd');
        return;
      case 'float-store':
        this.requireUnit(miss, false);
        this.lookUp(step, miss);
        this.access(step, storeOps[action.width], () =>
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
      this.writeRd(() => this.access(step, loadOps[width][signed ? 0 : 1]));
      return;
    }
    this.access(step, op);
    this.integers.setLow(rd, !signed);
  }

  private store(step: Step, width: Width, value: Expr): void {
    const op = narrowStores[width];
    if (op && value.k === 'x' && this.integers.isNarrow(step.decoded[value.operand])) {
      this.access(step, op, () => this.halves.x(value.operand));
    } else {
      this.access(step, storeOps[width], () => this.push(value));
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
    code.i32(0).memory('i32.load', at.PRIVILEGE).i32(csr.privilege).op('i32.lt_u').unlikely().brIf(miss);
    if (csr.isStatus && csr.change !== 'write') {
      const operand = csr.constant ? () => code.i64(BigInt(rs1)) : () => this.operands.x('rs1');
      emitStatusAccess(code, {
        change: csr.change,
        operand: csr.writes ? operand : undefined,
        giveUpIf: () => code.unlikely().brIf(miss),
        writeRd: (value) => this.writeRd(value),
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
      writeRd: (value) => this.writeRd(value),
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

  /**
   * Looks into the TLB if the access is the first of its group; to `miss` when its page is not there, when the group goes on
   * in the next one, or when it is misaligned.
   */
  private lookUp(step: Step, miss: Label): void {
    if (!this.begins(step)) return;
    const { code, address, entry } = this;
    const group = this.groups.get(step)!;
    const { first, end, width, loads, stores } = group;
    this.operands.x('rs1');
    if (first !== 0) code.i64(BigInt(first)).op('i64.add');
    code.set(address);
    const isChased = (this.chased & (1 << group.base)) !== 0;
    const remembers = this.remembersPages === 'always' || (this.remembersPages === 'unless chased' && !isChased);
    const cache = remembers ? this.pageCache(group) : undefined;
    const host = (this.hostLocals[this.hosts.size] ??= code.local('i32'));
    code.get(address).i64(tagMask(width)).op('i64.and').set(this.wanted);
    if (cache !== undefined) {
      code.block((known) => {
        code.i32(0).memory('i64.load', cache).get(this.wanted).op('i64.eq').likely().brIf(known);
        this.findEntry(loads, stores, miss);
        code.i32(0).get(this.wanted).memory('i64.store', cache);
        code
          .i32(0)
          .get(entry)
          .memory('i32.load', at.ADDEND)
          .memory('i32.store', cache + 8);
      });
      code
        .get(address)
        .op('i32.wrap_i64')
        .i32(0)
        .memory('i32.load', cache + 8)
        .op('i32.add')
        .set(host);
    } else {
      this.findEntry(loads, stores, miss);
      code.get(address).op('i32.wrap_i64').get(entry).memory('i32.load', at.ADDEND).op('i32.add').set(host);
    }
    if (end - first > width) {
      code
        .get(address)
        .op('i32.wrap_i64')
        .i32(PAGE_SIZE - 1)
        .op('i32.and');
      code
        .i32(PAGE_SIZE - (end - first))
        .op('i32.gt_u')
        .unlikely()
        .brIf(miss);
    }
    this.hosts.set(group, host);
  }

  /** The TLB entry of `address` into `entry`; to `miss` unless it has the page that is wanted. */
  private findEntry(loads: boolean, stores: boolean, miss: Label): void {
    const { code, entry } = this;
    dataEntry(code, this.address, this.dataTlb).set(entry);
    for (const tag of [...(loads ? [at.LOAD_TAG] : []), ...(stores ? [at.STORE_TAG] : [])]) {
      code.get(entry).memory('i64.load', tag).get(this.wanted).op('i64.ne').unlikely().brIf(miss);
    }
  }

  /** Address of the cell in which the last page of a base register is remembered. */
  private pageCache({ base, loads, stores }: AccessGroup): number {
    const key = base * 4 + (loads ? 1 : 0) + (stores ? 2 : 0);
    let cell = this.caches.get(key);
    if (cell === undefined) this.caches.set(key, (cell = at.REMEMBERED_PAGES + 16 * key));
    return cell;
  }

  private access(step: Step, op: MemoryOp, value?: () => void): void {
    const group = this.groups.get(step)!;
    this.code.get(this.hosts.get(group)!);
    value?.();
    this.code.memory(op, step.decoded.imm - group.first);
  }
}
