/** A vCPU: the guest's processor, made of a hart in U-mode, the guest CSRs, and the mode that the guest believes in. */
import type { StateTransfer } from '../engine/state-transfer';
import type { Decode } from '../isa/decode';
import type { BootState } from '../machine/boot';
import { CSR } from '../machine/csr-numbers';
import type { Hart } from '../machine/hart';
import { addressSpaceOf, sv39 } from '../machine/paging';
import { Sbi } from '../machine/sbi';
import type { SbiHartStart } from '../machine/sbi-platform';
import { MSTATUS } from '../machine/status';
import { transferTrap } from '../machine/traps';
import type { Trap } from '../machine/traps';
import type { WalkContext, WalkRules } from '../machine/walk';
import type { Hpa } from './addresses';
import type { PendingExit } from './exits/exit';
import { rememberingDecoder } from './exits/known-words';
import { GUEST_CSRS, guestCsr, GuestCsrs, SOFTWARE_INTERRUPT, SSTATUS } from './guest-csrs';
import type { GuestCsr } from './guest-csrs';
import type { Guest } from './guest';
import { GuestSbiPlatform } from './guest-sbi';
import { viewKindOf } from './shadow/permissions';
import type { ShadowView } from './shadow/view';
import { GuestFloat } from './guest-float';
import type { HartSchedule } from './hart-schedule';
import type { TrapContext } from './trap-context';
import { VirtualTimer } from './virtual-timer';

const A0 = 10;
const A1 = 11;
const ALL_COUNTERS = 0xffff_ffff;
/** scounteren.TM: with a time of its own, the guest does not read the hart's. */
const TIME_COUNTER = 2;

/** Of an exit that was pending. */
interface Undecided {
  /** The trap that it answers; without, it followed from an exit that had been carried out. */
  readonly trap?: Trap;
  /** Instructions executed before it. */
  readonly count: number;
}

const lowHalf = (value: bigint): number => Number(value & 0xffff_ffffn);

export class Vcpu {
  readonly csrs: GuestCsrs;
  readonly float: GuestFloat;
  readonly hart: Hart;
  readonly sbi: Sbi;
  readonly timer: VirtualTimer;
  /** Decodes what the hart can execute. */
  readonly decode: Decode;
  /** The mode that the guest believes to be in: 1 = vS, 0 = vU. */
  virtualPrivilege: 0 | 1 = 1;
  /** In WFI, suspended or stopped: it executes nothing. */
  waiting = false;
  /** Stopped through its SBI, until another vCPU starts it. */
  isStopped = false;
  /** Suspended through its SBI, until an interrupt pends. */
  isSuspended = false;
  /** Where it begins when it is no longer suspended; undefined: it goes on. */
  private resumption: SbiHartStart | undefined;
  /** The shadow root that the guest runs under; chosen when it is entered. */
  view!: ShadowView;
  /** Guest satp when the view was chosen. */
  private viewedSatp = 0n;
  /** What is to be done before the guest goes on. */
  pending?: PendingExit;
  /** A snapshot was restored in which an exit was pending: it is to be decided anew before anything else happens. */
  undecided: Undecided | undefined;
  /** Called when the guest goes on in another address space than before. */
  onAddressSpace?: () => void;
  /** The hart's status at the last exit, and the same as sstatus: it is nearly always the same. */
  private savedStatus = -1;
  private savedSstatus = 0n;
  /** What `walkContext` answered last, and what for. */
  private lastContext: { satp: bigint; rules: WalkRules; context: WalkContext } | undefined;
  /** All that senvcfg can allow: what it controls is no business of a kernel's own code. */
  private readonly wholeEnvironment: number;
  /** The guest's registers are in the trap context, not in the hart. */
  private inHypervisor = true;

  constructor(
    readonly guest: Guest,
    /** Within its guest, from 0. */
    readonly index: number,
    /** Of its hart. */
    readonly schedule: HartSchedule,
    private readonly context: TrapContext,
  ) {
    const { hart } = schedule;
    this.hart = hart;
    this.float = new GuestFloat(hart.state, context);
    this.csrs = new GuestCsrs(this.float, hart.extensions);
    this.decode = rememberingDecoder(hart.extensions);
    this.wholeEnvironment = lowHalf(guestCsr(CSR.senvcfg)?.legalize(this.csrs, ~0n) ?? 0n);
    this.timer = new VirtualTimer(this.csrs, guest.clock, schedule);
    this.sbi = new Sbi(new GuestSbiPlatform(this));
  }

