/** A machine at a moment, to go on from later. What is in it and what is not: docs/snapshots.md. */
import { PAGE_BYTES } from '../engine/memory-images';
import type { Engine } from '../engine/engine';
import type { MemoryImage } from '../engine/memory-images';
import type { PhysicalMemory } from '../engine/physical-memory';
import { restoreState, saveState, SnapshotError } from '../engine/state-transfer';
import type { StateTransfer, Stateful, StoredState } from '../engine/state-transfer';
import type { Extension } from '../isa/extensions';
import type { ExtraDevices } from './extra-devices';
import type { Firmware } from './firmware';
import { isaString } from './isa-string';

const MIB = 1024 * 1024;

/** It never changes. */
export interface MachineSnapshot {
  readonly state: StoredState;
  readonly memory: MemoryImage;
}

interface Whole extends Stateful {
  readonly engine: Engine;
  readonly memory: PhysicalMemory;
}

/** See `Machine.takeSnapshot`. */
export function takeSnapshot(machine: Whole): MachineSnapshot {
  return { state: saveState(machine), memory: machine.engine.takeMemory() };
}

/** See `Machine.restoreSnapshot`. */
export function restoreSnapshot(machine: Whole, { state, memory }: MachineSnapshot): void {
  const before = saveState(machine);
  try {
    restoreState(machine, state);
    if (memory.end > machine.memory.size / PAGE_BYTES) {
      throw new SnapshotError('The snapshot has memory where this machine has none: it is damaged; take it anew.');
    }
  } catch (error) {
    restoreState(machine, before);
    throw error;
  }
  machine.engine.restoreMemory(memory);
}

/** What a machine is made of. */
interface Traits {
  readonly memory: PhysicalMemory;
  readonly harts: readonly unknown[];
  readonly extensions: ReadonlySet<Extension>;
  readonly devices: ExtraDevices;
  readonly firmware?: Firmware;
}

/** @throws SnapshotError when a snapshot of another machine is restored */
export function transferDescription(state: StateTransfer, machine: Traits, parts: readonly string[]): void {
  const description = describe(machine, parts);
  const found = state.text(description);
  if (found === description) return;
  throw new SnapshotError(
    `The snapshot is of another machine; start this one with the same settings. It was: ${found}. This is: ${description}.`,
  );
}

/** What a snapshot's machine must be like. */
function describe({ memory, harts, extensions, devices, firmware }: Traits, parts: readonly string[]): string {
  const names = devices.slots.flatMap(({ deviceName }) => deviceName ?? []);
  const traits = [
    `${memory.size / MIB} MiB`,
    `${harts.length} ${harts.length === 1 ? 'hart' : 'harts'}`,
    isaString(extensions),
    `virtio ${devices.slots[0].legacy ? 'legacy' : 'modern'} with ${names.join(', ') || 'nothing'}`,
    firmware ? 'SBI firmware' : 'no firmware',
    ...parts,
  ];
  return traits.join('; ');
}
