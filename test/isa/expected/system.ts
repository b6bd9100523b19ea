/** What system instructions do: calls, returns from traps, fences, cache blocks and CSR accesses. */
import type { Formula, Privilege, ReferenceHart } from '../reference-hart';
import { CAUSE } from '../reference-hart';

const [U, S, M] = [0, 1, 3] as const;

/** CSRs that test programs see, by number. */
export const csrs = {
  fflags: 0x001,
  frm: 0x002,
  fcsr: 0x003,
  senvcfg: 0x10a,
  sscratch: 0x140,
  sepc: 0x141,
  mstatus: 0x300,
  menvcfg: 0x30a,
  mscratch: 0x340,
  mepc: 0x341,
  mhartid: 0xf14,
} as const;

/** Fields of mstatus (Privileged 3.1.6): position and width. */
export const status = {
  SIE: [1, 1],
  MIE: [3, 1],
  SPIE: [5, 1],
  MPIE: [7, 1],
  SPP: [8, 1],
  MPP: [11, 2],
  MPRV: [17, 1],
  TVM: [20, 1],
  TW: [21, 1],
  TSR: [22, 1],
} as const satisfies Record<string, readonly [at: number, width: number]>;

export type StatusField = keyof typeof status;

export function withField(value: bigint, field: StatusField, to: number): bigint {
  const [at, width] = status[field];
  const mask = ((1n << BigInt(width)) - 1n) << BigInt(at);
  return (value & ~mask) | (BigInt(to) << BigInt(at));
}

function fieldOf(hart: ReferenceHart, field: StatusField): number {
  const [at, width] = status[field];
  return Number(((hart.csrs.get(csrs.mstatus) ?? 0n) >> BigInt(at)) & ((1n << BigInt(width)) - 1n));
}

function setFields(hart: ReferenceHart, fields: Partial<Record<StatusField, number>>): void {
  let value = hart.csrs.get(csrs.mstatus) ?? 0n;
  for (const [name, to] of Object.entries(fields)) value = withField(value, name as StatusField, to);
  hart.csrs.set(csrs.mstatus, value);
}

/** S-mode is made to trap by this bit. */
const forbidden = (hart: ReferenceHart, bit: StatusField): boolean => hart.privilege === S && fieldOf(hart, bit) === 1;

const sfence: Formula = (hart) => {
  if (hart.privilege === U || forbidden(hart, 'TVM')) hart.illegal();
};

const notInUserMode: Formula = (hart) => {
  if (hart.privilege === U) hart.illegal();
};

const BLOCK = 64n;

/** Whether menvcfg, and in U-mode senvcfg, let this privilege operate on blocks: not while the field is 0. */
function checkBlockGate(hart: ReferenceHart, at: number, width: number): void {
  const isOff = (csr: number) => (((hart.csrs.get(csr) ?? 0n) >> BigInt(at)) & ((1n << BigInt(width)) - 1n)) === 0n;
  if (hart.privilege < M && isOff(csrs.menvcfg)) hart.illegal();
  if (hart.privilege < S && isOff(csrs.senvcfg)) hart.illegal();
}

/** There is no cache, so that a block operation only finds out whether it is allowed. */
const manageBlock =
  (at: number, width: number): Formula =>
  (hart) =>
    checkBlockGate(hart, at, width);

/** How a CSR of the test programs holds a value. */
interface Register {
  readonly privilege: Privilege;
  readonly read: (hart: ReferenceHart) => bigint;
  /** Undefined for a read-only one. */
  readonly write?: (hart: ReferenceHart, value: bigint) => void;
}

const plain = (number: number, privilege: Privilege): Register => ({
  privilege,
  read: (hart) => hart.csrs.get(number) ?? 0n,
  write: (hart, value) => hart.csrs.set(number, BigInt.asUintN(64, value)),
});