  /** Whether it has its hart: its registers are there, or in the trap context while the hart is in the hypervisor. */
  get isOnHart(): boolean {
    return this.schedule.current === this;
  }

  /** Whether its registers are in the trap context. */
  get isInHypervisor(): boolean {
    return this.inHypervisor;
  }

  /** Whether there is anything for it to do. */
  get canRun(): boolean {
    const { guest } = this;
    if (this.isStopped || guest.ended || guest.isHeld) return false;
    return !this.waiting || this.csrs.firstInterrupt() !== undefined;
  }

  /** The page in which its registers are kept. */
  get trapContext(): Hpa {
    return this.context.page;
  }

  /** Guest virtual address of the instruction that is next, or at fault. */
  get pc(): bigint {
    return this.inHypervisor ? this.context.sepc : this.hart.state.pc;
  }

  set pc(value: bigint) {
    const pc = BigInt.asUintN(64, value & ~1n);
    if (this.inHypervisor) this.context.sepc = pc;
    else this.hart.state.pc = pc;
  }

  get pcLow(): number {
    return this.inHypervisor ? this.context.sepcLow : this.hart.state.pcLow;
  }

  get pcHigh(): number {
    return this.inHypervisor ? this.context.sepcHigh : this.hart.state.pcHigh;
  }

  /** A guest register, unsigned 64 bits. */
  x(index: number): bigint {
    return this.inHypervisor ? this.context.x(index) : this.hart.state.x(index);
  }

  /** During an exit: the low half of a guest register, as a signed number. */
  xLow(index: number): number {
    return this.context.xLow(index);
  }

  /** During an exit: the high half of a guest register, unsigned. */
  xHigh(index: number): number {
    return this.context.xHigh(index);
  }

  setX(index: number, value: bigint): void {
    const low = BigInt.asUintN(64, value);
    if (this.inHypervisor) this.context.setX(index, low);
    else this.hart.state.setX(index, low);
  }

  /** During an exit: the guest goes on after an instruction of so many bytes. */
  skip(bytes: number): void {
    this.context.skip(bytes);
  }

  /** "vS" or "vU". */
  get modeName(): 'vS' | 'vU' {
    return this.virtualPrivilege === 1 ? 'vS' : 'vU';
  }

  /** The guest CSRs with their numbers, names and values. */
  listCsrs(): { number: number; name: string; value: bigint }[] {
    const existing = GUEST_CSRS.filter((csr) => this.csrs.has(csr));
    return existing.map((csr) => ({ number: csr.number, name: csr.name, value: csr.read(this.csrs) }));
  }

  /** The guest CSR of this number that the hypervisor emulates, if the guest has it. */
  findCsr(number: number): GuestCsr | undefined {
    const csr = guestCsr(number);
    return csr && this.csrs.has(csr) ? csr : undefined;
  }

  /** The value of a guest CSR by its number; undefined when the guest has none of that number. */
  readCsr(number: number): bigint | undefined {
    return this.findCsr(number)?.read(this.csrs);
  }

  /** Stores what the CSR's `legalize` gave, with the effects that it has at once. */
  storeCsr(csr: GuestCsr, legal: bigint): void {
    const hadMxr = this.csrs.mxr;
    csr.store(this.csrs, legal);
    if (hadMxr && !this.csrs.mxr) this.guest.shadow.dropMxr();
    if (csr.number === CSR.stimecmp) this.timer.set(legal);
  }

  /** As `storeCsr` for sstatus, of which a guest can change the low half only. */
  storeStatus(low: number): void {
    const hadMxr = this.csrs.mxr;
    this.csrs.statusLow = low;
    if (hadMxr && !this.csrs.mxr) this.guest.shadow.dropMxr();
  }

  /** Changes a guest CSR from outside, as a debugger does. False when the guest has none of that number. */
  writeCsr(number: number, value: bigint): boolean {
    const csr = this.findCsr(number);
    if (!csr) return false;
    this.storeCsr(csr, csr.legalize(this.csrs, BigInt.asUintN(64, value)));
    if (!this.inHypervisor) this.selectView();
    this.notify();
    return true;
  }

