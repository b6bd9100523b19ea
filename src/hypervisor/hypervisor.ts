/**
 * The hypervisor: it runs in the hart's S-mode, and its guests in U-mode. A trap out of a guest is decided (exits/), shown
 * to an observer if there is one, carried out, and the guest goes on.
 */
import type { StateTransfer } from '../engine/state-transfer';
import { CSR } from '../machine/csr-numbers';
import type { Hart, Trap } from '../machine/hart';
import type { Machine } from '../machine/machine';
import { isaString } from '../machine/isa-string';
import type { CommonExitFields, ExitKind, ExitRecord } from './exit-record';
import { exitFor } from './exits/decode';
import type { AnyExit } from './exits/exit';
import { deliverableInterrupt } from './exits/inject';
import { Guest } from './guest';
import type { GuestOptions, GuestSurroundings } from './guest';
import { VcpuSwitch } from './exits/vcpu-switch';
import { GuestClock } from './guest-clock';
import { HartSchedule } from './hart-schedule';
import type { HostSbi } from './host-sbi';
import { HostTables } from './host-tables';
import { describeHypervisor, sliceOf } from './hypervisor-options';
import type { HypervisorOptions } from './hypervisor-options';
import type { GuestRange } from './layout';
import { GUEST_SLOT, placeGuests, POOL_END, POOL_START } from './layout';
import { PagePool } from './page-pool';
import { PAGE_SIZE } from './addresses';
import type { ExitRecorder } from './insight/exit-recorder';
import type { AsidRange } from './shadow/shadow-page-tables';
import { Passthrough } from './passthrough';
import { placeVcpus } from './placement';
import { startOver, startOverBuiltIn, takeOver } from './start-up';
import { TrapContext } from './trap-context';
import { Vcpu } from './vcpu';

/** The hypervisor's own pages: page tables of its own, trap contexts. */
const OWN_PAGES = 256;
/** 32 MiB of shadow tables for one guest, where there is room. */
const MOST_SHADOW_PAGES = 8192;
/** Faults of fetching, and what is no instruction: a handler that begins with one never does anything. */
const FATAL_CAUSES: readonly bigint[] = [0n, 1n, 2n, 12n];

/** Host ASIDs; 0 is the hypervisor's own. Guests that share a hart must not have the same ones. */
const ASIDS = 0x1_0000;

function shareOfAsids(guest: number, guests: number): AsidRange {
  const size = Math.floor((ASIDS - 1) / guests);
  return { first: 1 + guest * size, size };
}

export class Hypervisor {
  readonly guests: readonly Guest[];
  /** For page tables of its own, and trap contexts. */
  private readonly ownPool: PagePool;
  /** Of each hart: the hypervisor's own page tables. */
  readonly hostTables: readonly HostTables[];
  /** Of each hart, by its number: who has it. Harts that no vCPU runs on have no vCPUs there. */
  readonly schedules: readonly HartSchedule[];
  private readonly passthrough: Passthrough;
  /** The SBI below, by hart, where that is not the built-in firmware. */
  private hostSbis: readonly HostSbi[] | undefined;
  /** Of all guests. */
  private readonly vcpus: readonly Vcpu[];

  /**
   * Asked with every exit, when what will be done is decided and before it is done. 'stop' makes the machine's `run`
   * return 'stopped' with the exit pending; what it does is done when the machine goes on.
   */
  onExit?: (exit: ExitRecord) => 'go' | 'stop';
  /** Which kinds to ask about; all unless set. Records of other kinds are not built. */
  watchedKinds?: ReadonlySet<ExitKind>;
  /** With several guests: called once for a vCPU whose trap handler's first instruction traps, so that it does nothing else. */
  onDeadEnd?: (vcpu: Vcpu) => void;
  private readonly deadEnds = new Set<Vcpu>();
  /** Called when a guest has ended and others go on. */
  onGuestEnd?: (guest: Guest) => void;
  /** Records every exit that is carried out, where it is set. */
  recorder?: ExitRecorder;
  /** When this one gets its hart, the machine's `run` returns 'stopped'. */
  awaited?: Vcpu | undefined;

