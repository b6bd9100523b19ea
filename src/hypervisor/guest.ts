/** A guest: its memory, devices, shadow page tables, console and vCPUs. */
import type { StateTransfer } from '../engine/state-transfer';
import type { Contents, PhysicalMemory } from '../engine/physical-memory';
import type { DeviceClock } from '../machine/devices/device-clock';
import { VIRT } from '../machine/devices/virt-map';
import type { DeviceOptions } from '../machine/extra-devices';
import type { BootProgram, BootState } from '../machine/boot';
import { boot } from '../machine/boot';
import type { EntrySource } from '../machine/walk';
import type { Gpa, Hpa } from './addresses';
import type { ExitKind } from './exit-record';
import { EXIT_KINDS } from './exit-record';
import type { GuestClock } from './guest-clock';
import { EXTERNAL_INTERRUPT } from './guest-csrs';
import { GUEST_TREE_DEVICES, GuestDevices } from './guest-devices';
import type { GuestDeviceEvents } from './guest-devices';
import { deviceClockOf } from './guest-device-clock';
import { GuestDma } from './guest-dma';
import { GuestMemory } from './guest-memory';
import type { GuestRange } from './layout';
import type { PagePool } from './page-pool';
import { ShadowPageTables } from './shadow/shadow-page-tables';
import type { AsidRange, FenceTarget, Synchronization, TranslationCache } from './shadow/shadow-page-tables';
import { StaleTranslations } from './shadow/stale-translations';
import type { StoreWatch, TableWriter } from './shadow/stale-translations';
import type { ShadowView } from './shadow/view';
import type { Vcpu } from './vcpu';

export interface GuestOptions {
  readonly name: string;
  /** 128 MiB unless said otherwise; a multiple of 4 KiB. */
  readonly memoryBytes?: number;
  /** 1 to 4; 1 unless said otherwise. */
  readonly vcpus?: number;
  /** Addresses are GPA. */
  readonly program: BootProgram;
  readonly initrd?: Uint8Array | Contents;
  /** The kernel's command line. */
  readonly bootargs?: string;
  /** Its virtio devices and its clock; they are its alone. */
  readonly devices?: DeviceOptions;
  /** Virtio slots of the machine that it drives itself, in its own slots after those devices. */
  readonly passthrough?: readonly number[];
}

/** How a guest ended. */
export interface GuestEnd {
  readonly reason: 'shutdown' | 'reboot' | 'failure';
  /** The exit code that it gave. */
  readonly code: number;
}

export interface GuestConsole {
  onOutput?: (bytes: Uint8Array) => void;
  /** Gives the guest input, as typed at its serial port. */
  receive(bytes: Uint8Array): number;
  /** Bytes of input that the guest has not read. */
  readonly waiting: number;
}

/** What a guest asks of the hypervisor around it. */
export interface GuestSurroundings {
  readonly dram: PhysicalMemory;
  readonly range: GuestRange;
  /** Pages for its shadow tables alone. */
  readonly pool: PagePool;
  readonly cache: TranslationCache;
  readonly hostAsids: AsidRange;
  readonly clock: GuestClock;
  /** The machine's. */
  readonly deviceClock: DeviceClock;
  readonly synchronization: Synchronization;
  /** To look for stale translations; they are not looked for unless given. */
  readonly tableStores?: {
    readonly watch: StoreWatch;
    readonly writer: () => Required<TableWriter>;
    /** The machine's count of instructions. */
    readonly now: () => number;
  };
  onEnd(): void;
  /** An external interrupt of the machine took the guest's hart. */
  takeInterrupts(hart: number): void;
}

const NO_CACHE: TranslationCache = { flushAll() {}, flushPage() {} };
const nobody = (): Required<TableWriter> => ({ vcpu: 0, pc: 0n, satp: 0n, count: 0 });

export class Guest {
  readonly name: string;
  readonly memory: GuestMemory;
  readonly dram: PhysicalMemory;
  readonly devices: GuestDevices;
  readonly shadow: ShadowPageTables;
  /** Looks for stale translations, where that was asked for. */
  readonly stale: StaleTranslations | undefined;
  readonly console: GuestConsole;
  readonly clock: GuestClock;
  readonly vcpus: Vcpu[] = [];
  /** Virtio slots of the machine that are passed through to it. */
  readonly machineSlots: readonly number[];
  /** Reads the guest's own page tables, for walks. */
  readonly entrySource: EntrySource;
  /** VM exits so far, by kind. */
  readonly exitCounts = Object.fromEntries(EXIT_KINDS.map(({ kind }) => [kind, 0])) as Record<ExitKind, number>;
  ended?: GuestEnd;
  /** Whoever debugs holds it: it executes nothing. */
  isHeld = false;
  /** A driver of the guest's broke the rules, and its device waits for a reset; one sentence. */
  onProblem: (message: string) => void = () => {};
  /** An external interrupt of the machine took a hart out of this guest. */
  readonly takeInterrupts: (hart: number) => void;
  private readonly onEnd: () => void;

