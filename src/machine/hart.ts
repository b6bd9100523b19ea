/** A hart: registers, CSRs, MMU and traps. It answers the engine that runs its code. */
import type { StateTransfer } from '../engine/state-transfer';
import type { Engine } from '../engine/engine';
import type { HartContext } from '../engine/hart-context';
import type { HartState, Privilege } from '../engine/hart-state';
import type { Access, ByteDevice, EngineHost } from '../engine/host';
import { FETCH } from '../engine/host';
import { DRAM_BASE } from '../engine/physical-memory';
import type { Extension } from '../isa/extensions';
import type { Operands } from '../isa/instruction';
import type { SystemOp, Width } from '../isa/semantics';
import type { BootRom } from './boot-rom';
import type { Bus } from './bus';
import { CsrFile } from './csr-file';
import { CSR } from './csr-numbers';
import { Mmu } from './mmu';
import { Pmp } from './pmp';
import { ENVCFG, EXCEPTION, MSTATUS } from './status';
import { systemInstructions } from './system-instructions';
import type { TranslationMode } from './translation-modes';
import { TranslationModes } from './translation-modes';
import type { Trap } from './traps';
import {
  deliverableInterrupt,
  handlerAddress,
  handlerOf,
  popStatus,
  previousMachineMode,
  pushStatus,
  TakenTrap,
} from './traps';

export type { Privilege } from '../engine/hart-state';
export type { Trap } from './traps';

export interface HartOptions {
  readonly index: number;
  readonly engine: Engine;
  readonly bus: Bus;
  readonly rom: BootRom;
  /** The machine's. */
  readonly extensions: ReadonlySet<Extension>;
  /** The machine's mtime. */
  readonly time: () => bigint;
  /** Ends the machine's `run` before the next instruction. */
  readonly requestStop: () => void;
}

const S_MODE = 1;
const M_MODE = 3;
/** In the high half of scause and mcause. */
const INTERRUPT_FLAG = 0x8000_0000;
/** The registers that a trap writes, and the one that says where it goes. */
const supervisorTrapCsrs = { epc: CSR.sepc, cause: CSR.scause, tval: CSR.stval, tvec: CSR.stvec } as const;
const machineTrapCsrs = { epc: CSR.mepc, cause: CSR.mcause, tval: CSR.mtval, tvec: CSR.mtvec } as const;

export class Hart implements EngineHost {
  readonly index: number;
  readonly extensions: ReadonlySet<Extension>;
  readonly state: HartState;
  readonly pmp: Pmp;
  readonly csrs: CsrFile;
  readonly mmu: Mmu;
  /** In WFI: nothing is executed until an interrupt that mie enables is pending. */
  waiting = false;
  /** Stopped by firmware: nothing is executed until firmware starts it. */
  isStopped = false;

  /**
   * Asked about each trap before it is taken. 'stop': it is not taken now; the machine stops with the hart at the
   * instruction. The same trap is not asked about again when the machine goes on.
   */
  onTrap?: (trap: Trap) => 'take' | 'stop';
  /**
   * Handles traps into S-mode in place of code at stvec, after the architectural entry. It ends with `sret`, or stops the
   * machine and leaves the hart in S-mode.
   */
  supervisor?: (trap: Trap) => void;
  /** Called when code in M-mode returns to S-mode, in place of the code there: for a supervisor in TypeScript. */
  supervisorEntry?: () => void;
  /** The same for traps into M-mode; it ends with `mret`. */
  firmware?: (trap: Trap) => void;
  /** A breakpoint address was reached. True: stop before the instruction. */
  onBreakpoint: (pc: bigint) => boolean = () => true;

  /** Called when satp may have changed, before the next instruction. */
  onTranslation?: () => void;
  /** stimecmp, or whether it counts, was changed. */
  onTimerChange?: () => void;
  /** While another hart runs: there is something for this one to do, which may be more than to go on where it stands. */
  onReady?: () => void;
  /** Called when WFI ends, before anything else happens. */
  onResume?: () => void;

  /** What of the hart lies in the engine's memory. */
  readonly context: HartContext;
  private readonly engine: Engine;
  private readonly bus: Bus;
  private readonly rom: BootRom;
  private readonly requestStop: () => void;
  private readonly modes: TranslationModes;
  /** Attempted instructions that trapped, and so did not retire. */
  private trapped = 0;
  /** A handler in TypeScript is at work. No code runs meanwhile, so that translations are selected when it is done. */
  private handling = false;
  /** The trap that `onTrap` stopped at, and when. */
  private heldTrap: (Trap & { executed: number }) | undefined;

