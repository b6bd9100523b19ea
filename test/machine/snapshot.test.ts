/** Snapshots: a machine goes on from one exactly as it went on itself, and nothing of its state is forgotten. */
import assert from 'node:assert/strict';
import type { TranslatorMode } from '../../src/engine/engine';
import { VirtioBlock } from '../../src/machine/devices/virtio/block';
import { VirtioConsole } from '../../src/machine/devices/virtio/console';
import { VirtioEntropy } from '../../src/machine/devices/virtio/entropy';
import { VirtioNetwork } from '../../src/machine/devices/virtio/network';
import { MemoryStorage, OverlayStorage } from '../../src/machine/devices/virtio/storage';
import { Machine } from '../../src/machine/machine';
import { Gateway } from '../../src/machine/network/gateway';
import { fingerprint } from '../support/fingerprint';
import { forgottenValues } from '../support/forgotten-values';
import { slotsOf, valueOf } from '../support/object-graph';
import type { Slot } from '../support/object-graph';
import { Random } from '../support/random';
import { readProgram, typed } from '../support/slice-console';
import { teachingKernel } from '../support/teaching-kernel';

const MIB = 1 << 20;

/** A machine with everything that has a state, and what its consoles print. */
function makeMachine(translator: TranslatorMode = 'on') {
  const storage = new OverlayStorage(new MemoryStorage(new Uint8Array(MIB).fill(0x5a)));
  const port = new VirtioConsole();
  const virtio = [new VirtioBlock({ storage }), new VirtioEntropy(), port, new VirtioNetwork(new Gateway())];
  const machine = new Machine({ memoryBytes: 128 * MIB, translator, devices: { virtio } });
  let output = '';
  machine.uart.onOutput = (bytes) => (output += Buffer.from(bytes).toString('latin1'));
  machine.boot({ program: readProgram(teachingKernel), mode: 'supervisor' });
  return { machine, storage, port, output: () => output, forget: () => (output = '') };
}

type Made = ReturnType<typeof makeMachine>;

/** Runs so many instructions, with input at an exact one. */
function run({ machine }: Made, instructions: number, input: string): void {
  const end = machine.instructions + instructions;
  machine.uart.receive(typed(input));
  while (machine.instructions < end) {
    const { kind } = machine.run(end - machine.instructions);
    if (kind === 'idle' || kind === 'power-off') return;
  }
}

describe('a snapshot', () => {
  for (const translator of ['off', 'eager'] as const) {
    it(`goes on exactly as the machine did, with the translator ${translator}`, () => {
      const made = makeMachine(translator);
      // In the middle of starting, at the prompt, in the kernel's and in user programs.
      run(made, 41_234, '');
      for (const [input, length] of [
        ['', 1_234_567],
        ['u\r', 300_017],
        ['', 777_777],
      ] as const) {
        const snapshot = made.machine.takeSnapshot();
        made.forget();
        run(made, length, input);
        const went = fingerprint(made.machine, made.output());
        const fresh = makeMachine(translator);
        fresh.machine.restoreSnapshot(snapshot);
        run(fresh, length, input);
        assert.deepEqual(fingerprint(fresh.machine, fresh.output()), went, 'another machine');
        made.machine.restoreSnapshot(snapshot);
        made.forget();
        run(made, length, input);
        assert.deepEqual(fingerprint(made.machine, made.output()), went, 'the same machine');
      }
    });
  }

  it('goes on in the same way whether the code is translated or not', () => {
    const made = makeMachine('off');
    run(made, 1_234_567, 'u\r');
    const snapshot = made.machine.takeSnapshot();
    made.forget();
    run(made, 1_000_000, '');
    const eager = makeMachine('eager');
    eager.machine.restoreSnapshot(snapshot);
    run(eager, 1_000_000, '');
    assert.deepEqual(fingerprint(eager.machine, eager.output()), fingerprint(made.machine, made.output()));
  });

  it('is not changed by what happens later', () => {
    const made = makeMachine();
    run(made, 1_000_000, '');
    const first = made.machine.takeSnapshot();
    const before = fingerprint(made.machine, made.output());
    for (const input of ['u\r', 'm\r', 'w\r']) {
      run(made, 500_000, input);
      made.storage.write(3, new Uint8Array(512).fill(input.length));
      made.machine.takeSnapshot();
    }
    made.machine.restoreSnapshot(first);
    made.forget();
    assert.deepEqual({ ...fingerprint(made.machine, '') }, { ...before, output: '' });
    const sector = new Uint8Array(512);
    made.storage.read(3, sector);
    assert.ok(sector.every((byte) => byte === 0x5a));
  });

  it('holds what the program changed since the last one, and shares the rest', () => {
    const { machine } = makeMachine();
    machine.run(2_000_000);
    const first = machine.takeSnapshot();
    machine.memory.write8(0x80400123, 7);
    const second = machine.takeSnapshot();
    assert.deepEqual([...second.memory.differences(first.memory)].length <= 512, true);
    const changed = [...second.memory.pages()].filter(([number, page]) => first.memory.page(number) !== page);
    assert.deepEqual(
      changed.map(([number]) => number),
      [0x400],
    );
    assert.equal(machine.takeSnapshot().memory, second.memory, 'nothing changed');
  });

  it('does not fit another machine, which stays as it was', () => {
    const made = makeMachine();
    const other = new Machine({ memoryBytes: 64 * MIB });
    other.boot({ program: readProgram(teachingKernel), mode: 'supervisor' });
    other.run(1000);
    const { pc } = other.harts[0].state;
    assert.throws(() => other.restoreSnapshot(made.machine.takeSnapshot()), {
      message: /^The snapshot is of another machine; .*128 MiB.*64 MiB/,
    });
    assert.equal(other.harts[0].state.pc, pc);
    assert.equal(other.run(1000).kind, 'limit');
  });
});