  /**
   * Loads the guests into a machine that has not started, and brings it to the first guest instruction.
   * @throws Error (BootError for a program) in a user's words when a guest does not fit or cannot be loaded
   */
  constructor(
    readonly machine: Machine,
    options: HypervisorOptions,
  ) {
    const { memory, harts } = machine;
    if (options.guests.length === 0) throw new Error('There is no guest to run; name at least one.');
    const timeSlice = sliceOf(options);
    const placed = placeVcpus(options.guests, harts.length);
    const sizes = options.guests.map(({ memoryBytes }) => memoryBytes ?? GUEST_SLOT);
    const ranges = placeGuests(sizes, memory.size);
    const shadowPages = Math.min(
      options.shadowPages ?? MOST_SHADOW_PAGES,
      Math.floor(((POOL_END - POOL_START) / PAGE_SIZE - OWN_PAGES) / options.guests.length),
    );

    this.ownPool = new PagePool(memory, POOL_START, POOL_START + OWN_PAGES * PAGE_SIZE);
    this.passthrough = new Passthrough(machine);
    this.hostTables = harts.map(() => new HostTables(memory, this.ownPool));
    this.schedules = harts.map((hart) => {
      const timer = { now: () => machine.time, set: (deadline: bigint) => this.setTimer(hart, deadline) };
      return new HartSchedule(hart, this.hostTables[hart.index], timer, timeSlice);
    });
    this.guests = options.guests.map((guest, index) => {
      const start = this.ownPool.end + index * shadowPages * PAGE_SIZE;
      const pool = new PagePool(memory, start, start + shadowPages * PAGE_SIZE);
      return this.createGuest(guest, index, ranges[index], pool, placed[index], options);
    });
    this.vcpus = this.guests.flatMap(({ vcpus }) => vcpus);
    this.start(options);
    this.passthrough.start();
    machine.keepState(describeHypervisor(options), this);
    machine.beforeRun = () => {
      if (this.finishPending()) machine.requestStop();
    };
  }

  /** The exit that an observer stopped at, not done yet. */
  get pendingExit(): ExitRecord | undefined {
    return this.pendingVcpu?.pending?.record;
  }

  /** The vCPU whose exit is pending. */
  get pendingVcpu(): Vcpu | undefined {
    for (const vcpu of this.vcpus) {
      this.decideAnew(vcpu);
      if (vcpu.pending) return vcpu;
    }
    return undefined;
  }

  /**
   * Carries out the pending exit without running the guest; `Machine.run` does it first by itself. When somebody moved the
   * guest's pc meanwhile, nothing is done. Registers that were changed meanwhile count as changed before the exit.
   * @returns what is pending now: an exit that follows from the first one may have been stopped at
   */
  finishPending(): ExitRecord | undefined {
    for (const vcpu of this.vcpus) {
      this.decideAnew(vcpu);
      const { pending } = vcpu;
      if (!pending) continue;
      vcpu.pending = undefined;
      vcpu.interruptGuest();
      if (vcpu.pc !== pending.record.pc) {
        this.leave(vcpu);
        continue;
      }
      this.recorder?.begin();
      const { trap } = pending;
      if (trap) this.carryOut(vcpu, exitFor(vcpu, trap));
      else this.carryOut(vcpu, pending.exit);
    }
    return this.pendingExit;
  }

  transferState(state: StateTransfer): void {
    this.ownPool.transferState(state);
    for (const sbi of this.hostSbis ?? []) sbi.transferState(state);
    for (const guest of this.guests) state.section(`guest ${guest.name}`, () => guest.transferState(state));
    for (const schedule of this.active())
      state.section(`hart ${schedule.hart.index}`, () => schedule.transferState(state));
  }

  /** An exit that was pending when a snapshot was taken is pending again. All is as it was then, so that it is the same. */
  private decideAnew(vcpu: Vcpu): void {
    const { undecided } = vcpu;
    vcpu.undecided = undefined;
    if (!undecided) return;
    const { trap, count } = undecided;
    // Where somebody had asked for the exit, nothing follows: the guest goes on.
    const exit = trap ? exitFor(vcpu, trap) : this.follows(vcpu);
    if (exit) vcpu.pending = { exit, record: { ...this.recordOf(vcpu, exit), count }, ...(trap && { trap }) };
  }

  /** The schedules of harts that vCPUs run on. */
  private active(): readonly HartSchedule[] {
    return this.schedules.filter(({ vcpus }) => vcpus.length > 0);
  }