  constructor(options: HartOptions) {
    const { index, engine, bus, rom, extensions, time, requestStop } = options;
    this.index = index;
    this.extensions = extensions;
    this.engine = engine;
    this.bus = bus;
    this.rom = rom;
    this.requestStop = requestStop;
    this.context = engine.context(index);
    this.state = this.context.state;
    this.modes = new TranslationModes(() => this.context.newTlbKey());
    this.pmp = new Pmp(() => this.protectionChanged());
    this.mmu = new Mmu(engine.memory, this.pmp, this.context.superpages);
    this.csrs = new CsrFile({
      hartId: index,
      extensions,
      pmp: this.pmp,
      float: this.state,
      stored: this.context,
      time,
      retired: () => this.retired,
      translationChanged: () => this.selectTranslation(),
      supervisorTimerChanged: () => this.onTimerChange?.(),
      environmentChanged: () => this.environmentChanged(),
      interruptsChanged: () => this.interruptsChanged(),
    });
    for (const permission of this.csrs.plain()) engine.csrs.permit(permission);
    this.state.privilege = M_MODE;
    this.environmentChanged();
  }

  /** Instructions completed. */
  get retired(): number {
    return this.context.executed - this.trapped;
  }

  get privilege(): Privilege {
    return this.state.privilege;
  }

  /** Changes the mode; its address translation applies from the next instruction on. */
  set privilege(privilege: Privilege) {
    this.state.privilege = privilege;
    this.selectTranslation();
  }

  /** Raises or lowers an interrupt in mip; see `CsrFile.setInterruptPending`. */
  setInterruptPending(bit: number, on: boolean): void {
    this.csrs.setInterruptPending(bit, on);
  }

  /** stimecmp, where it decides about the supervisor timer interrupt (menvcfg.STCE); else undefined. */
  get supervisorDeadline(): bigint | undefined {
    const { state } = this.csrs;
    return state.comparesTime ? state.values[CSR.stimecmp] : undefined;
  }

  /** Whether an interrupt is pending that ends WFI: one that mie enables, whatever mstatus and mideleg say (3.3.3). */
  get wakes(): boolean {
    const { pendingInterrupts, enabledInterrupts } = this.csrs.state;
    return (pendingInterrupts & enabledInterrupts) !== 0;
  }

  /** Stops executing until an interrupt that mie enables is pending; returns at once, and WFI is then complete. */
  waitForInterrupt(): void {
    if (this.wakes) return;
    this.waiting = true;
    this.engine.requestExit();
  }

  /** Whether there is anything for it to do. */
  get canRun(): boolean {
    return !this.isStopped && (!this.waiting || this.wakes);
  }

  /** Ends WFI, as the hart goes on. */
  resume(): void {
    this.waiting = false;
    this.onResume?.();
  }

  /** Firmware has prepared it to run, and it was stopped. */
  start(): void {
    this.isStopped = this.waiting = false;
    if (!this.context.isRunning) this.onReady?.();
  }

  /** Executes nothing further until `start`. */
  stop(): void {
    this.isStopped = true;
    this.engine.requestExit();
  }

  /** Takes the interrupt that is due, if any. To be called between instructions. @returns whether there was one */
  takeInterrupt(): boolean {
    const cause = deliverableInterrupt(this.csrs.state, this.state.privilege);
    if (cause < 0) return false;
    this.takeTrap(cause, true, 0n);
    return true;
  }

  /**
   * Takes a trap at `state.pc`: the architectural entry, then the handler in TypeScript if one is installed. An exception
   * belongs to the instruction being executed, which then does not count as completed.
   * @param cause the code without the interrupt bit
   */
  takeTrap(cause: number, interrupt: boolean, tval: bigint): void {
    const from = this.state.privilege;
    const to = handlerOf(this.csrs.state, cause, interrupt, from);
    const handler = to === S_MODE ? this.supervisor : this.firmware;
    if (!handler && !this.onTrap) {
      this.heldTrap = undefined;
      if (!interrupt) this.trapped++;
      this.enter(cause, interrupt, tval, to);
      return;
    }
    const trap = new TakenTrap(cause, interrupt, tval, this.state.pcLow, this.state.pcHigh, from, to);
    if (this.holds(trap)) return;
    if (!interrupt) this.trapped++;
    this.handling = handler !== undefined;
    this.enter(cause, interrupt, tval, to);
    if (!handler) return;
    handler(trap);
    this.handling = false;
    this.selectTranslation();
  }

