/** Guests under the hypervisor, as the debugger sees them. */
import type { WatchedRange } from '../../engine/data-watch';
import type { ExitKind, ExitRecord } from '../../hypervisor/exit-record';
import { Hypervisor } from '../../hypervisor/hypervisor';
import type { HypervisorOptions } from '../../hypervisor/hypervisor-options';
import type { Guest, GuestOptions } from '../../hypervisor/guest';
import { ExitRecorder } from '../../hypervisor/insight/exit-recorder';
import type { ExitRecorderOptions } from '../../hypervisor/insight/exit-recorder';
import type { Vcpu } from '../../hypervisor/vcpu';
import { causeName, trapCauses } from '../../isa/causes';
import { hex } from '../format';
import { Machine } from '../../machine/machine';
import type { MachineOptions } from '../../machine/machine';
import type { MachineSnapshot } from '../../machine/machine-snapshot';
import type { Lan } from '../../machine/network/lan';
import { addressSpaceOf } from '../../machine/paging';
import { MachinePageTables } from '../page-tables/page-table-tree';
import { viewName } from '../page-tables/view-name';
import type { GuestTables, SpaceTables, Tables } from '../page-tables/page-table-tree';
import type { Console, MemoryWatcher, RunOutcome, System, TrapNotice, Watcher } from './system';
import { makeConsole, makeConsoles } from './console';
import { makeDevices } from './device-input';
import type { DeviceInput } from './device-input';
import { HostInput } from './host-input';
import type { Target } from '../target';
import { boundCalls, boundQuestions, boundSlowPath, endOf, OTHERS_SLICE, outcomeOf, stepHart } from './run-result';
import { VcpuTarget } from './vcpu-target';

/** The cause that an SBI call has where there is no hypervisor: it is not injected, but users may want to stop on it. */
const SUPERVISOR_ECALL = 9;

/** Shadow entries that one instruction can need: its code and its data, each across two pages. Some more for evictions. */
const MOST_FILLS = 8;

/** Instructions of firmware that one step of the guest may take. */
const MOST_FIRMWARE_STEPS = 100_000;
const M_MODE = 3;
/** Guests, with the devices that each is to have. */
export interface HypervisedSetup extends Omit<HypervisorOptions, 'guests'> {
  /** Of the machine itself: for guests to which they are passed through. */
  readonly devices?: DeviceInput;
  readonly guests: readonly (Omit<GuestOptions, 'devices'> & { readonly devices?: DeviceInput })[];
}

export class HypervisedSystem implements System {
  readonly kind = 'hypervisor';
  readonly targets: readonly VcpuTarget[];
  readonly consoles: readonly Console[];
  readonly pageTables: MachinePageTables;
  readonly input: HostInput;
  onBreakpoint = (): boolean => true;
  onProblem?: (message: string) => void;
  private readonly machine: Machine;
  private readonly hypervisor: Hypervisor;
  private watching: Watcher = {};
  private watcherStopped = false;
  /** What is being stepped, and lost its hart at the end of its time slice. */
  private displaced: Vcpu | undefined;
  /** What firmware printed while it started. */
  private readonly early: Uint8Array[] = [];
  private readonly firmwareConsole: Console | undefined;