  /** Changes the mode that the guest believes in, from outside. */
  setVirtualPrivilege(privilege: 0 | 1): void {
    this.virtualPrivilege = privilege;
    if (!this.inHypervisor) this.selectView();
  }

  /** How the guest's present page table is walked in its present mode; not for use in Bare. Table addresses are GPA. */
  walkContext(): WalkContext {
    const { satp, sum, mxr } = this.csrs;
    const { rules } = this.hart.mmu;
    const known = this.lastContext;
    const isSame =
      known?.satp === satp &&
      known.rules === rules &&
      known.context.privilege === this.virtualPrivilege &&
      known.context.sum === sum &&
      known.context.mxr === mxr;
    if (isSame) return known.context;
    const { scheme, root } = addressSpaceOf(satp) ?? { scheme: sv39, root: 0 };
    const context: WalkContext = { ...rules, scheme, root, privilege: this.virtualPrivilege, sum, mxr };
    this.lastContext = { satp, rules, context };
    return context;
  }

  /** Begins in vS-mode without translation and interrupts (SBI 9.1). */
  begin({ address, opaque }: SbiHartStart): void {
    const { csrs } = this;
    if (csrs.mxr) this.guest.shadow.dropMxr();
    // A hart that starts has nothing in its TLB.
    this.guest.fence(this.index, this.index, {});
    csrs.status = 0;
    csrs.sie = 0;
    csrs.satp = 0n;
    this.virtualPrivilege = 1;
    this.setX(A0, BigInt(this.index));
    this.setX(A1, opaque);
    this.pc = BigInt(address);
  }

  /** Is as the hypervisor enters its guest: the first vCPU at the guest's entry, the others stopped. */
  boot({ entry, a0, a1 }: BootState): void {
    this.setX(A0, a0);
    this.setX(A1, a1);
    this.pc = entry;
    if (this.index > 0) this.stop();
  }

  /** Waits until an interrupt that its sie enables pends; then it goes on, or begins where `resume` says. */
  suspend(resume: SbiHartStart | undefined): void {
    this.resumption = resume;
    this.isSuspended = this.waiting = true;
  }

  /** Stops until another vCPU starts it. */
  stop(): void {
    this.isStopped = this.waiting = true;
  }

  /** Another vCPU starts this one, which is stopped. */
  start(start: SbiHartStart): void {
    // Then its hart waits in the guest; else it comes back to it, or is another vCPU's.
    const isInGuest = !this.inHypervisor;
    if (isInGuest) this.interruptGuest();
    this.isStopped = false;
    this.wake();
    this.begin(start);
    if (isInGuest) {
      this.enterGuest();
      this.hart.start();
    } else {
      this.schedule.notice();
    }
  }

  /** Ends waiting, but not being stopped. */
  wake(): void {
    if (this.isStopped) return;
    this.isSuspended = this.waiting = false;
    const { resumption } = this;
    this.resumption = undefined;
    if (resumption) this.begin(resumption);
  }

  /** Goes on where an interrupt that it waits for pends. */
  wakeIfDue(): void {
    if (this.waiting && this.csrs.firstInterrupt() !== undefined) this.wake();
  }

  /** Something may pend for the guest: the hypervisor is to see to it. */
  notify(): void {
    if (this.csrs.firstInterrupt() === undefined) return;
    if (!this.isOnHart) this.schedule.notice();
    else this.interruptHart();
  }

  /** If its hart is in the guest: takes it out, by an interrupt that the hypervisor sends itself. */
  interruptHart(): void {
    if (!this.inHypervisor) this.hart.setInterruptPending(SOFTWARE_INTERRUPT, true);
  }

  /** It gets the hart, which is in the hypervisor. */
  takeHart(): void {
    this.float.load();
    this.hart.state.clearReservation();
    this.savedStatus = -1;
    this.wakeIfDue();
  }

  /** The notice was received. */
  acknowledgeNotice(): void {
    this.hart.setInterruptPending(SOFTWARE_INTERRUPT, false);
  }

  /** After a trap out of the guest: its registers go to the trap context. */
  leaveGuest(): void {
    const { halves } = this.hart.csrs.state;
    this.save(halves[2 * CSR.sepc], halves[2 * CSR.sepc + 1]);
  }

