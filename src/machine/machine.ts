/** QEMU's `virt` machine: RAM, devices and harts, run in slices. */
import type { TranslatorMode } from '../engine/engine';
import { Engine } from '../engine/engine';
import { DRAM_BASE } from '../engine/physical-memory';
import type { PhysicalMemory } from '../engine/physical-memory';
import { PAGE_BYTES } from '../engine/memory-images';
import type { MemoryImage } from '../engine/memory-images';
import { restoreState, saveState, SnapshotError } from '../engine/state-transfer';
import type { StateTransfer, Stateful, StoredState } from '../engine/state-transfer';
import type { Technique } from '../engine/techniques';
import { makeDecoder } from '../isa/decode';
import type { Extension, ExtensionSwitches } from '../isa/extensions';
import { machineExtensions } from '../isa/extensions';
import type { BootProgram, BootState } from './boot';
import { boot } from './boot';
import { BootRom, DYNAMIC_RECORD } from './boot-rom';
import { Bus } from './bus';
import { Clint } from './devices/clint';
import { DeviceClock } from './devices/device-clock';
import { Finisher } from './devices/finisher';
import { Plic } from './devices/plic';
import { Uart } from './devices/uart';
import { VIRT } from './devices/virt-map';
import { ExtraDevices } from './extra-devices';
import type { DeviceOptions } from './extra-devices';
import { Firmware } from './firmware';
import { Hart } from './hart';
import { Htif } from './htif';
import type { HtifAddresses } from './htif';
import { INTERRUPT } from './status';
import { RealTime, VirtualTime } from './time';
import type { MachineTime } from './time';

const MIB = 1024 * 1024;
export const DEFAULT_MEMORY_BYTES = 3072 * MIB;

/** The most instructions that the engine runs at a stretch. */
const LONGEST_STRETCH = 0x4000_0000;
/** Ticks that are skipped at most while something outside the machine may end the wait. */
const LONGEST_WAIT = 20_000;
/** Interrupts taken in a row without an instruction, before `run` returns to its caller. */
const INTERRUPTS_IN_A_ROW = 64;

const A0 = 10;
const A1 = 11;
const A2 = 12;

export interface MachineOptions {
  /** Size of RAM in bytes, a multiple of 64 KiB; 3 GiB unless said otherwise. It costs host memory where it is touched. */
  readonly memoryBytes?: number;
  /** Extensions to have or not to have, where that differs from the defaults. */
  readonly extensions?: ExtensionSwitches;
  /** Techniques that the engine does without, for measurements. */
  readonly engineWithout?: ReadonlySet<Technique>;
  /** When the engine translates code to WebAssembly; see `TranslatorMode`. */
  readonly translator?: TranslatorMode;
  /** What the devices start with, and which there are beside those of every machine. */
  readonly devices?: DeviceOptions;
  /** The host's clock for time to follow: ticks of 100 ns, never decreasing. Without it time is virtual. */
  readonly hostTicks?: () => number;
}

export interface MachineBoot {
  readonly program: BootProgram;
  /** 'supervisor': in S-mode, over firmware. 'machine': in M-mode, without firmware. */
  readonly mode: 'supervisor' | 'machine';
  /** M-mode code in place of the built-in firmware; it starts the program. */
  readonly firmware?: BootProgram;
  /** A device tree in place of the machine's own description; it gets the command line and the RAM disk. */
  readonly deviceTree?: Uint8Array;
  readonly initrd?: Uint8Array;
  readonly bootargs?: string;
  /** Where the program has `tohost`, through which it ends the machine and prints (see `htif.ts`). */
  readonly htif?: HtifAddresses;
}

/** A machine at a moment; see `Machine.takeSnapshot`. It never changes. */
export interface MachineSnapshot {
  readonly state: StoredState;
  readonly memory: MemoryImage;
}

export interface PowerOff {
  readonly code: number;
  readonly reason: 'shutdown' | 'reboot' | 'failure';
}

