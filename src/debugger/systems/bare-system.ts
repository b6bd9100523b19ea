/** A kernel on the bare machine, without hypervisor, as the debugger sees it. */
import type { WatchedRange } from '../../engine/data-watch';
import { trapCauses } from '../../isa/causes';
import type { Trap } from '../../machine/hart';
import { Machine } from '../../machine/machine';
import type { MachineBoot, MachineOptions } from '../../machine/machine';
import type { MachineSnapshot } from '../../machine/machine-snapshot';
import { addressSpaceOf } from '../../machine/paging';
import { CSR } from '../../machine/csr-numbers';
import { MachinePageTables } from '../page-tables/page-table-tree';
import type { SpaceTables } from '../page-tables/page-table-tree';
import { makeConsoles } from './console';
import { makeDevices } from './device-input';
import type { DeviceInput } from './device-input';
import { HostInput } from './host-input';
import { HartTarget } from './hart-target';
import type { Target } from '../target';
import { boundCalls, boundQuestions, boundSlowPath, outcomeOf, stepHart } from './run-result';
import type { Console, MemoryWatcher, RunOutcome, System, TrapNotice, Watcher } from './system';

const SUPERVISOR_ECALL = 9;

export class BareSystem implements System {
  readonly kind = 'bare';
  readonly targets: readonly HartTarget[];
  readonly consoles: readonly Console[];
  readonly pageTables: MachinePageTables;
  readonly exitCounts = [];
  readonly exits = undefined;
  readonly pending = undefined;
  onBreakpoint = (): boolean => true;
  onProblem?: (message: string) => void;
  readonly input: HostInput;
  private readonly machine: Machine;
  private watching: Watcher = {};
  private watcherStopped = false;

  /**
   * @param name of the program, for the user
   * @throws Error in a user's words when the program does not fit or cannot be loaded
   */
  constructor(options: MachineOptions, name: string, boot: MachineBoot, input: DeviceInput = {}) {
    const report = (message: string) => this.onProblem?.(message);
    const { options: devices, gateways, consoles } = makeDevices(input, report);
    this.machine = new Machine({ ...options, devices });
    this.machine.devices.onProblem = report;
    this.machine.boot(boot);
    this.input = new HostInput(this.machine, gateways);
    this.targets = this.machine.harts.map((hart) => new HartTarget(hart.index + 1, name, hart, this.machine));
    this.pageTables = new MachinePageTables([
      {
        guest: name,
        toGpa: (hpa) => (this.machine.memory.contains(hpa, 1) ? hpa : undefined),
        spaces: () => this.currentSpaces(),
      },
    ]);
    this.consoles = makeConsoles(name, this.machine.uart, consoles);
    for (const hart of this.machine.harts) {
      if (hart.firmware) hart.firmware = boundCalls(this.machine, hart.firmware);
    }
    boundSlowPath(this.machine);
    this.machine.onBreakpoint = boundQuestions(this.machine, () => this.onBreakpoint());
  }

  get instructions(): number {
    return this.machine.instructions;
  }

  get time(): bigint {
    return this.machine.time;
  }

  get current(): HartTarget {
    return this.targets[this.machine.current.index]!;
  }

  get watcher(): Watcher {
    return this.watching;
  }

  set watcher(watcher: Watcher) {
    this.watching = watcher;
    for (const target of this.targets) {
      if (watcher.onTrap) target.processor.onTrap = (trap) => this.observe(target, trap);
      else target.processor.onTrap = undefined;
    }
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
      if (!onAddressSpace) {
        target.processor.onTranslation = undefined;
        continue;
      }
      let { satp } = target;
      target.processor.onTranslation = () => {
        if (target.satp === satp) return;
        ({ satp } = target);
        onAddressSpace(target);
      };
    }
  }

  takeSnapshot(): MachineSnapshot {
    return this.machine.takeSnapshot();
  }

  restoreSnapshot(snapshot: MachineSnapshot): void {
    this.machine.restoreSnapshot(snapshot);
  }

  run(maxInstructions: number): RunOutcome {
    this.watcherStopped = false;
    this.input.deliver();
    return outcomeOf(this.machine.run(maxInstructions), this.current, this.watcherStopped);
  }

  endSlice(): void {
    this.machine.endSlice();
  }

  step({ hart }: Target): RunOutcome {
    this.watcherStopped = false;
    const { machine } = this;
    const result = stepHart(machine, machine.harts[hart], () => machine.step());
    return outcomeOf(result, this.current, this.watcherStopped);
  }

  private observe(target: HartTarget, trap: Trap): 'take' | 'stop' {
    // What the built-in firmware does for itself is no business of the user's.
    const isFirmware = trap.to === 3 && this.machine.firmware !== undefined;
    if (isFirmware && trap.interrupt) return 'take';
    const isHandledBelow = isFirmware && trap.cause === SUPERVISOR_ECALL;
    if (this.watching.onTrap?.(noticeOf(target, trap, isHandledBelow)) !== 'stop') return 'take';
    this.watcherStopped = true;
    return 'stop';
  }

  /** The address spaces that harts are in. */
  private currentSpaces(): SpaceTables[] {
    const used = this.machine.harts.filter(({ isStopped }) => !isStopped).map(({ csrs }) => csrs.read(CSR.satp));
    return [...new Set(used)].map((satp) => this.spaceOf(satp));
  }

  private spaceOf(satp: bigint): SpaceTables {
    const { memory } = this.machine;
    const space = addressSpaceOf(satp);
    return {
      satp,
      asid: space?.asid ?? 0,
      levels: space?.scheme.levels ?? 3,
      isCurrent: true,
      guest: space && {
        name: 'guest',
        root: space.root,
        read: (address) => (memory.contains(address, 8) ? memory.read64(address) : undefined),
        readLow: (address) => (memory.contains(address, 8) ? memory.read32(address) : undefined),
      },
      views: undefined,
      toHpa: (address) => (memory.contains(address, 1) ? address : undefined),
    };
  }
}

function noticeOf(target: HartTarget, trap: Trap, isHandledBelow: boolean): TrapNotice {
  const { cause: code, interrupt, tval, pc } = trap;
  const cause = trapCauses.find((candidate) => candidate.code === code && candidate.interrupt === interrupt);
  const name = cause?.name ?? `Reserved ${interrupt ? 'interrupt' : 'exception'} ${code}`;
  return { target, cause: cause?.id, code, interrupt, name, tval, pc, isHandledBelow };
}