  /** As `leaveGuest`, for a hart that stands in the guest, not in a trap. */
  interruptGuest(): void {
    const { state } = this.hart;
    this.save(state.pcLow, state.pcHigh);
  }

  /** Back to the guest, under the view of its present mode and address space. The hart is in U-mode afterwards. */
  enterGuest(): void {
    const { hart } = this;
    this.selectView();
    this.inHypervisor = false;
    this.context.restore(hart.state);
    const { halves } = hart.csrs.state;
    halves[2 * CSR.sepc] = this.context.sepcLow;
    halves[2 * CSR.sepc + 1] = this.context.sepcHigh;
    hart.sret();
  }

  transferState(state: StateTransfer): void {
    const { pending } = this;
    const decided = pending && { ...(pending.trap && { trap: pending.trap }), count: pending.record.count };
    const known = decided ?? this.undecided;
    const undecided = state.optional<Undecided>(known, (exit) => {
      const trap = state.optional(exit?.trap, (old) => transferTrap(state, old));
      return { ...(trap && { trap }), count: state.integer(exit?.count ?? 0) };
    });
    this.csrs.transferState(state);
    this.float.transferState(state);
    this.virtualPrivilege = state.flag(this.virtualPrivilege === 1) ? 1 : 0;
    this.waiting = state.flag(this.waiting);
    this.isStopped = state.flag(this.isStopped);
    this.isSuspended = state.flag(this.isSuspended);
    this.resumption = state.optional(this.resumption, (resumption) => ({
      address: state.integer(resumption?.address ?? 0),
      opaque: state.word(resumption?.opaque ?? 0n),
    }));
    this.inHypervisor = state.flag(this.inHypervisor);
    this.viewedSatp = state.word(this.viewedSatp);
    if (!state.isRestoring) return;
    this.pending = undefined;
    this.undecided = undecided;
    this.savedStatus = -1;
    const view = this.guest.shadow.viewInUse(this.index);
    this.view = view as ShadowView;
  }

  private save(pcLow: number, pcHigh: number): void {
    const { csrs, state } = this.hart;
    if (csrs.state.status !== this.savedStatus) {
      this.savedStatus = csrs.state.status;
      this.savedSstatus = csrs.read(CSR.sstatus);
    }
    this.context.save(state, this.savedSstatus, pcLow, pcHigh, csrs.state.satp);
    this.inHypervisor = true;
  }

  /** Sets the hart's satp, scounteren and sstatus.MXR to what the guest's state asks for. */
  private selectView(): void {
    const { hart, csrs } = this;
    const kind = viewKindOf(csrs.bare, this.virtualPrivilege, csrs.sum);
    if (this.view?.kind !== kind || this.viewedSatp !== csrs.satp) {
      this.view = this.guest.shadow.enter(this.index, csrs.satp, kind);
      const isOther = this.viewedSatp !== csrs.satp;
      this.viewedSatp = csrs.satp;
      if (isOther) this.onAddressSpace?.();
    }
    const { satp } = this.view;
    const { state } = hart.csrs;
    if (state.satp !== satp) hart.csrs.write(CSR.satp, satp);

    const isSupervisor = this.virtualPrivilege === 1;
    const counters = isSupervisor ? ALL_COUNTERS : lowHalf(csrs.scounteren);
    this.setHostCsr(CSR.scounteren, this.guest.clock.mayStop ? (counters & ~TIME_COUNTER) >>> 0 : counters);
    this.setHostCsr(CSR.senvcfg, isSupervisor ? this.wholeEnvironment : lowHalf(csrs.senvcfg));

    // The hart applies MXR in U-mode too, which is what the guest runs in.
    if (((state.status ^ csrs.status) & MSTATUS.MXR) !== 0) {
      const rest = hart.csrs.read(CSR.sstatus) & ~SSTATUS.MXR;
      hart.csrs.write(CSR.sstatus, csrs.mxr ? rest | SSTATUS.MXR : rest);
    }
  }

  /** Writes a host CSR of which the low half alone matters, if it has another value. */
  private setHostCsr(number: number, low: number): void {
    const { csrs } = this.hart;
    if (csrs.state.halves[2 * number] !== low) csrs.write(number, BigInt(low));
  }
}
