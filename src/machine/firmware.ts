/**
 * The built-in firmware: what an SBI firmware does in M-mode, in TypeScript. It starts a program in S-mode, answers its SBI
 * calls and turns the machine timer's interrupt into the supervisor's.
 */
import type { StateTransfer } from '../engine/state-transfer';
import { LOAD } from '../engine/host';
import { CSR } from './csr-numbers';
import type { Hart } from './hart';
import type { Machine } from './machine';
import { Sbi } from './sbi';
import type { SbiCall } from './sbi';
import type { SbiFence, SbiHartStart, SbiHartState, SbiPlatform, SbiResetKind } from './sbi-platform';
import { ENVCFG, EXCEPTION, INTERRUPT, MPP_SHIFT, MSTATUS } from './status';
import type { Trap } from './traps';

const S_MODE = 1;
const SUPERVISOR_ECALL = EXCEPTION.ecall + S_MODE;
const MACHINE_TIMER_ENABLE = 1 << INTERRUPT.machineTimer;

/** Registers of the SBI's calling convention. */
const A0 = 10;
const A1 = 11;
const ARGUMENTS = 8;

/**
 * All that S-mode can handle. A firmware without emulation of its own would only hand illegal instructions and access
 * faults on to S-mode, as OpenSBI does; delegated, they get there with the same effect.
 */
const DELEGATED_EXCEPTIONS = 0xffffn & ~(1n << BigInt(SUPERVISOR_ECALL));
const DELEGATED_INTERRUPTS =
  (1n << BigInt(INTERRUPT.supervisorSoftware)) |
  (1n << BigInt(INTERRUPT.supervisorTimer)) |
  (1n << BigInt(INTERRUPT.supervisorExternal));

/** One PMP entry over all memory: NAPOT, R, W and X. */
const PMP_ALL = 0x1fn;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;
/** What S-mode may use, as far as the machine has it; A and D bits are as at reset. */
const SUPERVISOR_ENVIRONMENT = ENVCFG.STCE | ENVCFG.PBMTE | ENVCFG.CBZE | ENVCFG.CBCFE | ENVCFG.CBIE;
/** cycle, time and instret. */
const BASE_COUNTERS = 7n;

/** mstatus with which S-mode is entered by MRET: everything off but the float unit, as its state does not matter. */
const START_STATUS = BigInt((S_MODE << MPP_SHIFT) | MSTATUS.FS);

const MTIMECMP = 0x4000;
/** More than there are. */
const MOST_CALL_NAMES = 1000;
const PAGE_SIZE = 0x1000n;
/** Dropping more pages one by one takes longer than dropping everything. */
const MOST_PAGES_SINGLY = 16n;

export interface SupervisorStart {
  /** Physical address of the first instruction. */
  readonly entry: bigint;
  /** The hart's number and the device tree's physical address. */
  readonly a0: bigint;
  readonly a1: bigint;
}

export class Firmware {
  /** SBI calls so far, by name. */
  readonly calls = new Map<string, number>();
  private readonly harts: readonly FirmwareHart[];

  constructor(private readonly machine: Machine) {
    this.harts = machine.harts.map((hart) => new FirmwareHart(machine, this, hart));
  }

  /** Sets a hart up as OpenSBI does before it enters S-mode, and enters it. */
  start(hart: Hart, { entry, a0, a1 }: SupervisorStart): void {
    const { csrs, state } = hart;
    csrs.write(CSR.medeleg, DELEGATED_EXCEPTIONS);
    csrs.write(CSR.mideleg, DELEGATED_INTERRUPTS);
    csrs.write(CSR.mcounteren, ALL_ONES);
    csrs.write(CSR.scounteren, BASE_COUNTERS);
    csrs.write(CSR.pmpaddr0, ALL_ONES);
    csrs.write(CSR.pmpcfg0, PMP_ALL);
    if (hart.extensions.has('Sstc')) csrs.write(CSR.stimecmp, ALL_ONES);
    csrs.write(CSR.menvcfg, csrs.read(CSR.menvcfg) | SUPERVISOR_ENVIRONMENT);
    csrs.write(CSR.stvec, entry);
    csrs.write(CSR.sscratch, 0n);
    csrs.write(CSR.sie, 0n);
    csrs.write(CSR.satp, 0n);
    csrs.write(CSR.mepc, entry);
    csrs.write(CSR.mstatus, START_STATUS);
    hart.setInterruptPending(INTERRUPT.supervisorSoftware, false);
    state.setX(A0, a0);
    state.setX(A1, a1);
    hart.mret();
    hart.start();
  }