  /**
   * @param exits how VM exits are recorded; they are not unless given
   * @throws Error in a user's words when the guests do not fit or cannot be loaded
   */
  constructor(options: MachineOptions, setup: HypervisedSetup, exits?: ExitRecorderOptions) {
    const report = (guest: string, message: string) =>
      this.onProblem?.(setup.guests.length > 1 ? `Guest ${guest}: ${message}` : message);
    const lans = new Map<string, Lan>();
    const devices = setup.guests.map(({ name, devices: input = {} }, index) =>
      makeDevices(input, (message) => report(name, message), { index, lans }),
    );
    // Of the machine itself, for guests that drive them.
    const own = makeDevices(setup.devices ?? {}, (message) => this.onProblem?.(message), {
      index: devices.some(({ gateways }) => gateways.length > 0) ? setup.guests.length : 0,
      lans,
    });
    this.machine = new Machine({ ...options, devices: own.options });
    this.machine.devices.onProblem = (message) => this.onProblem?.(message);
    const { uart } = this.machine;
    // Firmware prints before anybody can look.
    uart.onOutput = (bytes) => this.early.push(bytes.slice());
    const guests = setup.guests.map((guest, index) => ({ ...guest, devices: devices[index]!.options }));
    this.hypervisor = new Hypervisor(this.machine, { ...setup, guests });
    for (const [name, lan] of lans) this.machine.keepState(`network ${name}`, lan);
    for (const guest of this.hypervisor.guests) guest.onProblem = (message) => report(guest.name, message);
    this.hypervisor.onGuestEnd = ({ name, ended }) => {
      if (ended) report(name, `${endOf(ended).text} The others go on.`);
    };
    this.hypervisor.onDeadEnd = (vcpu) => report(vcpu.guest.name, deadEndText(vcpu));
    this.input = new HostInput(
      this.machine,
      [...devices, own].flatMap(({ gateways }) => gateways),
    );
    if (exits) this.hypervisor.recorder = new ExitRecorder(exits);
    const vcpus = this.hypervisor.guests.flatMap((guest) => guest.vcpus);
    this.targets = vcpus.map((vcpu, index) => new VcpuTarget(index + 1, vcpu));
    const consoles = this.hypervisor.guests.flatMap(({ name, console }, index) =>
      makeConsoles(name, console, devices[index]!.consoles),
    );
    const ports = own.consoles.map((port, index) => makeConsole(`virtio console of the machine ${index + 1}`, port));
    consoles.push(...ports);
    this.firmwareConsole = setup.firmware && makeConsole('firmware', uart, true);
    // The guests' come first: it is them that users talk to.
    this.consoles = this.firmwareConsole ? [...consoles, this.firmwareConsole] : consoles;
    this.pageTables = new MachinePageTables(this.hypervisor.guests.map((guest) => guestTables(guest, this.machine)));
    boundSlowPath(this.machine);
    this.machine.onBreakpoint = boundQuestions(
      this.machine,
      () => !isInFirmware(this.current.vcpu) && this.onBreakpoint(),
    );
    for (const hart of this.machine.harts) {
      if (hart.supervisor) hart.supervisor = boundCalls(this.machine, hart.supervisor);
    }
  }

  get instructions(): number {
    return this.machine.instructions;
  }

  get time(): bigint {
    return this.machine.time;
  }

  get exitCounts(): System['exitCounts'] {
    return this.hypervisor.guests.map(({ name, exitCounts }) => ({ guest: name, counts: exitCounts }));
  }

  get exits(): ExitRecorder | undefined {
    return this.hypervisor.recorder;
  }

  get current(): VcpuTarget {
    if (this.targets.length === 1) return this.targets[0]!;
    const pending = this.hypervisor.pendingVcpu;
    const { current } = this.machine;
    const isCurrent = ({ vcpu }: VcpuTarget): boolean =>
      pending ? vcpu === pending : vcpu.isOnHart && vcpu.hart === current;
    return this.targets.find(isCurrent) ?? this.targets[0]!;
  }

  get pending(): System['pending'] {
    const record = this.hypervisor.pendingExit;
    return record && { target: this.current, record };
  }

  get watcher(): Watcher {
    return this.watching;
  }

  set watcher(watcher: Watcher) {
    this.watching = watcher;
    const { onExit, exitKinds, onTrap } = watcher;
    const kinds = new Set<ExitKind>(onExit ? exitKinds : []);
    if (onTrap) for (const kind of ['inject', 'sbiCall'] as const) kinds.add(kind);
    this.hypervisor.watchedKinds = kinds;
    if (kinds.size > 0) this.hypervisor.onExit = (record) => this.observe(record);
    else this.hypervisor.onExit = undefined;
  }

  setBreakpoints(addresses: Iterable<bigint>): void {
    this.machine.engine.setBreakpoints(addresses);
  }