export type RunResult =
  /** The instructions asked for were executed. */
  | { readonly kind: 'limit' }
  /** `requestStop`, or `onTrap` said 'stop'. */
  | { readonly kind: 'stopped' }
  /** The hart stands before the instruction at a breakpoint. */
  | { readonly kind: 'breakpoint'; readonly pc: bigint }
  /** The hart is in WFI, and nothing but input will wake it. */
  | { readonly kind: 'idle' }
  /** The hart was in WFI, and virtual time was advanced to its timer by this many ticks. */
  | { readonly kind: 'waiting'; readonly ticks: number }
  /** Time follows the host's clock, and the hart is in WFI for so many ticks: call `run` again then, or after input. */
  | { readonly kind: 'asleep'; readonly ticks: number }
  /** The program ended the machine. */
  | ({ readonly kind: 'power-off' } & PowerOff);

/** A point in the execution: an address at a count of instructions. */
interface Moment {
  readonly pc: bigint;
  readonly executed: number;
}

export class Machine implements Stateful {
  readonly engine: Engine;
  readonly memory: PhysicalMemory;
  readonly bus = new Bus();
  readonly uart = new Uart();
  readonly clint: Clint;
  readonly plic: Plic;
  readonly finisher = new Finisher();
  readonly rom = new BootRom();
  readonly devices: ExtraDevices;
  readonly harts: readonly Hart[];
  readonly extensions: ReadonlySet<Extension>;
  /** The built-in firmware, once it is in use. */
  firmware?: Firmware;

  /** Asked when a breakpoint address is reached; false: go on without stopping. */
  onBreakpoint?: (pc: bigint) => boolean;
  /** Called at the beginning of `run` and `step`, to finish what a stop left undone. */
  beforeRun?: () => void;
  /** Asked in WFI: whether something outside the machine, where time is real, may end the wait. */
  awaitsHost = (): boolean => false;

  private htif: Htif | undefined;
  private readonly clock: MachineTime;
  private readonly parts = new Map<string, Stateful>();
  private end: PowerOff | undefined;
  private stopRequested = false;
  private reached: Moment | undefined;
  private passed: Moment | undefined;
  /** Instructions executed when the next timer's interrupt begins to pend; Infinity when none will. */
  private nextTimer = 0;
  /** The last `run` ended in WFI, with nothing to wait for but the host. */
  private slept = false;

  /** @throws RangeError when the memory size is not possible */
  constructor(options: MachineOptions = {}) {
    this.extensions = machineExtensions(options.extensions);
    const decode = makeDecoder(this.extensions);
    const { memoryBytes = DEFAULT_MEMORY_BYTES, translator = 'on', engineWithout = new Set(), hostTicks } = options;
    this.engine = new Engine({ ramBytes: memoryBytes, decode, translator, without: engineWithout });
    this.memory = this.engine.memory;
    const executed = () => this.engine.executed;
    this.clock = hostTicks ? new RealTime(executed, hostTicks) : new VirtualTime(executed);
    this.clint = new Clint({ harts: 1, now: () => BigInt(this.clock.ticks) });
    this.plic = new Plic({ harts: 1 });
    for (const device of [this.finisher, this.clint, this.plic, this.uart]) this.bus.add(device);
    const { bus, plic, memory } = this;
    this.devices = new ExtraDevices(options.devices ?? {}, {
      bus,
      plic,
      memory,
      clock: new DeviceClock(() => this.clock.ticks),
    });
    bus.add(this.rom);
    const hart = new Hart({
      index: 0,
      engine: this.engine,
      bus: this.bus,
      rom: this.rom,
      extensions: this.extensions,
      time: () => this.clint.mtime,
      requestStop: () => this.requestStop(),
    });
    this.harts = [hart];
    this.connect(hart);
    this.engine.attach(hart);
  }

  /** Instructions attempted since the start, those that trapped included. */
  get instructions(): number {
    return this.engine.executed;
  }

  /** mtime: ticks of 100 ns. */
  get time(): bigint {
    return this.clint.mtime;
  }