  constructor(options: GuestOptions, around: GuestSurroundings) {
    this.name = options.name;
    this.dram = around.dram;
    this.clock = around.clock;
    this.memory = new GuestMemory(around.dram, around.range.base, around.range.size);
    this.entrySource = this.memory.entrySource();
    this.shadow = new ShadowPageTables(around, this.memory);
    this.memory.onWrite = (hpa, length) => this.shadow.protection?.memoryWritten(hpa, length);
    const { dram, cache, tableStores } = around;
    if (tableStores) {
      const { watch, writer, now } = tableStores;
      this.stale = new StaleTranslations(dram, this.memory, cache, watch, writer, now);
    }
    this.onEnd = () => around.onEnd();
    const events: GuestDeviceEvents = {
      onOutput: (bytes) => this.console.onOutput?.(bytes),
      onFinish: ({ kind, code }) => this.end({ reason: kind, code }),
      onProblem: (message) => this.onProblem(message),
      onExternal: (vcpu, pending) => this.setExternal(vcpu, pending),
    };
    const { devices = {}, passthrough = [] } = options;
    const slots = VIRT.virtio.slots - passthrough.length;
    this.machineSlots = passthrough;
    this.takeInterrupts = (hart) => around.takeInterrupts(hart);
    this.devices = new GuestDevices(
      options.vcpus ?? 1,
      events,
      { ...devices, slots },
      {
        memory: new GuestDma(this.memory, dram),
        clock: deviceClockOf(around.clock, around.deviceClock),
      },
    );
    const { uart } = this.devices;
    this.console = {
      receive: (bytes) => uart.receive(bytes),
      get waiting() {
        return uart.waiting;
      },
    };
  }

  gpaToHpa(gpa: Gpa): Hpa | undefined {
    return this.memory.toHpa(gpa);
  }

  /**
   * Loads program, RAM disk and device tree into the guest's memory.
   * @param isa the `riscv,isa` string of the machine
   * @throws BootError in a user's words when something does not fit
   */
  load(options: GuestOptions, isa: string): BootState {
    const { memory } = this;
    return boot({
      program: options.program,
      memory: {
        base: memory.gpaBase,
        size: memory.size,
        name: `the memory of guest ${this.name}`,
        load: (address, data) => void memory.write(address, data),
      },
      ...(options.initrd && { initrd: options.initrd }),
      tree: {
        harts: options.vcpus ?? 1,
        isa,
        mmuType: 'riscv,sv57',
        devices: GUEST_TREE_DEVICES,
        ...(options.bootargs !== undefined && { bootargs: options.bootargs }),
      },
    });
  }

  /** SFENCE.VMA of a vCPU for itself, or by its SBI for another one. */
  fence(by: number, on: number, target: FenceTarget): void {
    this.shadow.fence(on, target);
    if (this.vcpus.length > 1) this.stale?.noteFence(by, target);
  }

  /** The guest ended; it does not execute any further instruction. */
  end(end: GuestEnd): void {
    this.ended ??= end;
    this.onEnd();
  }

  /** Its time goes on or stands still, as it does: to be asked when it may have changed what it does. */
  settleClock(): void {
    const { clock, vcpus } = this;
    if (!clock.mayStop) return;
    const ready = vcpus.filter(({ canRun }) => canRun);
    const isPutOff = ready.length > 0 && !ready.some(({ isOnHart }) => isOnHart);
    const runs = !this.isHeld && !isPutOff;
    if (clock.runs === runs) return;
    clock.run(runs);
    for (const { timer } of vcpus) timer.clockChanged();
  }

  transferState(state: StateTransfer): void {
    for (const device of this.devices.bus.devices) state.section(device.name, () => device.transferState(state));
    state.section('shadow page tables', () => this.shadow.transferState(state));
    state.section('stale translations', () => this.transferStale(state));
    state.section('clock', () => this.clock.transferState(state));
    this.isHeld = state.flag(this.isHeld);
    for (const vcpu of this.vcpus) state.section(`vCPU ${vcpu.index}`, () => vcpu.transferState(state));
    for (const { kind } of EXIT_KINDS) this.exitCounts[kind] = state.integer(this.exitCounts[kind]);
    this.ended = state.optional(this.ended, (end) => ({
      reason: state.choice(end?.reason ?? 'shutdown', ['shutdown', 'reboot', 'failure']),
      code: state.integer(end?.code ?? 0),
    }));
  }

  /** A snapshot may come from a run that looked for stale translations, or one that did not. */
  private transferStale(state: StateTransfer): void {
    const wasLookedFor = state.flag(this.stale !== undefined);
    if (!wasLookedFor) {
      if (state.isRestoring) this.stale?.forgetAll();
      return;
    }
    const views = new Map([...this.shadow.allViews()].map((view) => [view.hostAsid, view]));
    const transferView = (view?: ShadowView): ShadowView => {
      const found = views.get(state.integer(view?.hostAsid ?? 0));
      state.require(found !== undefined, 'a shadow page table is missing');
      return found!;
    };
    const unused = { watch() {}, unwatch() {} };
    const stale = this.stale ?? new StaleTranslations(this.dram, this.memory, NO_CACHE, unused, nobody, () => 0);
    stale.transferState(state, transferView);
  }

  private setExternal(index: number, pending: boolean): void {
    const vcpu = this.vcpus.at(index);
    if (!vcpu) return;
    vcpu.csrs.setPending(EXTERNAL_INTERRUPT, pending);
    if (pending) vcpu.notify();
  }
}