  private createGuest(
    options: GuestOptions,
    index: number,
    { base, size }: GuestRange,
    pool: PagePool,
    placed: readonly number[],
    { guests, synchronization = 'sfence', findsStaleTranslations = false, stopsGuestTime = false }: HypervisorOptions,
  ): Guest {
    const { machine } = this;
    const harts = [...new Set(placed)].map((hart) => machine.harts[hart]);
    const guest: Guest = new Guest(options, {
      dram: machine.memory,
      range: { base, size },
      pool,
      synchronization,
      hostAsids: shareOfAsids(index, guests.length),
      clock: new GuestClock(() => machine.time, stopsGuestTime),
      deviceClock: machine.devices.clock,
      cache: {
        flushAll(vcpu) {
          if (vcpu !== undefined) guest.vcpus[vcpu].hart.flushTranslations();
          else for (const hart of harts) hart.flushTranslations();
        },
        flushPage(gvaLow, gvaHigh, vcpu) {
          if (vcpu !== undefined) guest.vcpus[vcpu].hart.flushTranslationAt(gvaLow, gvaHigh);
          else for (const hart of harts) hart.flushTranslationAt(gvaLow, gvaHigh);
        },
      },
      onEnd: () => this.guestEnded(guest),
      takeInterrupts: (hart) => this.passthrough.takeInterrupts(hart),
      ...(findsStaleTranslations &&
        synchronization === 'sfence' && { tableStores: this.tableStores(() => this.runningVcpu(guest)) }),
    });
    for (const hart of placed) {
      const context = new TrapContext(machine.memory, this.ownPool.allocate());
      const schedule = this.schedules[hart];
      const vcpu = new Vcpu(guest, guest.vcpus.length, schedule, context);
      guest.vcpus.push(vcpu);
      schedule.add(vcpu);
    }
    this.passthrough.give(guest, options.passthrough ?? [], placed[0]);
    return guest;
  }

  /** The guest's vCPU that executes now, or its first one. */
  private runningVcpu({ vcpus }: Guest): Vcpu {
    return vcpus.find(({ hart, isOnHart }) => isOnHart && hart === this.machine.current) ?? vcpus[0];
  }

  /** How the stores of a guest to its page tables are seen. @param running the vCPU that stores */
  private tableStores(running: () => Vcpu): GuestSurroundings['tableStores'] {
    const { engine } = this.machine;
    return {
      watch: {
        watch: (page, listener) => engine.watchStores(page, listener),
        unwatch: (page) => engine.unwatchStores(page),
      },
      writer: () => {
        const vcpu = running();
        return { vcpu: vcpu.index, pc: vcpu.pc, satp: vcpu.csrs.satp, count: this.machine.instructions };
      },
      now: () => this.machine.instructions,
    };
  }

  /** The host timer interrupt pends from this time on: by stimecmp where S-mode has it, else as the SBI below offers it. */
  private setTimer(hart: Hart, deadline: bigint): void {
    if (hart.supervisorDeadline !== undefined) hart.csrs.write(CSR.stimecmp, deadline);
    else if (this.hostSbis) this.hostSbis[hart.index].setTimer(deadline);
    else this.machine.firmware?.setTimer(hart, deadline);
  }

  /** Gets harts, loads the guests, and enters them at their first instructions. @throws Error in a user's words */
  private start({ guests: options, firmware }: HypervisorOptions): void {
    const { machine, guests } = this;
    const isa = isaString(machine.extensions);
    const load = () => guests.map((guest, index) => guest.load(options[index], isa));
    const harts = this.active().map(({ hart }) => hart);
    if (firmware) {
      // Once now, so that what is wrong with a guest is said before anything runs; firmware may use its memory.
      load();
      this.hostSbis = startOver(machine, firmware, harts, {
        onTrap: (hart, trap) => hart.supervisor?.(trap),
        onReturn: (hart) => this.goOnAfterCalls(this.schedules[hart.index].current),
      });
    } else {
      startOverBuiltIn(machine, harts);
    }
    load().forEach((entry, index) => {
      for (const vcpu of guests[index].vcpus) vcpu.boot(entry);
    });
    for (const schedule of this.active()) {
      takeOver(schedule, (trap) => this.onTrap(schedule.current, trap));
      schedule.hart.start();
      this.leave(schedule.current);
    }
  }

  /** A trap took the hart out of the guest. */
  private onTrap(vcpu: Vcpu, trap: Trap): void {
    this.recorder?.begin();
    vcpu.leaveGuest();
    vcpu.guest.shadow.protection?.settle(vcpu);
    const exit = exitFor(vcpu, trap);
    if (this.asks(exit) && this.stopsAt(vcpu, exit, trap)) vcpu.enterGuest();
    else this.carryOut(vcpu, exit);
    if (vcpu.schedule.current.pending) this.machine.requestStop();
  }

  /** Does what was decided, and what follows from it, and goes back to the guest; unless an observer stops what follows. */
  private carryOut(vcpu: Vcpu, exit: AnyExit): void {
    vcpu.guest.exitCounts[exit.kind]++;
    this.recorder?.before(vcpu, exit, this.recordOf);
    const next = exit.perform();
    if (exit.kind === 'inject' && this.guests.length > 1) this.noteDeadEnd(vcpu);
    // The hart may be another vCPU's now.
    const { current } = vcpu.schedule;
    if (current !== vcpu && current === this.awaited) this.machine.requestStop();
    const following = next ?? this.follows(current);
    this.recorder?.after(vcpu, exit, following === undefined);
    this.goOn(current, following);
  }