  /** Loads a program with its device tree, and sets hart 0 up to start it. @throws BootError for what cannot run */
  boot({ program, mode, firmware, deviceTree, initrd, bootargs, htif }: MachineBoot): BootState {
    const { memory } = this;
    const state = boot({
      program,
      memory: {
        base: DRAM_BASE,
        size: memory.size,
        name: "the machine's memory",
        load: (address, data) => memory.load(address, data),
      },
      tree: {
        harts: this.harts.length,
        isa: isaString(this.extensions),
        mmuType: 'riscv,sv57',
        ...(bootargs === undefined ? {} : { bootargs }),
      },
      ...(firmware && { firmware }),
      ...(deviceTree && { deviceTree }),
      ...(initrd ? { initrd } : {}),
    });
    const { entry, a1: tree } = state;
    this.rom.fill({ start: state.firmware ?? entry, tree, next: firmware ? entry : 0n });
    if (htif) this.htif = this.connectHtif(htif);
    if (firmware) this.harts[0].state.pc = BigInt(this.rom.base);
    else if (mode === 'supervisor') this.startFirmware().start(state);
    else this.startInMachineMode(state);
    return state;
  }

  /** Installs the built-in firmware; its `start` enters a program in S-mode. */
  startFirmware(): Firmware {
    this.firmware = new Firmware(this, this.harts[0]);
    return this.firmware;
  }

  /**
   * Runs for at most this many instructions, and ends early for the reasons that the result names. Timer interrupts come at
   * the exact instruction count at which they are due.
   */
  run(maxInstructions: number): RunResult {
    return this.execute(maxInstructions, (stretch) => this.engine.run(stretch), false);
  }

  /**
   * One instruction, whether there is a breakpoint on it or not; or, when an interrupt is due, the entry into its handler.
   */
  step(): RunResult {
    return this.execute(1, () => this.engine.step(), true);
  }

  /** Makes something a part of the machine's snapshots. @param name different from others' */
  keepState(name: string, part: Stateful): void {
    this.parts.set(name, part);
  }

  /**
   * The whole machine as it is, to go on from later. What does not change until the next one, both share. Not to be called
   * from a callback.
   * @throws SnapshotError when a part of it cannot be kept
   */
  takeSnapshot(): MachineSnapshot {
    return { state: saveState(this), memory: this.engine.takeMemory() };
  }

  /**
   * Makes the machine what it, or one made in the same way, was. Not to be called from a callback.
   * @throws SnapshotError when the snapshot does not fit; then the machine is as it was
   */
  restoreSnapshot({ state, memory }: MachineSnapshot): void {
    const before = saveState(this);
    try {
      restoreState(this, state);
      if (memory.end > this.memory.size / PAGE_BYTES) {
        throw new SnapshotError('The snapshot has memory where this machine has none: it is damaged; take it anew.');
      }
    } catch (error) {
      restoreState(this, before);
      throw error;
    }
    this.engine.restoreMemory(memory);
  }

  transferState(state: StateTransfer): void {
    const description = this.describe();
    const found = state.text(description);
    if (found !== description) {
      throw new SnapshotError(
        `The snapshot is of another machine; start this one with the same settings. It was: ${found}. This is: ${description}.`,
      );
    }
    this.engine.transferState(state);
    this.clock.transferState(state);
    for (const hart of this.harts) state.section(`hart ${hart.index}`, () => hart.transferState(state));
    for (const device of this.bus.devices) state.section(device.name, () => device.transferState(state));
    const { firmware } = this;
    if (firmware) state.section('firmware', () => firmware.transferState(state));
    for (const [name, part] of this.parts) state.section(name, () => part.transferState(state));
    this.end = state.optional(this.end, (end) => ({
      reason: state.choice(end?.reason ?? 'shutdown', ['shutdown', 'reboot', 'failure']),
      code: state.integer(end?.code ?? 0),
    }));
    this.slept = state.flag(this.slept);
    if (!state.isRestoring) return;
    this.stopRequested = false;
    this.reached = this.passed = undefined;
    // So that timers are looked at before anything else.
    this.nextTimer = 0;
  }

  /** What a snapshot's machine must be like. */
  private describe(): string {
    const devices = this.devices.slots.flatMap(({ deviceName }) => deviceName ?? []);
    const traits = [
      `${this.memory.size / MIB} MiB`,
      `${this.harts.length} ${this.harts.length === 1 ? 'hart' : 'harts'}`,
      isaString(this.extensions),
      `virtio ${this.devices.slots[0].legacy ? 'legacy' : 'modern'} with ${devices.join(', ') || 'nothing'}`,
      this.firmware ? 'SBI firmware' : 'no firmware',
      ...this.parts.keys(),
    ];
    return traits.join('; ');
  }