  /** Lets S-mode handle a trap that M-mode took, as firmware does: as if it had been delegated. Call it before `mret`. */
  redirectToSupervisor(trap: Trap): void {
    this.csrs.state.status = popStatus(this.csrs.state.status, M_MODE).status;
    this.state.privilege = trap.from;
    this.state.pc = trap.pc;
    this.enter(trap.cause, trap.interrupt, trap.tval, S_MODE);
    this.supervisor?.({ ...trap, pc: trap.pc, to: S_MODE });
  }

  /** ECALL of a supervisor in TypeScript, at `state.pc`: M-mode answers in its own time, and returns to `supervisorEntry`. */
  callFirmware(): void {
    this.enter(EXCEPTION.ecall + S_MODE, false, 0n, M_MODE);
  }

  /** The effect of SRET: back to the mode and the address from which the last trap into S-mode came. */
  sret(): void {
    this.returnFrom(S_MODE, CSR.sepc);
  }

  /** The effect of MRET. */
  mret(): void {
    this.returnFrom(M_MODE, CSR.mepc);
  }

  /** Whether the debugger watches stores to the page that holds this byte of RAM. */
  isWatched(hpa: number): boolean {
    return this.engine.isWatched(hpa);
  }

  /** Drops all cached translations. */
  flushTranslations(): void {
    this.context.flushTlb();
    this.context.superpages.forget();
  }

  /** SFENCE.VMA for one virtual address, in all address spaces. */
  flushTranslation(va: bigint): void {
    this.flushTranslationAt(Number(va & 0xffffffffn), Number((va >> 32n) & 0xffffffffn));
  }

  /** The same by the address's halves, unsigned: kernels do so with each page that they map. */
  flushTranslationAt(vaLow: number, vaHigh: number): void {
    if (this.context.superpages.mayHave(vaLow, vaHigh)) this.flushTranslations();
    else this.context.flushTlbPage(vaLow, vaHigh);
  }

  /** Where a load or store would access `size` bytes, which lie in one page: HPA; or -1 with the reason in `mmu`. */
  locateData(va: bigint, access: Access, size: number): number {
    const [low, high] = [Number(va & 0xffffffffn), Number((va >> 32n) & 0xffffffffn)];
    return this.mmu.translate(low, high, access, size, this.dataMode);
  }

  /** As a store of the current instruction. @returns false where there is no RAM */
  storeZeros(hpa: number, length: number): boolean {
    const { memory } = this.engine;
    if (!memory.contains(hpa, length)) return false;
    this.engine.storeForInstruction(() => memory.fill(hpa, length, 0));
    return true;
  }

  transferState(state: StateTransfer): void {
    this.context.transferState(state);
    this.csrs.transferState(state);
    this.pmp.transferState(state);
    this.trapped = state.integer(this.trapped, this.engine.executed);
    this.waiting = state.flag(this.waiting);
    this.isStopped = state.flag(this.isStopped);
    if (!state.isRestoring) return;
    this.heldTrap = undefined;
    this.environmentChanged();
    this.selectTranslation();
  }

  // What the engine asks.

  get cacheable(): boolean {
    return this.mmu.cacheable;
  }

  translate(vaLow: number, vaHigh: number, access: Access, size: number): number {
    const mode = access === FETCH ? this.fetchMode : this.dataMode;
    const address = this.mmu.translate(vaLow, vaHigh, access, size, mode);
    if (address < 0) this.raise(this.mmu.cause, (BigInt(vaHigh) << 32n) | BigInt(vaLow));
    return address;
  }

  readDevice(hpa: number, width: Width): bigint | undefined {
    return this.bus.read(hpa, width);
  }

  byteDevice(hpa: number): ByteDevice | undefined {
    const device = this.bus.deviceAt(hpa);
    return device?.byteAccess && (device as ByteDevice);
  }

  fetchRom(hpa: number): number | undefined {
    return this.rom.halfword(hpa);
  }

  writeDevice(hpa: number, width: Width, value: bigint): boolean {
    return this.bus.write(hpa, width, value);
  }

  raise(cause: number, tval: bigint): void {
    this.takeTrap(cause, false, tval);
  }

  system(op: SystemOp, operands: Operands, word: number): 'next' | 'jump' {
    return systemInstructions[op](this, operands, word);
  }

  breakpoint(pc: bigint): boolean {
    return this.onBreakpoint(pc);
  }

