/**
 * The hypervisor: it runs in the hart's S-mode, and its guests in U-mode. A trap out of a guest is decided (exits/), shown
 * to an observer if there is one, carried out, and the guest goes on.
 */
import type { StateTransfer } from '../engine/state-transfer';
import type { BootProgram, BootState } from '../machine/boot';
import { CSR } from '../machine/csr-numbers';
import type { Firmware } from '../machine/firmware';
import type { Hart, Trap } from '../machine/hart';
import type { Machine } from '../machine/machine';
import { isaString } from '../machine/isa-string';
import { makeSatp, sv39 } from '../machine/paging';
import type { CommonExitFields, ExitKind, ExitRecord } from './exit-record';
import { exitFor } from './exits/decode';
import type { AnyExit } from './exits/exit';
import { deliverableInterrupt } from './exits/inject';
import { Guest } from './guest';
import type { GuestOptions, GuestSurroundings } from './guest';
import { EXTERNAL_INTERRUPT, SOFTWARE_INTERRUPT, TIMER_INTERRUPT } from './guest-csrs';
import { HostSbi } from './host-sbi';
import { HostTables } from './host-tables';
import type { GuestRange } from './layout';
import { GUEST_SLOT, HYPERVISOR_BASE, placeGuests, POOL_END, POOL_START, TRAMPOLINE } from './layout';
import { PagePool } from './page-pool';
import { PAGE_SIZE } from './addresses';
import type { ExitRecorder } from './insight/exit-recorder';
import type { Synchronization } from './shadow/shadow-page-tables';
import { Passthrough } from './passthrough';
import { TrapContext } from './trap-context';
import { Vcpu } from './vcpu';

export interface HypervisorOptions {
  readonly guests: readonly GuestOptions[];
  /** Pages that the shadow tables of one guest may take; at least 24. */
  readonly shadowPages?: number;
  /** When shadow page tables follow those of the guests: 'sfence' unless said otherwise. */
  readonly synchronization?: Synchronization;
  /** Whether uses of stale translations are looked for: they are VM exits of the kind `staleTranslation` then. */
  readonly findsStaleTranslations?: boolean;
  /** M-mode code below the hypervisor, in place of the built-in firmware. */
  readonly firmware?: BootProgram;
}

const A0 = 10;
const A1 = 11;

/** The hypervisor's own pages: page tables of its own, trap contexts. */
const OWN_PAGES = 256;
/** What stands for the hypervisor's code, for those who start it: it is TypeScript. */
const OWN_IMAGE: BootProgram = {
  entry: BigInt(HYPERVISOR_BASE),
  segments: [{ address: HYPERVISOR_BASE, data: new Uint8Array(4), memorySize: PAGE_SIZE }],
};
/** Firmware that has not started the hypervisor by then does not mean to: OpenSBI takes about five million. */
const MOST_FIRMWARE_INSTRUCTIONS = 200_000_000;
/** 32 MiB of shadow tables for one guest, where there is room. */
const MOST_SHADOW_PAGES = 8192;

/** Interrupts that take the hart out of a guest. */
const HOST_INTERRUPTS = [SOFTWARE_INTERRUPT, TIMER_INTERRUPT, EXTERNAL_INTERRUPT];

/** Faults of fetching, and what is no instruction: a handler that begins with one never does anything. */
const FATAL_CAUSES: readonly bigint[] = [0n, 1n, 2n, 12n];

/** What a snapshot's hypervisor must be like. */
function describe({ guests, synchronization = 'sfence' }: HypervisorOptions): string {
  const names = guests.map(({ name }) => name).join(', ');
  return `hypervisor of ${names} by ${synchronization}`;
}

/** The most vCPUs that a guest can have. */
const MOST_VCPUS = 4;

/**
 * Each guest's harts, one for each vCPU: the first vCPU of guest n has hart n, and the others have those that follow.
 * @throws Error in a user's words when there are too few
 */