  /** From a callback: ends `run` as soon as possible, before the next instruction. Otherwise: ends the next `run` at once. */
  requestStop(): void {
    this.stopRequested = true;
    this.engine.requestExit();
  }

  /** The next `run` does not stop at a breakpoint where the hart stands now. */
  passBreakpoint(): void {
    this.passed = { pc: this.harts[0].state.pc, executed: this.engine.executed };
  }

  /** Ends the machine: `run` returns this from now on. */
  powerOff(end: PowerOff): void {
    this.end ??= end;
    this.engine.requestExit();
  }

  private execute(limit: number, advance: (stretch: number) => number, single: boolean): RunResult {
    const [hart] = this.harts;
    let left = limit;
    let interrupts = 0;
    if (this.beforeRun) this.engine.observe(this.beforeRun);
    if (this.slept) this.wakeUp(hart);
    for (;;) {
      const ended = this.ended();
      if (ended) return ended;
      if (this.engine.executed >= this.nextTimer) this.runTimers(hart);
      if (left <= 0 || interrupts >= INTERRUPTS_IN_A_ROW) return { kind: 'limit' };
      const pc = single ? hart.state.pc : 0n;
      if (this.engine.observe(() => hart.takeInterrupt())) {
        interrupts++;
        if (single && hart.state.pc !== pc) return this.ended() ?? { kind: 'limit' };
        continue;
      }
      if (hart.waiting && !hart.wakes) return this.idle(hart);
      hart.waiting = false;
      const done = advance(Math.min(left, this.nextTimer - this.engine.executed, LONGEST_STRETCH));
      if (done > 0) interrupts = 0;
      this.htif?.serve();
      left -= done;
    }
  }

  /** Why `run` must return now, if it must. */
  private ended(): RunResult | undefined {
    if (this.end) return { kind: 'power-off', ...this.end };
    if (this.reached) {
      const { pc } = this.reached;
      this.passed = this.reached;
      this.reached = undefined;
      return { kind: 'breakpoint', pc };
    }
    if (!this.stopRequested) return undefined;
    this.stopRequested = false;
    return { kind: 'stopped' };
  }

  /** In WFI: time goes on to the first timer whose interrupt can wake the hart. */
  private idle(hart: Hart): RunResult {
    const { enabledInterrupts } = hart.csrs.state;
    const deadlines = this.deadlines(hart).filter(({ interrupt }) => (enabledInterrupts & (1 << interrupt)) !== 0);
    const moments = deadlines.map(({ at }) => at);
    const { next } = this.devices.clock;
    if (next !== Infinity) moments.push(BigInt(next));
    const [first] = moments.sort((a, b) => (a < b ? -1 : 1));
    const ticks = first === undefined ? 0 : this.clock.waitFor(this.bounded(first));
    this.runTimers(hart);
    if (hart.wakes || ticks > 0) return { kind: 'waiting', ticks };
    this.slept = true;
    const comes = first !== undefined && this.clock.instructionsUntil(first) !== Infinity;
    return comes ? { kind: 'asleep', ticks: Number(first) - this.clock.ticks } : { kind: 'idle' };
  }

  /** Whatever ended the wait: time has gone on meanwhile. */
  private wakeUp(hart: Hart): void {
    this.slept = false;
    this.clock.update();
    this.runTimers(hart);
  }

  /** Where something outside may end the wait, no more than a little is skipped at a time. */
  private bounded(moment: bigint): bigint {
    if (!this.awaitsHost() || this.clock.instructionsUntil(moment) === Infinity) return moment;
    const most = BigInt(this.clock.ticks + LONGEST_WAIT);
    return moment < most ? moment : most;
  }

  /** Lets what is due happen. */
  private runTimers(hart: Hart): void {
    if (this.clock.untilUpdate <= 0) this.clock.update();
    this.devices.clock.runDue();
    this.updateTimer(hart);
  }