  watchMemory(ranges: readonly WatchedRange[], { onAccess, onAddressSpace }: MemoryWatcher): void {
    const { machine } = this;
    machine.engine.watchData(ranges, (accesses) => {
      if (onAccess(this.current, accesses) !== 'stop') return;
      this.watcherStopped = true;
      machine.requestStop();
    });
    for (const target of this.targets) {
      if (onAddressSpace) target.vcpu.onAddressSpace = () => onAddressSpace(target);
      else target.vcpu.onAddressSpace = undefined;
    }
  }

  hold(name: string, on: boolean): void {
    const guest = this.hypervisor.guests.find((candidate) => candidate.name === name);
    if (guest) this.hypervisor.hold(guest, on);
  }

  takeSnapshot(): MachineSnapshot {
    return this.machine.takeSnapshot();
  }

  restoreSnapshot(snapshot: MachineSnapshot): void {
    this.machine.restoreSnapshot(snapshot);
  }

  run(maxInstructions: number): RunOutcome {
    for (const bytes of this.early.splice(0)) this.firmwareConsole?.onOutput?.(bytes);
    this.watcherStopped = false;
    this.displaced = undefined;
    this.input.deliver();
    return outcomeOf(this.machine.run(maxInstructions), this.current, this.watcherStopped);
  }

  endSlice(): void {
    this.machine.endSlice();
  }

  step(target: Target): RunOutcome {
    this.watcherStopped = false;
    if (this.hypervisor.pendingExit) {
      this.machine.engine.observe(() => this.hypervisor.finishPending());
      return this.watcherStopped ? { kind: 'stopped' } : { kind: 'limit' };
    }
    const { vcpu } = target as VcpuTarget;
    if (!vcpu.isOnHart) {
      const { pc } = vcpu;
      if (vcpu !== this.displaced) this.machine.engine.observe(() => this.hypervisor.giveHart(vcpu));
      if (this.watcherStopped) return { kind: 'stopped' };
      if (!vcpu.isOnHart) return this.runOthers(vcpu);
      // An interrupt had come for it, so that the step goes to its handler.
      if (vcpu.pc !== pc) return { kind: 'limit' };
    }
    this.displaced = undefined;
    return this.stepCompletely(vcpu);
  }

  /** While a vCPU waits for its hart, or for an interrupt: those run that have it. */
  private runOthers(vcpu: Vcpu): RunOutcome {
    this.hypervisor.awaited = vcpu;
    const result = this.machine.run(OTHERS_SLICE);
    this.hypervisor.awaited = undefined;
    const isInterim = result.kind === 'limit' || (result.kind === 'stopped' && !this.watcherStopped);
    return isInterim ? { kind: 'elsewhere' } : outcomeOf(result, this.current, this.watcherStopped);
  }

  /**
   * An instruction that finds no shadow entry leaves to the hypervisor, which fills the entry in, and is executed again: the
   * guest knows nothing of it, so it is one step.
   */
  private stepCompletely(vcpu: Vcpu): RunOutcome {
    const { machine } = this;
    let calls = 0;
    for (let tries = 1; ; tries++) {
      const { pc } = vcpu;
      const before = preparations(vcpu.guest);
      const result = stepHart(machine, vcpu.hart, () => machine.step());
      if (result.kind === 'limit' && isInFirmware(vcpu) && calls++ < MOST_FIRMWARE_STEPS) continue;
      // The bound on calls ended the turn of others.
      if (result.kind === 'stopped' && !this.watcherStopped && vcpu.pc === pc) return { kind: 'elsewhere' };
      if (result.kind === 'limit' && !vcpu.isOnHart && vcpu.pc === pc) {
        // Its time slice is over. Others have theirs first: it may wait for what they do.
        this.displaced = vcpu;
        return { kind: 'elsewhere' };
      }
      const isFilled = vcpu.pc === pc && preparations(vcpu.guest) !== before;
      if (result.kind !== 'limit' || !isFilled || tries >= MOST_FILLS) {
        return outcomeOf(result, this.current, this.watcherStopped);
      }
    }
  }

  private observe(record: ExitRecord): 'go' | 'stop' {
    const target = this.targetOf(record);
    const { onExit, exitKinds, onTrap } = this.watching;
    const trap = trapOf(target, record);
    const verdicts = [
      trap && onTrap ? onTrap(trap) : 'go',
      onExit && exitKinds?.has(record.kind) ? onExit(target, record) : 'go',
    ];
    if (!verdicts.includes('stop')) return 'go';
    this.watcherStopped = true;
    return 'stop';
  }