function placeVcpus(guests: readonly GuestOptions[], harts: readonly Hart[]): readonly (readonly Hart[])[] {
  const counts = guests.map(({ vcpus = 1 }) => vcpus);
  counts.forEach((count, index) => {
    if (Number.isInteger(count) && count >= 1 && count <= MOST_VCPUS) return;
    throw new Error(`Guest ${guests[index].name} cannot have ${count} vCPUs: there can be 1 to ${MOST_VCPUS}.`);
  });
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all > harts.length) {
    throw new Error(
      `${all} vCPUs need as many harts, and the machine has ${harts.length}; give it more (8 at most), or the guests fewer vCPUs.`,
    );
  }
  let next = guests.length;
  return counts.map((count, index) => [harts[index], ...harts.slice(next, (next += count - 1))]);
}

export class Hypervisor {
  readonly guests: readonly Guest[];
  /** For page tables of its own, and trap contexts. */
  private readonly ownPool: PagePool;
  /** Of each hart: the hypervisor's own page tables. */
  readonly hostTables: readonly HostTables[];
  private readonly passthrough: Passthrough;
  /** The SBI below, where that is not the built-in firmware. */
  private hostSbi: HostSbi | undefined;

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
    const placed = placeVcpus(options.guests, harts);
    if (options.firmware && placed.flat().length > 1) {
      throw new Error(
        'Over firmware of your own, the hypervisor runs one guest with one vCPU; leave the firmware out.',
      );
    }
    const sizes = options.guests.map(({ memoryBytes }) => memoryBytes ?? GUEST_SLOT);
    const ranges = placeGuests(sizes, memory.size);
    const shadowPages = Math.min(
      options.shadowPages ?? MOST_SHADOW_PAGES,
      Math.floor(((POOL_END - POOL_START) / PAGE_SIZE - OWN_PAGES) / options.guests.length),
    );

