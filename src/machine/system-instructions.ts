/** The system instructions: CSR access, environment calls, returns from traps, WFI and SFENCE.VMA. */
import type { Operands } from '../isa/instruction';
import type { SystemOp } from '../isa/semantics';
import { checkBlock, zeroBlock } from './cache-blocks';
import { CSR } from './csr-numbers';
import type { Hart } from './hart';
import { ENVCFG, EXCEPTION, MSTATUS } from './status';

/** What the engine does next: go on behind the instruction, or at the pc that was set. */
type Flow = 'next' | 'jump';

const U_MODE = 0;
const S_MODE = 1;
const M_MODE = 3;
const ASID = 0xffffn << 44n;

function illegal(hart: Hart, word: number): Flow {
  hart.takeTrap(EXCEPTION.illegalInstruction, false, BigInt(word >>> 0));
  return 'jump';
}

/** Whether the hart is in S-mode and this bit of mstatus makes the instruction trap (3.1.6.5). */
function virtualised(hart: Hart, bit: number): boolean {
  return hart.privilege === S_MODE && (hart.csrs.state.status & bit) !== 0;
}

type Change = (old: bigint, operand: bigint) => bigint;
const changes: Record<'write' | 'set' | 'clear', Change> = {
  write: (_old, operand) => operand,
  set: (old, operand) => old | operand,
  clear: (old, operand) => old ^ (old & operand),
};

/**
 * The CSR instructions (Unprivileged 9.1). A write with rd = x0 does not read; setting or clearing with rs1 = x0, or with a
 * constant of zero, does not write, and so is legal for read-only registers. No CSR of this machine notices being read.
 */
function csrInstruction(kind: keyof typeof changes, constant: boolean) {
  const change = changes[kind];
  return (hart: Hart, operands: Operands, word: number): Flow => {
    const { rd, rs1, imm: csr } = operands;
    const { csrs, state } = hart;
    const writing = kind === 'write' || rs1 !== 0;
    if (!csrs.permits(csr, hart.privilege, writing)) return illegal(hart, word);
    const old = rd !== 0 ? csrs.read(csr) : 0n;
    if (writing) {
      const operand = constant ? BigInt(rs1) : state.x(rs1);
      const base = kind === 'write' ? 0n : csrs.readToModify(csr);
      const next = change(base, operand);
      if (csr === CSR.satp) writeSatp(hart, next);
      else csrs.writeByInstruction(csr, next);
    }
    state.setX(rd, old);
    return 'next';
  };
}

/**
 * A kernel without ASIDs that reuses a root table often omits the SFENCE.VMA, and runs on QEMU, where each new satp drops
 * all translations. It runs here too: translations outlive a change of satp only for address spaces with an ASID.
 */
function writeSatp(hart: Hart, value: bigint): void {
  const old = hart.csrs.read(CSR.satp);
  hart.csrs.writeByInstruction(CSR.satp, value);
  const current = hart.csrs.read(CSR.satp);
  if (current !== old && (current & ASID) === 0n) hart.flushTranslations();
}

/** Translations of all address spaces go, also when rs2 names one: more than asked for is always right (4.2.1). */
function dropTranslations(hart: Hart, { rs1 }: Operands, word: number): Flow {
  if (hart.privilege === U_MODE || virtualised(hart, MSTATUS.TVM)) return illegal(hart, word);
  if (rs1 === 0) hart.flushTranslations();
  else hart.flushTranslationAt(hart.state.xLow(rs1), hart.state.xHigh(rs1));
  return 'next';
}

/** The fences around SINVAL.VMA, which here is complete at once; TVM does not concern them. */
function orderInvalidation(hart: Hart, _operands: Operands, word: number): Flow {
  return hart.privilege === U_MODE ? illegal(hart, word) : 'next';
}

/**
 * A cache-block instruction. A field of menvcfg, and for U-mode of senvcfg too, must not be zero outside M-mode.
 * @param operate whether the instruction was done; otherwise it has trapped
 */
function blockInstruction(field: bigint, operate: (hart: Hart, va: bigint) => boolean) {
  return (hart: Hart, { rs1 }: Operands, word: number): Flow => {
    const { values } = hart.csrs.state;
    const gates = [
      ...(hart.privilege < M_MODE ? [CSR.menvcfg] : []),
      ...(hart.privilege < S_MODE ? [CSR.senvcfg] : []),
    ];
    if (gates.some((csr) => (values[csr] & field) === 0n)) return illegal(hart, word);
    return operate(hart, hart.state.x(rs1)) ? 'next' : 'jump';
  };
}

export const systemInstructions: Record<SystemOp, (hart: Hart, operands: Operands, word: number) => Flow> = {
  csrrw: csrInstruction('write', false),
  csrrs: csrInstruction('set', false),
  csrrc: csrInstruction('clear', false),
  csrrwi: csrInstruction('write', true),
  csrrsi: csrInstruction('set', true),
  csrrci: csrInstruction('clear', true),

  ecall(hart) {
    hart.takeTrap(EXCEPTION.ecall + hart.privilege, false, 0n);
    return 'jump';
  },
  ebreak(hart) {
    hart.takeTrap(EXCEPTION.breakpoint, false, 0n); // tval: zero is allowed (3.1.16), and what QEMU writes
    return 'jump';
  },
  mret(hart, _operands, word) {
    if (hart.privilege !== M_MODE) return illegal(hart, word);
    hart.mret();
    return 'jump';
  },
  sret(hart, _operands, word) {
    if (hart.privilege === U_MODE || virtualised(hart, MSTATUS.TSR)) return illegal(hart, word);
    hart.sret();
    return 'jump';
  },
  /** In U-mode always illegal, as QEMU has it: a hart with S-mode may wait no time at all there (3.1.6.5). */
  wfi(hart, _operands, word) {
    if (hart.privilege === U_MODE || virtualised(hart, MSTATUS.TW)) return illegal(hart, word);
    hart.waitForInterrupt();
    return 'next';
  },
  'sfence.vma': dropTranslations,
  'sinval.vma': dropTranslations,
  'sfence.w.inval': orderInvalidation,
  'sfence.inval.ir': orderInvalidation,
  'cbo.inval': blockInstruction(ENVCFG.CBIE, checkBlock),
  'cbo.clean': blockInstruction(ENVCFG.CBCFE, checkBlock),
  'cbo.flush': blockInstruction(ENVCFG.CBCFE, checkBlock),
  'cbo.zero': blockInstruction(ENVCFG.CBZE, zeroBlock),
};