const partOfFcsr = (at: number, width: number): Register => {
  const mask = ((1 << width) - 1) << at;
  const check = (hart: ReferenceHart) => {
    if (hart.floatState === 0) hart.illegal();
  };
  return {
    privilege: U,
    read: (hart) => {
      check(hart);
      return BigInt((hart.fcsr & mask) >> at);
    },
    write: (hart, value) => {
      check(hart);
      hart.fcsr = (hart.fcsr & ~mask) | ((Number(value & 0xffn) << at) & mask);
      hart.floatState = 3;
    },
  };
};

const registers: ReadonlyMap<number, Register> = new Map([
  [csrs.fflags, partOfFcsr(0, 5)],
  [csrs.frm, partOfFcsr(5, 3)],
  [csrs.fcsr, partOfFcsr(0, 8)],
  [csrs.sscratch, plain(csrs.sscratch, S)],
  [csrs.mscratch, plain(csrs.mscratch, M)],
  [csrs.mhartid, { privilege: M, read: () => 0n }],
]);

/** Unprivileged 9.1, table 9.1. */
function csrFormula(constant: boolean, kind: 'write' | 'set' | 'clear'): Formula {
  return (hart) => {
    const { rs1, imm } = hart.instruction;
    const register = registers.get(Number(BigInt.asUintN(12, imm)));
    if (register === undefined || hart.privilege < register.privilege) return hart.illegal();
    const writes = kind === 'write' || rs1 !== 0;
    if (writes && !register.write) hart.illegal();
    const operand = BigInt.asUintN(64, constant ? BigInt(rs1) : hart.a);
    const old = register.read(hart);
    const changed = kind === 'set' ? old | operand : old - (old & operand);
    if (writes) register.write?.(hart, kind === 'write' ? operand : changed);
    hart.setRd(old);
  };
}

export const systemFormulas: readonly (readonly [string, Formula])[] = [
  ['fence', () => undefined],
  ['fence.i', () => undefined],
  ['ecall', (hart) => hart.trap(CAUSE.ecall + hart.privilege)],
  ['ebreak', (hart) => hart.trap(CAUSE.breakpoint)],
  [
    'mret',
    (hart) => {
      if (hart.privilege !== M) hart.illegal();
      const to = fieldOf(hart, 'MPP') as Privilege;
      setFields(hart, { MIE: fieldOf(hart, 'MPIE'), MPIE: 1, MPP: U, ...(to === M ? {} : { MPRV: 0 }) });
      hart.privilege = to;
      hart.next = hart.csrs.get(csrs.mepc) ?? 0n;
    },
  ],
  [
    'sret',
    (hart) => {
      if (hart.privilege === U || forbidden(hart, 'TSR')) hart.illegal();
      const to = fieldOf(hart, 'SPP') === 1 ? S : U;
      setFields(hart, { SIE: fieldOf(hart, 'SPIE'), SPIE: 1, SPP: 0, MPRV: 0 });
      hart.privilege = to;
      hart.next = hart.csrs.get(csrs.sepc) ?? 0n;
    },
  ],
  [
    'wfi',
    (hart) => {
      if (hart.privilege === U || forbidden(hart, 'TW')) hart.illegal();
    },
  ],
  ['sfence.vma', sfence],
  ['sinval.vma', sfence],
  ['sfence.w.inval', notInUserMode],
  ['sfence.inval.ir', notInUserMode],
  ['cbo.inval', manageBlock(4, 2)],
  ['cbo.clean', manageBlock(6, 1)],
  ['cbo.flush', manageBlock(6, 1)],
  [
    'cbo.zero',
    (hart) => {
      checkBlockGate(hart, 7, 1);
      const at = BigInt.asUintN(64, hart.a);
      const start = at - (at % BLOCK);
      hart.read(at, 1, CAUSE.storeAccess);
      for (let i = 0n; i < BLOCK; i += 8n) hart.store(start + i, 8, 0n);
    },
  ],
  ['csrrw', csrFormula(false, 'write')],
  ['csrrs', csrFormula(false, 'set')],
  ['csrrc', csrFormula(false, 'clear')],
  ['csrrwi', csrFormula(true, 'write')],
  ['csrrsi', csrFormula(true, 'set')],
  ['csrrci', csrFormula(true, 'clear')],
];