  /** A hart's supervisor timer interrupt is to pend from the time `stime` on (ticks of mtime), and not before. */
  setTimer(hart: Hart, stime: bigint): void {
    const { csrs } = hart;
    if (hart.supervisorDeadline !== undefined) {
      csrs.write(CSR.stimecmp, stime);
      return;
    }
    hart.setInterruptPending(INTERRUPT.supervisorTimer, false);
    csrs.write(CSR.mie, csrs.read(CSR.mie) | BigInt(MACHINE_TIMER_ENABLE));
    this.machine.clint.write(MTIMECMP + 8 * hart.index, 8, stime);
  }

  /** What HSM says of a hart. */
  hartState(index: number): SbiHartState {
    return this.harts[index].hsmState;
  }

  transferState(state: StateTransfer): void {
    const calls = state.list(this.calls, MOST_CALL_NAMES, (known): [string, number] => [
      state.text(known?.[0] ?? ''),
      state.integer(known?.[1] ?? 0),
    ]);
    this.calls.clear();
    for (const [name, count] of calls) this.calls.set(name, count);
    for (const hart of this.harts) hart.transferState(state);
  }
}

/** The firmware on one hart. */
class FirmwareHart {
  private readonly sbi: Sbi;
  /** What it waits for in a suspend call: to begin anew somewhere, or to go on behind the call. */
  private suspended: SupervisorStart | 'retentive' | undefined;

  constructor(
    machine: Machine,
    private readonly firmware: Firmware,
    private readonly hart: Hart,
  ) {
    this.sbi = new Sbi(platformOf(machine, this, firmware));
    hart.isStopped = true;
    hart.firmware = (trap) => this.handle(trap);
    hart.onResume = () => this.resume();
  }

  get index(): number {
    return this.hart.index;
  }

  get hsmState(): SbiHartState {
    if (this.hart.isStopped) return 'stopped';
    return this.suspended === undefined ? 'started' : 'suspended';
  }

  suspend(resume: SbiHartStart | undefined): void {
    this.suspended = resume ? startOf(this.index, resume) : 'retentive';
    this.hart.waitForInterrupt();
  }

  private resume(): void {
    const { suspended } = this;
    this.suspended = undefined;
    if (suspended !== undefined && suspended !== 'retentive') this.firmware.start(this.hart, suspended);
  }

  transferState(state: StateTransfer): void {
    this.suspended = state.optional(this.suspended, (suspended) => {
      const anew = state.optional(suspended === 'retentive' ? undefined : suspended, (start) => ({
        entry: state.word(start?.entry ?? 0n),
        a0: state.word(start?.a0 ?? 0n),
        a1: state.word(start?.a1 ?? 0n),
      }));
      return anew ?? 'retentive';
    });
  }

  private handle(trap: Trap): void {
    const { hart } = this;
    if (!trap.interrupt && trap.cause === SUPERVISOR_ECALL) {
      this.call();
      hart.csrs.write(CSR.mepc, trap.pc + 4n);
      hart.mret();
      // It was suspended and need not wait.
      if (this.suspended !== undefined && !hart.waiting) this.resume();
    } else if (trap.interrupt && trap.cause === INTERRUPT.machineTimer) {
      hart.csrs.write(CSR.mie, hart.csrs.read(CSR.mie) & ~BigInt(MACHINE_TIMER_ENABLE));
      hart.setInterruptPending(INTERRUPT.supervisorTimer, true);
      hart.mret();
    } else {
      hart.redirectToSupervisor(trap);
    }
  }