  /** Brings the timers' interrupts up to date: when one is due, and when time or a comparator was changed. */
  private updateTimer(hart: Hart): void {
    hart.setInterruptPending(INTERRUPT.machineTimer, this.clint.timerPending(hart.index));
    const { supervisorDeadline } = hart;
    if (supervisorDeadline !== undefined) hart.csrs.setSupervisorTimer(this.clint.mtime >= supervisorDeadline);
    this.nextTimer = this.engine.executed + this.untilTimer(hart);
  }

  /** Instructions until the next timer's interrupt begins to pend; Infinity when none will. */
  private untilTimer(hart: Hart): number {
    let least = Math.min(this.clock.untilUpdate, this.clock.instructionsUntil(this.devices.clock.next));
    for (const { at } of this.deadlines(hart)) least = Math.min(least, this.clock.instructionsUntil(at));
    return least;
  }

  /** The timers whose interrupts do not pend yet, with the tick at which they will. */
  private deadlines(hart: Hart): { readonly interrupt: number; readonly at: bigint }[] {
    const { clint } = this;
    const { supervisorDeadline } = hart;
    const found: { interrupt: number; at: bigint }[] = [];
    if (!clint.timerPending(hart.index)) {
      found.push({ interrupt: INTERRUPT.machineTimer, at: clint.deadline(hart.index) });
    }
    if (supervisorDeadline !== undefined && clint.mtime < supervisorDeadline) {
      found.push({ interrupt: INTERRUPT.supervisorTimer, at: clint.moment(supervisorDeadline) });
    }
    return found;
  }

  private connect(hart: Hart): void {
    this.clint.onSoftware = (index, on) => this.harts[index].setInterruptPending(INTERRUPT.machineSoftware, on);
    const onTimerChange = () => {
      this.updateTimer(hart);
      // The instruction that wrote the comparator counts towards the deadline.
      const remaining = this.nextTimer - this.engine.executed - 1;
      if (remaining < LONGEST_STRETCH) this.engine.limitSlice(Math.max(0, remaining));
    };
    this.clint.onTimerChange = hart.onTimerChange = this.devices.clock.onChange = onTimerChange;
    this.plic.onContext = (context, pending) =>
      this.harts[context >> 1].setInterruptPending(
        context & 1 ? INTERRUPT.supervisorExternal : INTERRUPT.machineExternal,
        pending,
      );
    this.uart.onInterrupt = (level) => this.plic.setLine(VIRT.uart.irq, level);
    this.finisher.onFinish = ({ kind, code }) => this.powerOff({ reason: kind, code });
    hart.onBreakpoint = (pc) => this.reachBreakpoint(pc);
  }

  /** @throws BootError when there is no doubleword of memory at an address */
  private connectHtif(addresses: HtifAddresses): Htif {
    const htif = new Htif(this.memory, addresses);
    htif.onExit = (code) => this.powerOff({ reason: code === 0 ? 'shutdown' : 'failure', code });
    htif.onOutput = (byte) => this.uart.onOutput(Uint8Array.of(byte));
    this.engine.watchStores(addresses.tohost, () => this.engine.requestExit());
    return htif;
  }

  private reachBreakpoint(pc: bigint): boolean {
    const { executed } = this.engine;
    if (this.passed?.pc === pc && this.passed.executed === executed) return false;
    if (this.onBreakpoint?.(pc) === false) return false;
    this.reached = { pc, executed };
    return true;
  }

  /** As the boot ROM would enter it. */
  private startInMachineMode({ entry, a0, a1 }: BootState): void {
    const { state } = this.harts[0];
    state.setX(A0, a0);
    state.setX(A1, a1);
    state.setX(A2, BigInt(this.rom.base + DYNAMIC_RECORD));
    state.pc = entry;
  }
}

/** An instruction set as device trees write it: `rv64imafdc_zicsr_zifencei`. */
export function isaString(extensions: ReadonlySet<Extension>): string {
  const names = [...extensions];
  const letters = [...'IMAFDC'].filter((letter) => names.some((name) => name === letter)).join('');
  const others = names.filter((name) => name.length > 1);
  return ['rv64' + letters, ...others].join('_').toLowerCase();
}