    this.ownPool = new PagePool(memory, POOL_START, POOL_START + OWN_PAGES * PAGE_SIZE);
    this.passthrough = new Passthrough(machine);
    this.hostTables = harts.map(() => new HostTables(memory, this.ownPool));
    this.guests = options.guests.map((guest, index) => {
      const start = this.ownPool.end + index * shadowPages * PAGE_SIZE;
      const pool = new PagePool(memory, start, start + shadowPages * PAGE_SIZE);
      return this.createGuest(guest, ranges[index], pool, placed[index], options);
    });
    if (options.firmware) this.startOver(options.firmware, options.guests);
    else this.guests.forEach((guest, index) => this.start(guest, options.guests[index]));
    this.passthrough.start();
    machine.keepState(describe(options), this);
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
    return this.vcpus().find(({ pending }) => pending !== undefined);
  }

  /**
   * Carries out the pending exit without running the guest; `Machine.run` does it first by itself. When somebody moved the
   * guest's pc meanwhile, nothing is done. Registers that were changed meanwhile count as changed before the exit.
   * @returns what is pending now: an exit that follows from the first one may have been stopped at
   */
  finishPending(): ExitRecord | undefined {
    for (const vcpu of this.vcpus()) {
      const { pending } = vcpu;
      if (!pending) continue;
      vcpu.pending = undefined;
      if (vcpu.pc !== pending.record.pc) continue;
      vcpu.interruptGuest();
      this.recorder?.begin();
      const { trap } = pending;
      if (trap) this.carryOut(vcpu, exitFor(vcpu, trap));
      else this.carryOut(vcpu, pending.exit);
    }
    return this.pendingExit;
  }

  transferState(state: StateTransfer): void {
    this.ownPool.transferState(state);
    this.hostSbi?.transferState(state);
    for (const guest of this.guests) state.section(`guest ${guest.name}`, () => guest.transferState(state));
  }

  private vcpus(): Vcpu[] {
    return this.guests.flatMap(({ vcpus }) => vcpus);
  }

  private createGuest(
    options: GuestOptions,
    range: GuestRange,
    pool: PagePool,
    harts: readonly Hart[],
    { synchronization = 'sfence', findsStaleTranslations = false }: HypervisorOptions,
  ): Guest {
    const { machine } = this;
    const guest: Guest = new Guest(options, {
      dram: machine.memory,
      range,
      pool,
      synchronization,
      clock: machine.devices.clock,
      cache: {
        flushAll() {
          for (const hart of harts) hart.flushTranslations();
        },
        flushPage(gva) {
          for (const hart of harts) hart.flushTranslation(gva);
        },
      },
      onEnd: () => this.guestEnded(guest),
      takeInterrupts: (index) => this.passthrough.takeInterrupts(index),
      ...(findsStaleTranslations &&
        synchronization === 'sfence' && { tableStores: this.tableStores(() => this.runningVcpu(guest)) }),
    });
    harts.forEach((hart, index) => {
      const timer = {
        now: () => machine.time,
        set: (deadline: bigint) => this.setTimer(hart, deadline),
      };
      const context = new TrapContext(machine.memory, this.hostTables[hart.index].trapContext);
      guest.vcpus.push(new Vcpu(guest, index, hart, context, timer));
    });
    this.passthrough.give(guest, options.passthrough ?? [], harts[0].index);
    return guest;
  }

  /** The guest's vCPU that executes now, or its first one. */
  private runningVcpu({ vcpus }: Guest): Vcpu {
    return vcpus.find(({ hart }) => hart === this.machine.current) ?? vcpus[0];
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
        return { vcpu: vcpu.index, pc: vcpu.pc, count: this.machine.instructions };
      },
    };
  }

  /** The host timer interrupt pends from this time on: by stimecmp where S-mode has it, else as the SBI below offers it. */
  private setTimer(hart: Hart, deadline: bigint): void {
    if (hart.supervisorDeadline !== undefined) hart.csrs.write(CSR.stimecmp, deadline);
    else if (this.hostSbi) this.hostSbi.setTimer(deadline);
    else this.machine.firmware?.setTimer(hart, deadline);
  }

  /**
   * Loads a guest, takes its harts over from the built-in firmware, and enters the guest at its first instruction; vCPUs but
   * the first are stopped.
   */
  private start(guest: Guest, options: GuestOptions): void {
    const entry = this.load(guest, options);
    for (const { index, hart } of guest.vcpus) {
      this.firmware.start(hart, { entry: BigInt(HYPERVISOR_BASE), a0: BigInt(hart.index), a1: 0n });
      this.begin(guest, entry, index);
    }
  }

  /** Runs firmware in M-mode until it starts the hypervisor, and the hypervisor its guest. @throws Error in a user's words */
  private startOver(firmware: BootProgram, options: readonly GuestOptions[]): void {
    const { machine, guests } = this;
    const [hart] = machine.harts;
    const [guest] = guests;
    // Once now, so that what is wrong with it is said before anything runs.
    this.load(guest, options[0]);
    const { deviceTree } = machine.boot({ program: OWN_IMAGE, mode: 'supervisor', firmware });
    this.hostSbi = new HostSbi(hart, TRAMPOLINE, {
      onStart: () => {
        // The tree, which is the firmware's, may lie in the guest's memory.
        machine.memory.fill(deviceTree.start, deviceTree.end - deviceTree.start, 0);
        this.begin(guest, this.load(guest, options[0]));
        machine.requestStop();
      },
      onTrap: (trap) => hart.supervisor?.(trap),
      onReturn: () => {
        const [vcpu] = guest.vcpus;
        this.recorder?.begin();
        this.goOn(vcpu, guest.ended ? undefined : deliverableInterrupt(vcpu));
        if (vcpu.pending) machine.requestStop();
      },
    });
    let result = machine.run(MOST_FIRMWARE_INSTRUCTIONS);
    while (result.kind === 'waiting') result = machine.run(MOST_FIRMWARE_INSTRUCTIONS - machine.instructions);
    if (result.kind === 'stopped') return;
    throw new Error(
      `The firmware does not start the hypervisor at 0x${HYPERVISOR_BASE.toString(16)}, where OpenSBI's fw_jump and fw_dynamic ` +
        'start what they are built for; use one that does.',
    );
  }

  /** The built-in one. */
  private get firmware(): Firmware {
    return this.machine.firmware ?? this.machine.startFirmware();
  }

  private load(guest: Guest, options: GuestOptions): BootState {
    return guest.load(options, isaString(this.machine.extensions));
  }

  /** The vCPU's hart is in S-mode and the hypervisor's: it enters the guest at its first instruction. */
  private begin(guest: Guest, entry: BootState, index = 0): void {
    const vcpu = guest.vcpus[index];
    const { hart } = vcpu;
    const { csrs } = hart;
    csrs.write(CSR.stvec, TRAMPOLINE);
    csrs.write(CSR.satp, makeSatp(sv39, this.hostTables[hart.index].root));
    csrs.write(
      CSR.sie,
      HOST_INTERRUPTS.reduce((bits, interrupt) => bits | (1n << BigInt(interrupt)), 0n),
    );
    hart.supervisor = (trap) => this.onTrap(vcpu, trap);
    vcpu.setX(A0, entry.a0);
    vcpu.setX(A1, entry.a1);
    vcpu.pc = entry.entry;
    if (index > 0) vcpu.stop();
    vcpu.enterGuest();
    if (vcpu.waiting) hart.waitForInterrupt();
  }

  /** A trap took the hart out of the guest. */
  private onTrap(vcpu: Vcpu, trap: Trap): void {
    this.recorder?.begin();
    vcpu.leaveGuest();
    vcpu.guest.shadow.protection?.settle(vcpu);
    const exit = exitFor(vcpu, trap);
    if (this.asks(exit) && this.stopsAt(vcpu, exit, trap)) vcpu.enterGuest();
    else this.carryOut(vcpu, exit);
    if (vcpu.pending) this.machine.requestStop();
  }

  /** Does what was decided, and what follows from it, and goes back to the guest; unless an observer stops what follows. */
  private carryOut(vcpu: Vcpu, exit: AnyExit): void {
    vcpu.guest.exitCounts[exit.kind]++;
    this.recorder?.before(vcpu, exit, this.recordOf);
    const next = exit.perform();
    if (exit.kind === 'inject' && this.guests.length > 1) this.noteDeadEnd(vcpu);
    if (next === undefined && this.hostSbi?.isWanted) {
      this.recorder?.after(vcpu, exit, true);
      this.hostSbi.make();
      return;
    }
    const following = vcpu.guest.ended || vcpu.isStopped ? undefined : (next ?? deliverableInterrupt(vcpu));
    this.recorder?.after(vcpu, exit, following === undefined);
    this.goOn(vcpu, following);
  }

  /** Carries out what follows; goes back to the guest when that is nothing, or an observer stops it. */
  private goOn(vcpu: Vcpu, following: AnyExit | undefined): void {
    if (following && !(this.asks(following) && this.stopsAt(vcpu, following))) {
      this.carryOut(vcpu, following);
      return;
    }
    vcpu.enterGuest();
    if (vcpu.waiting && !vcpu.pending) vcpu.hart.waitForInterrupt();
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
    for (const { hart } of guest.vcpus) hart.stop();
    const ends = this.guests.map(({ ended }) => ended);
    const failed = ends.find((end) => end !== undefined && end.code !== 0);
    const last = ends.at(-1);
    if (last && ends.every((end) => end !== undefined)) this.machine.powerOff(failed ?? last);
    else this.onGuestEnd?.(guest);
  }
}
