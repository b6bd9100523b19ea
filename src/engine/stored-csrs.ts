/**
 * CSRs in the engine's memory, the same for all harts but for their values (see `hart-context.ts`). Those that are no more than a stored value, the machine lets generated code read and write by
 * itself; instructions for all others go to the slow path.
 */
import type { Decoded, Instruction } from '../isa/instruction';
import type { SystemOp } from '../isa/semantics';
import type { Code } from '../wasm/code';
import type { Module } from '../wasm/module';
import * as at from './layout';
import { pushRegister, registerOffset } from './operand-access';
import type { Operation } from './record';
import { IMM, RD, RECORD_SIZE, RS1 } from './record';
import { emitStatusAccess, SSTATUS } from './status-access';
import { emitTimeAccess, TIME } from './time-access';

const COUNT = 4096;
const S_MODE = 1;
/** As the lowest privilege that may access a CSR: none, so that the slow path decides. */
const NEVER = 255;

/** What a CSR instruction writes: the operand, or the old value with the operand's bits set or cleared. */
type Change = 'write' | 'set' | 'clear';

export interface CsrAccess {
  readonly change: Change;
  /** The operand is rs1's number itself. */
  readonly constant: boolean;
}

/** What one instruction does with a CSR that generated code may access. */
export interface CsrUse extends CsrAccess {
  readonly writes: boolean;
  /** The bits that a write changes. */
  readonly mask: bigint;
  /** From this privilege on. */
  readonly privilege: number;
  /** It is one that has a file of its own. */
  readonly special?: 'sstatus' | 'time';
}

const accesses: Partial<Record<SystemOp, CsrAccess>> = {
  csrrw: { change: 'write', constant: false },
  csrrs: { change: 'set', constant: false },
  csrrc: { change: 'clear', constant: false },
  csrrwi: { change: 'write', constant: true },
  csrrsi: { change: 'set', constant: true },
  csrrci: { change: 'clear', constant: true },
};

/** How the instruction accesses a CSR; undefined when it does not. */
export function csrAccessOf({ action }: Instruction): CsrAccess | undefined {
  return action.k === 'system' ? accesses[action.op] : undefined;
}

/** Whether it writes even if rs1 is x0, or the constant is zero. */
const alwaysWrites = ({ change }: CsrAccess): boolean => change === 'write';

/** What generated code may do with one CSR; see `StoredCsrs.permit`. */
export interface CsrPermission {
  readonly number: number;
  readonly privilege: 0 | 1 | 3;
  readonly writable: bigint | undefined;
}

export class StoredCsrs {
  private readonly masks: BigUint64Array;
  private readonly readable: Uint8Array;
  private readonly writable: Uint8Array;
  private readonly given = new Map<number, CsrPermission>();

  constructor(buffer: ArrayBuffer) {
    this.masks = new BigUint64Array(buffer, at.CSR_MASKS, COUNT);
    this.readable = new Uint8Array(buffer, at.CSR_READABLE, COUNT).fill(NEVER);
    this.writable = new Uint8Array(buffer, at.CSR_WRITABLE, COUNT).fill(NEVER);
  }

  /**
   * Lets generated code access a CSR, from this privilege on.
   * `writable`: the bits that a write changes; undefined: generated code only reads it. To be called before the first
   * `run`: translations depend on it.
   */
  permit(permission: CsrPermission): void {
    const { number, privilege, writable } = permission;
    this.given.set(number, permission);
    this.readable[number] = privilege;
    if (writable === undefined) return;
    this.writable[number] = privilege;
    this.masks[number] = writable;
  }

  /** All that is permitted. */
  get permissions(): readonly CsrPermission[] {
    return [...this.given.values()];
  }

  /** What this instruction does, if generated code may do it in some mode. */
  useOf({ instruction, rs1, imm }: Decoded): CsrUse | undefined {
    const access = csrAccessOf(instruction);
    if (!access) return undefined;
    if (imm === SSTATUS) {
      return { ...access, writes: alwaysWrites(access) || rs1 !== 0, mask: 0n, privilege: S_MODE, special: 'sstatus' };
    }
    if (imm === TIME && access.change === 'set' && rs1 === 0) {
      return { ...access, writes: false, mask: 0n, privilege: 0, special: 'time' };
    }
    const writes = alwaysWrites(access) || rs1 !== 0;
    const privilege = (writes ? this.writable : this.readable)[imm];
    return privilege === NEVER ? undefined : { ...access, writes, mask: this.masks[imm], privilege };
  }
}

/** How the code of a CSR instruction gets at its operands. */
export interface CsrOperands {
  /** Pushes rs1's value, or the constant (i64). */
  operand(): void;
  /** Pushes the byte offset of the CSR's value in the tables of doublewords (i32). */
  offset(): void;
  /** Pushes the bits that a write changes (i64). */
  mask(): void;
  /** Writes the value that `value` pushes. */
  writeRd(value: () => void): void;
}