describe('the state of a machine', () => {
  /** The comparisons above look at these; or they follow from other state. */
  const LEFT_OUT = new Set([
    'PhysicalMemory',
    'Engine',
    'HartContext',
    'HartState',
    'Mmu',
    'TranslationModes',
    'SbiPlatform',
  ]);
  /** What follows from other state, or is no state: by class and property. */
  const DERIVED = new Set([
    // What was decided about accesses to memory, from the CSRs.
    ...['Hart.fetchMode', 'Hart.dataMode', 'Pmp.rules', 'CsrState.values', 'CsrState.halves'],
    // Within one call of `run` only, or the debugger's.
    ...['MachineTimers.next', 'Machine.reached', 'Machine.passed', 'Machine.stopRequested'],
    ...['Machine.left', 'Hart.heldTrap'],
    'Hart.handling',
    ...['CsrState.writingInstruction', 'VirtioBlock.cost', 'DeviceClock.first', 'DeviceClock.running'],
    // What the user was told, and what the host has told and the machine has not heard.
    'VirtioBlock.told',
    'HostEventQueue.datagrams',
    // A place in a ring, of which only what it holds counts.
    ...['ByteQueue.head', 'ByteQueue.ring'],
    // What a snapshot shares is copied before it changes.
    ...['OverlayStorage.frozen', 'OverlayStorage.kept'],
  ]);
  /** What a machine is made with. */
  const CONSTANT = new Set([
    ...['Block', 'Entropy', 'Console', 'Network'].flatMap((name) =>
      ['id', 'features', 'legacyFeatures', 'queueSizes'].map((property) => `Virtio${name}.${property}`),
    ),
    ...['Object.hartId', 'Clint.harts', 'Plic.sources', 'Plic.contexts', 'Plic.words', 'Hart.index', 'ByteQueue.limit'],
    ...['DeviceClock.made', 'Timer.number', 'Virtqueue.initialSize', 'VirtioNetwork.mac'],
    ...['VirtualTime.since', 'VirtualTime.rate'],
    ...['MemoryStorage.readOnly', 'MemoryStorage.sectors'],
    ...['OverlayStorage.readOnly', 'OverlayStorage.sectors', 'OverlayStorage.mostBytes'],
  ]);
  /** Where a device is on the bus. */
  const isPlace = (owner: object, key: string): boolean => 'base' in owner && (key === 'base' || key === 'size');
  /** Tables. */
  const isTable = (key: string): boolean => ['existing', 'extensions', 'platform'].includes(key);
  const isDerived = (owner: object, key: string, value: unknown): boolean =>
    isTable(key) ||
    isPlace(owner, key) ||
    CONSTANT.has(`${owner.constructor.name}.${key}`) ||
    LEFT_OUT.has((value as object | undefined)?.constructor.name ?? '') ||
    DERIVED.has(`${owner.constructor.name}.${key}`);
  const slots = (made: Made): Slot[] => slotsOf(made.machine, isDerived);

  it('is complete after programs wrote what they liked to every register', () => {
    const random = new Random(11);
    const made = makeMachine();
    const { machine } = made;
    machine.run(100_000);
    for (let i = 0; i < 20_000; i++) {
      const device = random.pick(machine.bus.devices);
      if (device.name === 'test') continue;
      const width = random.pick([1, 2, 4, 8] as const);
      const offset = random.below(random.pick([0x40, 0x200, device.size]));
      const value = random.pick([random.bits(64), random.bits(32), random.bits(3), 0x8010_0000n >> random.bits(4)]);
      if (random.below(3) === 0) machine.bus.read(device.base + offset - (offset % width), width);
      else machine.bus.write(device.base + offset - (offset % width), width, value);
    }
    machine.uart.receive(typed('waiting'));
    made.port.receive(typed('waiting too'));
    made.storage.write(5, new Uint8Array(512).fill(1));
    made.storage.clear(256, 128);
    for (const { csr } of machine.harts[0].csrs.entries()) machine.harts[0].csrs.write(csr.number, random.bits(64));
    const fresh = makeMachine();
    fresh.machine.restoreSnapshot(machine.takeSnapshot());
    const found = new Map(slots(fresh).map((slot) => [slot.path, valueOf(slot)]));
    const wanted = slots(made);
    assert.ok(wanted.length > 300, `${wanted.length} values`);
    for (const slot of wanted) assert.deepEqual(found.get(slot.path), valueOf(slot), slot.path);
    assert.equal(found.size, wanted.length);
  });

  it('has no value that a snapshot forgets', () => {
    const [made, fresh] = [makeMachine(), makeMachine()].map(({ machine }) => ({ machine, root: machine }));
    const { tried, forgotten } = forgottenValues(made, fresh, isDerived);
    assert.ok(tried > 60, `${tried} values`);
    assert.deepEqual(forgotten, []);
  });
});
