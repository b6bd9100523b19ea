/** QEMU's `virt` machine: RAM, devices and harts, run in slices. */
import type { EngineOptions } from '../engine/engine';
import { Engine } from '../engine/engine';
import { DRAM_BASE } from '../engine/physical-memory';
import type { Contents, PhysicalMemory } from '../engine/physical-memory';
import type { StateTransfer, Stateful } from '../engine/state-transfer';
import type { Technique } from '../engine/techniques';
import type { TranslationService } from '../engine/translator/translation-service';
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
import { isaString } from './isa-string';
import { restoreSnapshot, takeSnapshot, transferDescription } from './machine-snapshot';
import type { MachineSnapshot } from './machine-snapshot';
import { MachineTimers } from './machine-timers';
import type { PowerOff, RunResult } from './run-result';
import { RealTime, VirtualTime } from './time';
import type { MachineTime } from './time';
import { Turns } from './turns';

const MIB = 1024 * 1024;
export const DEFAULT_MEMORY_BYTES = 3072 * MIB;

/** The most instructions that the engine runs at a stretch. */
const LONGEST_STRETCH = 0x4000_0000;
/** Interrupts taken in a row without an instruction, before `run` returns to its caller. */
const INTERRUPTS_IN_A_ROW = 64;

const A0 = 10;
const A1 = 11;
const A2 = 12;

export interface MachineOptions {
  /** Size of RAM in bytes, a multiple of 64 KiB; 3 GiB unless said otherwise. It costs host memory where it is touched. */
  readonly memoryBytes?: number;
  /** 1 to 8; 1 unless said otherwise. */
  readonly harts?: number;
  /** Extensions to have or not to have, where that differs from the defaults. */
  readonly extensions?: ExtensionSwitches;
  /** Techniques that the engine does without, for measurements. */
  readonly engineWithout?: ReadonlySet<Technique>;
  /** When the engine translates code to WebAssembly; see `EngineOptions`. */
  readonly translator?: EngineOptions['translator'];
  /** Translates beside the thread that runs the machine; that does it itself unless given. */
  readonly translation?: TranslationService;
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
  readonly initrd?: Uint8Array | Contents;
  readonly bootargs?: string;
  /** Where the program has `tohost`, through which it ends the machine and prints (see `htif.ts`). */
  readonly htif?: HtifAddresses;
}

/** A point in the execution: an address at a count of instructions. */
interface Moment {
  readonly hart: Hart;
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
  private readonly timers: MachineTimers;
  private readonly turns: Turns;
  private end: PowerOff | undefined;
  private stopRequested = false;
  private reached: Moment | undefined;
  private passed: Moment | undefined;
  /** Instructions that `run` may still execute. */
  private left = 0;
  /** The last `run` ended with no hart that could run, and nothing to wait for but the host. */
  private slept = false;

  /** @throws RangeError when the memory size or the number of harts is not possible */
  constructor(options: MachineOptions = {}) {
    this.extensions = machineExtensions(options.extensions);
    const { memoryBytes = DEFAULT_MEMORY_BYTES, translator = 'on', engineWithout = new Set() } = options;
    const { translation, hostTicks } = options;
    this.engine = new Engine({
      ramBytes: memoryBytes,
      extensions: this.extensions,
      translator,
      translation,
      without: engineWithout,
    });
    this.memory = this.engine.memory;
    const { harts = 1 } = options;
    if (!Number.isInteger(harts) || harts < 1 || harts > VIRT.maxHarts) {
      throw new RangeError(`A machine with ${harts} harts is not possible: there can be 1 to ${VIRT.maxHarts}.`);
    }
    const executed = () => this.engine.executed;
    this.clock = hostTicks ? new RealTime(executed, hostTicks) : new VirtualTime(executed);
    this.clint = new Clint({ harts, now: () => this.clock.ticks });
    this.plic = new Plic({ harts });
    for (const device of [this.finisher, this.clint, this.plic, this.uart]) this.bus.add(device);
    const { bus, plic, memory, clint, clock } = this;
    const devices = new DeviceClock(() => clock.ticks);
    this.devices = new ExtraDevices(options.devices ?? {}, { bus, plic, memory, clock: devices });
    bus.add(this.rom);
    this.harts = Array.from({ length: harts }, (_, index) => this.createHart(index));
    const awaitsHost = () => this.awaitsHost();
    const showTime = this.engine.setClock.bind(this.engine);
    this.timers = new MachineTimers({ harts: this.harts, clint, clock, devices, executed, awaitsHost, showTime });
    this.turns = new Turns(this.harts, executed, ({ index }) => this.engine.switchTo(index));
    this.connectDevices();
  }

  /** The hart whose turn it is. */
  get current(): Hart {
    return this.turns.current;
  }

  /** Instructions attempted by all harts since the start, those that trapped included. */
  get instructions(): number {
    return this.engine.executed;
  }

  /** mtime: ticks of 100 ns. */
  get time(): bigint {
    return this.clint.mtime;
  }