  private targetOf(record: ExitRecord): VcpuTarget {
    return this.targets.find(({ vcpu }) => vcpu.guest.name === record.guest && vcpu.index === record.vcpu)!;
  }
}

/** Firmware in M-mode is at work for the hypervisor, on the hart of this vCPU. */
function isInFirmware({ hart }: Vcpu): boolean {
  return hart.privilege === M_MODE;
}

function deadEndText({ index, pc, csrs, guest }: Vcpu): string {
  const processor = guest.vcpus.length > 1 ? `vCPU ${index}` : 'it';
  return `${processor} gets nowhere: its trap handler at ${hex(pc)} traps at its first instruction (${causeName(csrs.scause)}). The others go on.`;
}

/** Exits after which the instruction is executed again, so far; a write to a table that the hypervisor makes is not repeated. */
function preparations({ exitCounts }: Guest): number {
  return exitCounts.shadowFill + exitCounts.tableWrite + exitCounts.staleTranslation;
}

/** The trap that an exit record stands for: an injection, or an SBI call, which is an exception where there is no hypervisor. */
function trapOf(target: VcpuTarget, record: ExitRecord): TrapNotice | undefined {
  const notice = (code: number, interrupt: boolean, tval: bigint, isHandledBelow: boolean): TrapNotice => {
    const cause = trapCauses.find((candidate) => candidate.code === code && candidate.interrupt === interrupt);
    const name = cause?.name ?? `Reserved ${interrupt ? 'interrupt' : 'exception'} ${code}`;
    return { target, cause: cause?.id, code, interrupt, name, tval, pc: record.pc, record, isHandledBelow };
  };
  if (record.kind === 'inject') return notice(record.cause, record.interrupt, record.stval, false);
  return record.kind === 'sbiCall' ? notice(SUPERVISOR_ECALL, false, 0n, true) : undefined;
}

function guestTables(guest: Guest, machine: Machine): GuestTables {
  const { memory } = machine;
  const readHost = (address: number): bigint | undefined =>
    memory.contains(address, 8) ? memory.read64(address) : undefined;
  const readHostLow = (address: number): number | undefined =>
    memory.contains(address, 8) ? memory.read32(address) : undefined;
  const spaceTables = (satp: bigint, views: readonly Tables[]): SpaceTables => {
    const space = addressSpaceOf(satp);
    const readEntry = (address: number): bigint | undefined => guest.memory.readEntry(address);
    const readLow = (address: number): number | undefined => guest.memory.readEntryLow(address);
    return {
      satp,
      asid: space?.asid ?? 0,
      levels: space?.scheme.levels ?? 3,
      isCurrent: guest.vcpus.some((vcpu) => vcpu.csrs.satp === satp),
      guest: space && { name: 'guest', root: space.root, read: readEntry, readLow },
      views,
      toHpa: (gpa) => guest.gpaToHpa(gpa),
    };
  };
  return {
    guest: guest.name,
    toGpa: (hpa) => guest.memory.toGpa(hpa),
    spaces() {
      const views = new Map<bigint, Tables[]>();
      for (const space of guest.shadow.addressSpaces()) {
        // Where vCPUs have shadow tables of their own, there are several of one address space.
        const owner = guest.vcpus.length === 1 ? undefined : space.vcpu;
        const more = [...space.views.values()].map(({ kind, root }) => ({
          name: viewName(kind, owner),
          root,
          read: readHost,
          readLow: readHostLow,
        }));
        views.set(space.satp, [...(views.get(space.satp) ?? []), ...more]);
      }
      const known = [...views].map(([satp, tables]) => spaceTables(satp, tables));
      const missing = guest.vcpus
        .map((vcpu: Vcpu) => vcpu.csrs.satp)
        .filter((satp) => !known.some((one) => one.satp === satp));
      return [...known, ...[...new Set(missing)].map((satp) => spaceTables(satp, []))];
    },
  };
}