  /** What is to be done before a vCPU goes on, if anything. */
  private follows(vcpu: Vcpu): AnyExit | undefined {
    const { schedule, guest } = vcpu;
    vcpu.wakeIfDue();
    if (schedule.isShared) {
      const next = schedule.next();
      if (next) return new VcpuSwitch(vcpu, next);
    }
    return guest.ended || guest.isHeld || vcpu.isStopped ? undefined : deliverableInterrupt(vcpu);
  }

  /** Carries out what follows; goes back to the guest when that is nothing, or an observer stops it. */
  private goOn(vcpu: Vcpu, following: AnyExit | undefined): void {
    if (!following) {
      this.leave(vcpu);
    } else if (this.asks(following) && this.stopsAt(vcpu, following)) {
      vcpu.enterGuest();
    } else {
      this.carryOut(vcpu, following);
    }
  }

  /** Goes back to the guest; first, firmware answers the calls that were asked for. */
  private leave(vcpu: Vcpu): void {
    const { schedule, hart } = vcpu;
    schedule.arm();
    const sbi = this.hostSbis?.[hart.index];
    if (sbi?.isWanted) {
      sbi.make();
      return;
    }
    vcpu.enterGuest();
    if (!vcpu.canRun) hart.waitForInterrupt();
  }

  /** Firmware has answered calls. */
  private goOnAfterCalls(vcpu: Vcpu): void {
    this.recorder?.begin();
    this.goOn(vcpu, this.follows(vcpu));
    if (vcpu.schedule.current.pending) this.machine.requestStop();
  }

  /** From outside: a guest executes nothing until it is let go again. The others go on, and so do its devices. */
  hold(guest: Guest, on: boolean): void {
    if (guest.isHeld === on) return;
    guest.isHeld = on;
    guest.settleClock();
    for (const { schedule } of guest.vcpus) schedule.notice();
  }

  /**
   * From outside: a vCPU that shares its hart gets it. @returns whether it has it; not while it cannot run, or while firmware is
   * at work there
   */
  giveHart(vcpu: Vcpu): boolean {
    const { hart, schedule } = vcpu;
    const { current } = schedule;
    if (vcpu.isOnHart || !vcpu.canRun || current.isInHypervisor) return vcpu.isOnHart;
    current.interruptGuest();
    this.recorder?.begin();
    // It may have waited.
    hart.start();
    this.goOn(current, new VcpuSwitch(current, vcpu, true));
    return vcpu.isOnHart;
  }

  private noteDeadEnd(vcpu: Vcpu): void {
    const { csrs, pc } = vcpu;
    if (csrs.sepc !== pc || !FATAL_CAUSES.includes(csrs.scause) || this.deadEnds.has(vcpu)) return;
    this.deadEnds.add(vcpu);
    this.onDeadEnd?.(vcpu);
  }

  private asks(exit: AnyExit): boolean {
    return this.onExit !== undefined && (this.watchedKinds?.has(exit.kind) ?? true);
  }

  /** Shows an exit to the observer. */
  private stopsAt(vcpu: Vcpu, exit: AnyExit, trap?: Trap): boolean {
    const record = this.recordOf(vcpu, exit);
    if (this.onExit?.(record) !== 'stop') return false;
    vcpu.pending = { exit, record, ...(trap && { trap }) };
    return true;
  }

  private readonly recordOf = (vcpu: Vcpu, exit: AnyExit): ExitRecord => {
    // The exit made the object for this; adding to it is faster than copying it.
    const record = exit.fields() as unknown as { -readonly [K in keyof CommonExitFields]: CommonExitFields[K] } & {
      kind: ExitKind;
    };
    record.kind = exit.kind;
    record.guest = vcpu.guest.name;
    record.vcpu = vcpu.index;
    record.pc = vcpu.pc;
    record.virtualPrivilege = vcpu.modeName;
    record.count = this.machine.instructions;
    const { instruction } = exit;
    if (instruction !== undefined) record.instruction = instruction;
    return record as unknown as ExitRecord;
  };

  /** Its harts have nothing to do any more; the other guests go on. */
  private guestEnded(guest: Guest): void {
    for (const { schedule } of guest.vcpus) schedule.guestEnded();
    const ends = this.guests.map(({ ended }) => ended);
    const failed = ends.find((end) => end !== undefined && end.code !== 0);
    const last = ends.at(-1);
    if (last && ends.every((end) => end !== undefined)) this.machine.powerOff(failed ?? last);
    else this.onGuestEnd?.(guest);
  }
}