  /** Whether the debugger wants to stop before this trap; then the hart stays where it is. */
  private holds(trap: Trap): boolean {
    const held = this.heldTrap;
    this.heldTrap = undefined;
    if (!this.onTrap) return false;
    const { executed } = this.engine;
    const known =
      held?.executed === executed &&
      held.pc === trap.pc &&
      held.cause === trap.cause &&
      held.interrupt === trap.interrupt;
    if (known || this.onTrap(trap) === 'take') return false;
    this.heldTrap = { ...trap, pc: trap.pc, executed };
    if (!trap.interrupt) this.engine.holdInstruction();
    this.requestStop();
    return true;
  }

  /** Trap entry from where the hart stands (Privileged 3.1.6.1, 3.1.14–3.1.16, 4.1.7–4.1.9). */
  private enter(cause: number, interrupt: boolean, tval: bigint, to: 1 | 3): void {
    const { state } = this.csrs;
    const { csrHalves: halves, csrs: values } = this.context;
    const registers = to === S_MODE ? supervisorTrapCsrs : machineTrapCsrs;
    halves[2 * registers.epc] = this.state.pcLow;
    halves[2 * registers.epc + 1] = this.state.pcHigh;
    halves[2 * registers.cause] = cause;
    halves[2 * registers.cause + 1] = interrupt ? INTERRUPT_FLAG : 0;
    values[registers.tval] = tval;
    state.status = pushStatus(state.status, this.state.privilege, to);
    const vectored = (halves[2 * registers.tvec] & 3) !== 0;
    if (vectored) this.state.pc = handlerAddress(values[registers.tvec], cause, interrupt);
    else this.state.setPc(halves[2 * registers.tvec], halves[2 * registers.tvec + 1]);
    // Allowed, and what QEMU does: an SC after a trap fails, so that no handler has to clear the reservation itself.
    this.state.clearReservation();
    this.state.privilege = to;
    this.waiting = false;
    this.selectTranslation();
  }

  private returnFrom(from: 1 | 3, epc: number): void {
    const { state } = this.csrs;
    const { status, privilege } = popStatus(state.status, from);
    state.status = status;
    const { csrHalves: halves } = this.context;
    this.state.setPc(halves[2 * epc], halves[2 * epc + 1]);
    this.state.privilege = privilege;
    if (from === M_MODE && privilege === S_MODE && this.supervisorEntry) {
      this.handling = true;
      this.supervisorEntry();
      this.handling = false;
    }
    this.selectTranslation();
    this.interruptsChanged();
  }

  private protectionChanged(): void {
    this.flushTranslations();
    const { start, end } = this.pmp.openPart(DRAM_BASE, DRAM_BASE + this.engine.memory.size);
    this.context.setOpenMemory(start, end - start);
  }

  /** menvcfg may have changed how page tables are walked (Privileged 3.1.18). */
  private environmentChanged(): void {
    const menvcfg = this.csrs.state.values[CSR.menvcfg];
    const memoryTypes = (menvcfg & ENVCFG.PBMTE) !== 0n;
    const faulting = this.extensions.has('Svade') || this.extensions.has('Svadu');
    const accessedDirty = faulting && (menvcfg & ENVCFG.ADUE) === 0n ? 'software' : 'hardware';
    if (memoryTypes === this.mmu.rules.memoryTypes && accessedDirty === this.mmu.rules.accessedDirty) return;
    this.mmu.rules = { napot: this.extensions.has('Svnapot'), memoryTypes, accessedDirty };
    this.modes.setRules(this.mmu.rules);
    this.selectTranslation();
  }

  private selectTranslation(): void {
    if (this.handling) return;
    this.context.selectTlb(this.fetchMode, this.dataMode);
    this.onTranslation?.();
  }

  /** How fetches are translated now. Generated code changes modes, too. */
  private get fetchMode(): TranslationMode {
    return this.modes.mode(this.csrs.state.satp, this.state.privilege, false, false);
  }

  /** How loads and stores are translated now. */
  private get dataMode(): TranslationMode {
    const { privilege } = this.state;
    const { status, satp } = this.csrs.state;
    const modified = privilege === M_MODE && (status & MSTATUS.MPRV) !== 0;
    const dataPrivilege = modified ? previousMachineMode(status) : privilege;
    return this.modes.mode(satp, dataPrivilege, (status & MSTATUS.SUM) !== 0, (status & MSTATUS.MXR) !== 0);
  }

  /** An interrupt that is due is taken between instructions: the engine must come back before the next one. */
  private interruptsChanged(): void {
    const isDue = deliverableInterrupt(this.csrs.state, this.state.privilege) >= 0;
    if (isDue) this.engine.requestExit();
    if (!this.context.isRunning && (isDue || (this.waiting && this.wakes))) this.onReady?.();
  }
}