  /** Loads a program with its device tree, and sets the harts up to start it. @throws BootError for what cannot run */
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
    if (firmware) for (const { state } of this.harts) state.pc = BigInt(this.rom.base);
    else if (mode === 'supervisor') this.startFirmware().start(this.harts[0], state);
    else this.startInMachineMode(state);
    return state;
  }

  /** Installs the built-in firmware, in which all harts are stopped; its `start` enters a program in S-mode. */
  startFirmware(): Firmware {
    this.firmware = new Firmware(this);
    return this.firmware;
  }

  /**
   * Runs for at most this many instructions, and ends early for the reasons that the result names. Timer interrupts come at
   * the exact instruction count at which they are due.
   * @param turnOf end as soon as it is this hart's turn, also when it is already
   */
  run(maxInstructions: number, turnOf?: Hart): RunResult {
    return this.execute(maxInstructions, (stretch) => this.engine.run(stretch), false, turnOf);
  }

  /**
   * One instruction of the hart whose turn it is then, whether there is a breakpoint on it or not; or, when an interrupt is
   * due, the entry into its handler.
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
    return takeSnapshot(this);
  }

  /**
   * Makes the machine what it, or one made in the same way, was. Not to be called from a callback.
   * @throws SnapshotError when the snapshot does not fit; then the machine is as it was
   */
  restoreSnapshot(snapshot: MachineSnapshot): void {
    restoreSnapshot(this, snapshot);
  }

  transferState(state: StateTransfer): void {
    transferDescription(state, this, [...this.parts.keys()]);
    this.engine.transferState(state);
    this.clock.transferState(state);
    this.turns.transferState(state);
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
    this.timers.next = 0;
  }

  /** From a callback: ends `run` as soon as possible, before the next instruction. Otherwise: ends the next `run` at once. */
  requestStop(): void {
    this.stopRequested = true;
    this.engine.requestExit();
  }

  /** From a callback: `run` has executed enough with this instruction. Without effect when nothing runs. */
  endSlice(): void {
    this.left = 0;
    this.engine.limitSlice(0);
  }

  /** The next `run` does not stop at a breakpoint where the hart stands now. */
  passBreakpoint(): void {
    const { current: hart } = this;
    this.passed = { hart, pc: hart.state.pc, executed: this.engine.executed };
  }

  /** Ends the machine: `run` returns this from now on. */
  powerOff(end: PowerOff): void {
    this.end ??= end;
    this.engine.requestExit();
  }

  private execute(limit: number, advance: (stretch: number) => number, single: boolean, turnOf?: Hart): RunResult {
    const { engine, timers, turns } = this;
    this.left = limit;
    let interrupts = 0;
    if (this.beforeRun) engine.observe(this.beforeRun);
    if (this.slept) this.wakeUp();
    for (;;) {
      const ended = this.ended();
      if (ended) return ended;
      if (engine.executed >= timers.next) timers.runDue();
      if (this.left <= 0 || interrupts >= INTERRUPTS_IN_A_ROW) return { kind: 'limit' };
      const hart = turns.next();
      if (!hart) return this.idle();
      if (hart === turnOf) return { kind: 'turn' };
      if (hart.waiting) hart.resume();
      const pc = single ? hart.state.pc : 0n;
      if (engine.observe(() => hart.takeInterrupt())) {
        interrupts++;
        if (single && hart.state.pc !== pc) return this.ended() ?? { kind: 'limit' };
        continue;
      }
      const done = advance(Math.min(this.left, timers.next - engine.executed, turns.left, LONGEST_STRETCH));
      if (done > 0) interrupts = 0;
      this.htif?.serve();
      this.left -= done;
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

  /** No hart can run. */
  private idle(): RunResult {
    const { ticks, left } = this.timers.waitForNext();
    if (ticks > 0 || this.harts.some(({ canRun }) => canRun)) return { kind: 'waiting', ticks };
    this.slept = true;
    return left === undefined ? { kind: 'idle' } : { kind: 'asleep', ticks: left };
  }

  /** Whatever ended the wait: time has gone on meanwhile. */
  private wakeUp(): void {
    this.slept = false;
    this.clock.update();
    this.timers.runDue();
  }

  private createHart(index: number): Hart {
    const hart = new Hart({
      index,
      engine: this.engine,
      bus: this.bus,
      rom: this.rom,
      extensions: this.extensions,
      time: () => this.clint.mtime,
      requestStop: () => this.requestStop(),
    });
    hart.onTimerChange = () => this.timersChanged();
    hart.onReady = () => this.endTurn();
    hart.onBreakpoint = (pc) => this.reachBreakpoint(pc);
    this.engine.attach(hart, index);
    return hart;
  }

  private connectDevices(): void {
    this.clint.onSoftware = (index, on) => this.harts[index].setInterruptPending(INTERRUPT.machineSoftware, on);
    this.clint.onTimerChange = this.devices.clock.onChange = () => this.timersChanged();
    this.plic.onContext = (context, pending) =>
      this.harts[context >> 1].setInterruptPending(
        context & 1 ? INTERRUPT.supervisorExternal : INTERRUPT.machineExternal,
        pending,
      );
    this.uart.onInterrupt = (level) => this.plic.setLine(VIRT.uart.irq, level);
    this.finisher.onFinish = ({ kind, code }) => this.powerOff({ reason: kind, code });
  }

  private timersChanged(): void {
    this.timers.update();
    // The instruction that wrote the comparator counts towards the deadline.
    const remaining = this.timers.next - this.engine.executed - 1;
    if (remaining < LONGEST_STRETCH) this.engine.limitSlice(Math.max(0, remaining));
  }

  private endTurn(): void {
    this.turns.end();
    this.engine.requestExit();
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
    const { current: hart } = this;
    const { executed } = this.engine;
    const { passed } = this;
    if (passed?.pc === pc && passed.executed === executed && passed.hart === hart) return false;
    if (this.onBreakpoint?.(pc) === false) return false;
    this.reached = { hart, pc, executed };
    return true;
  }

  /** All harts begin at once, each with its number, as the boot ROM would enter the program. */
  private startInMachineMode({ entry, a1 }: BootState): void {
    for (const { index, state } of this.harts) {
      state.setX(A0, BigInt(index));
      state.setX(A1, a1);
      state.setX(A2, BigInt(this.rom.base + DYNAMIC_RECORD));
      state.pc = entry;
    }
  }
}