  private call(): void {
    const { state } = this.hart;
    const { calls } = this.firmware;
    const registers = Array.from({ length: ARGUMENTS }, (_, i) => state.x(A0 + i));
    const call: SbiCall = this.sbi.decode(registers);
    calls.set(call.name, (calls.get(call.name) ?? 0) + 1);
    const answer = this.sbi.call(call);
    if ('legacy' in answer) {
      state.setX(A0, answer.legacy);
    } else {
      state.setX(A0, answer.error);
      state.setX(A1, answer.value);
    }
  }
}

/** The state in which a hart that HSM starts or resumes begins (section 9.1). */
function startOf(hart: number, { address, opaque }: SbiHartStart): SupervisorStart {
  return { entry: BigInt(address), a0: BigInt(hart), a1: opaque };
}

/** SFENCE.VMA for a range; address spaces are not told apart, which is allowed. Zero for both means all, as does all. */
function fenceTranslations(hart: Hart, { start, size }: Extract<SbiFence, { kind: 'sfence.vma' }>): void {
  const first = start & ~(PAGE_SIZE - 1n);
  const pages = (start + size - first + PAGE_SIZE - 1n) / PAGE_SIZE;
  if (pages === 0n || pages > MOST_PAGES_SINGLY) {
    hart.flushTranslations();
    return;
  }
  for (let page = 0n; page < pages; page++) hart.flushTranslation(BigInt.asUintN(64, first + page * PAGE_SIZE));
}

/** What the SBI needs of the machine. */
function platformOf(machine: Machine, caller: FirmwareHart, firmware: Firmware): SbiPlatform {
  const { memory, uart, harts } = machine;
  const hart = harts[caller.index];
  const { csrs } = hart;
  return {
    hartCount: harts.length,
    hartId: hart.index,
    // mvendorid, marchid and mimpid all say "not implemented" (Privileged 3.1.2 to 3.1.4).
    identity: { mvendorid: 0n, marchid: 0n, mimpid: 0n },
    setTimer: (stime) => firmware.setTimer(hart, stime),
    hartState: (index) => firmware.hartState(index),
    startHart: (index, start) => firmware.start(harts[index], startOf(index, start)),
    stopHart: () => hart.stop(),
    suspendHart: (resume) => caller.suspend(resume),
    setSoftwareInterrupt(index, on) {
      if (!harts[index].isStopped) harts[index].setInterruptPending(INTERRUPT.supervisorSoftware, on);
    },
    fence(index: number, fence: SbiFence) {
      // The engine drops stale code by itself.
      if (fence.kind === 'sfence.vma') fenceTranslations(harts[index], fence);
    },
    putBytes: (bytes) => uart.onOutput(bytes),
    getByte: () => uart.takeByte(),
    isMemory: (address, length) => memory.contains(address, length),
    readMemory: (address, length) => (memory.contains(address, length) ? memory.bytes(address, length) : undefined),
    writeMemory(address, bytes) {
      if (!memory.contains(address, bytes.length)) return false;
      memory.load(address, bytes);
      return true;
    },
    readHartMask(va) {
      const { status } = csrs.state;
      const [sum, mxr] = [(status & MSTATUS.SUM) !== 0, (status & MSTATUS.MXR) !== 0];
      const walk = hart.mmu.walk(va, LOAD, { satp: csrs.read(CSR.satp), privilege: S_MODE, sum, mxr });
      if (walk && !walk.ok) return undefined;
      const address = walk ? walk.address : Number(va);
      return address % 8 === 0 && memory.contains(address, 8) ? memory.read64(address) : undefined;
    },
    reset: (kind: SbiResetKind, reason: number) =>
      machine.powerOff(
        kind === 'shutdown'
          ? { reason: reason === 0 ? 'shutdown' : 'failure', code: reason }
          : { reason: 'reboot', code: 0 },
      ),
  };
}