/** Writes the code of a CSR instruction that is permitted. @param writes whether it writes */
export function emitCsrAccess(code: Code, change: Change, writes: boolean, operands: CsrOperands): void {
  const old = code.local('i64');
  operands.offset();
  code.memory('i64.load', at.CSR_VALUES).set(old);
  if (writes) {
    operands.offset();
    code.get(old).get(old);
    changed(code, change, old, () => operands.operand());
    code.op('i64.xor');
    operands.mask();
    code.op('i64.and', 'i64.xor').memory('i64.store', at.CSR_VALUES);
  }
  operands.writeRd(() => code.get(old));
}

function changed(code: Code, change: Change, old: number, operand: () => void): void {
  if (change === 'set') {
    code.get(old);
    operand();
    code.op('i64.or');
  } else if (change === 'clear') {
    code.get(old);
    operand();
    code.i64(-1n).op('i64.xor', 'i64.and');
  } else {
    operand();
  }
}

/** Does the instruction, and returns, if its CSR is sstatus. */
function doStatus(
  code: Code,
  { change }: CsrAccess,
  csr: () => Code,
  { operand, writeRd }: Pick<CsrOperands, 'operand' | 'writeRd'>,
): void {
  const record = 0;
  const giveUpIf = () => code.if(() => code.i32(0).op('return'));
  const attempt = (writes: boolean) =>
    emitStatusAccess(code, {
      change,
      operand: writes ? operand : undefined,
      changesModes: true,
      giveUpIf,
      writeRd,
    });
  csr().i32(SSTATUS).op('i32.eq');
  code.if(() => {
    code.i32(0).memory('i32.load', at.PRIVILEGE).i32(S_MODE).op('i32.lt_u');
    giveUpIf();
    eachWay(code, change, record, attempt);
    code.i32(1).op('return');
  });
}

/** Writes what an instruction does that writes, and where it depends on the record, the other way. */
function eachWay(code: Code, change: Change, record: number, attempt: (writes: boolean) => void): void {
  if (change === 'write') {
    attempt(true);
    return;
  }
  code.get(record).memory('i32.load8_u', RS1);
  code.if(
    () => attempt(true),
    () => attempt(false),
  );
}

/** Does the instruction, and returns, if it reads `time`. */
function doTime(code: Code, csr: () => Code, writeRd: CsrOperands['writeRd']): void {
  const [record, budget] = [0, 1];
  csr().i32(TIME).op('i32.eq').get(record).memory('i32.load8_u', RS1).op('i32.eqz', 'i32.and');
  code.if(() => {
    emitTimeAccess(code, {
      remaining() {
        code.get(budget).get(record).i32(0).memory('i32.load', at.TRACE_START).op('i32.sub');
        code.i32(Math.log2(RECORD_SIZE)).op('i32.shr_u', 'i32.sub');
      },
      giveUpIf: () => code.if(() => code.i32(0).op('return')),
      writeRd,
    });
    code.i32(1).op('return');
  });
}

/**
 * One function per CSR instruction, (record, count that remains where the trace was entered) -> done: it does the instruction if generated code may, and otherwise leaves it
 * to the slow path. Undefined for other operations.
 */
export function defineCsrAccess(module: Module, operation: Operation): number | undefined {
  if ('marker' in operation) return undefined;
  const access = csrAccessOf(operation.instruction);
  if (!access) return undefined;
  return module.define({ parameters: ['i32', 'i32'], results: ['i32'] }, (code) => {
    const record = 0;
    const csr = () => code.get(record).memory('i32.load', IMM);
    const operands: CsrOperands = {
      operand: () => {
        if (access.constant) code.get(record).memory('i32.load8_u', RS1).i32(3).op('i32.shr_u', 'i64.extend_i32_u');
        else pushRegister(code, record, RS1);
      },
      offset: () => csr().i32(3).op('i32.shl'),
      mask: () => csr().i32(3).op('i32.shl').memory('i64.load', at.CSR_MASKS),
      writeRd: (value) => {
        registerOffset(code, record, RD);
        value();
        code.memory('i64.store', at.X_REGISTERS);
      },
    };
    doStatus(code, access, csr, operands);
    if (access.change === 'set' && !access.constant) doTime(code, csr, operands.writeRd);
    const attempt = (writes: boolean) => {
      code.i32(0).memory('i32.load', at.PRIVILEGE);
      csr().memory('i32.load8_u', writes ? at.CSR_WRITABLE : at.CSR_READABLE);
      code.op('i32.lt_u').if(() => code.i32(0).op('return'));
      emitCsrAccess(code, access.change, writes, operands);
    };
    eachWay(code, access.change, record, attempt);
    code.i32(1);
  });
}
