/** Snapshots of a machine with the hypervisor: guests go on as they did, and so does everything that it keeps of them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { SnapshotError } from '../../src/engine/state-transfer';
import { Hypervisor } from '../../src/hypervisor/hypervisor';
import { VirtioConsole } from '../../src/machine/devices/virtio/console';
import { VirtioEntropy } from '../../src/machine/devices/virtio/entropy';
import { VirtioNetwork } from '../../src/machine/devices/virtio/network';
import { Machine } from '../../src/machine/machine';
import { Gateway } from '../../src/machine/network/gateway';
import { fingerprint } from '../support/fingerprint';
import { forgottenValues } from '../support/forgotten-values';
import { HypervisorConsole } from '../support/hypervisor-console';
import type { HypervisorConsoleOptions } from '../support/hypervisor-console';
import { nestedHypervisor } from '../support/nested';
import { slotsOf, valueOf } from '../support/object-graph';
import { Random } from '../support/random';
import { readProgram } from '../support/slice-console';
import { teachingKernel } from '../support/teaching-kernel';

type Options = Pick<HypervisorConsoleOptions, 'synchronization' | 'findsStaleTranslations' | 'kernel'>;

function start(options: Options): HypervisorConsole {
  // So few pages that shadow tables are given up and made anew.
  return new HypervisorConsole({ ...options, shadowPages: 40 });
}

/** Runs so many instructions more, unless the guest waits. @returns what can be seen then */
function run({ machine, guest, hypervisor }: HypervisorConsole, instructions: number) {
  let output = '';
  guest.console.onOutput = (bytes) => (output += Buffer.from(bytes).toString('latin1'));
  const end = machine.instructions + instructions;
  while (machine.instructions < end) {
    const { kind } = machine.run(end - machine.instructions);
    if (kind === 'idle' || kind === 'power-off') break;
  }
  const exits = hypervisor.guests.map(({ exitCounts }) => ({ ...exitCounts }));
  return { ...fingerprint(machine, output), exits };
}

/** What the hypervisor keeps outside memory; what it only remembers to be quicker is left out. */
function kept({ hypervisor, guest }: HypervisorConsole) {
  const skipped = new Set(['machine', 'hart', 'memory', 'dram', 'context', 'sbi', 'options', 'decode', 'hostTables']);
  const remembered = new Set([
    'savedStatus',
    'savedSstatus',
    'lastContext',
    'wholeEnvironment',
    'extensions',
    'entrySource',
  ]);
  // A console's is asked of its port; in a ring only what it holds counts; changes share their writers.
  const others = new Set(['console', 'ring', 'head', 'visited', 'changes']);
  const isSkipped = (_owner: object, key: string): boolean =>
    skipped.has(key) || remembered.has(key) || others.has(key);
  const slots = slotsOf(hypervisor, isSkipped).map((slot) => [slot.path, structuredClone(valueOf(slot))] as const);
  const { changes = [] } = (guest.stale ?? {}) as unknown as { readonly changes?: Iterable<unknown> };
  return { slots, changes: structuredClone([...changes]) };
}

for (const [name, options] of [
  ['synchronised by sfence', { synchronization: 'sfence' }],
  ['synchronised by write-protect', { synchronization: 'write-protect' }],
  ['whose stale translations are looked for', { findsStaleTranslations: true }],
] as const) {
  describe(`a snapshot with a guest ${name}`, () => {
    it('goes on exactly as the guest did, in the same machine and another', () => {
      const made = start({ ...options, kernel: teachingKernel });
      run(made, 123_457);
      for (const [input, length] of [
        ['', 1_000_003],
        ['u\r', 700_001],
        ['w\r', 900_000],
      ] as const) {
        made.send(input);
        const snapshot = made.machine.takeSnapshot();
        const before = kept(made);
        const went = run(made, length);
        const after = kept(made);

        const fresh = start({ ...options, kernel: teachingKernel });
        fresh.machine.restoreSnapshot(snapshot);
        assert.deepEqual(kept(fresh), before);
        assert.deepEqual(run(fresh, length), went);
        assert.deepEqual(kept(fresh), after);

        made.machine.restoreSnapshot(snapshot);
        assert.deepEqual(kept(made), before);
        assert.deepEqual(run(made, length), went);
      }
    });

    it('goes on exactly with a hypervisor as a guest', () => {
      const kernel = nestedHypervisor;
      const made = start({ ...options, kernel });
      for (const length of [50_003, 400_001, 500_009]) {
        run(made, length);
        const snapshot = made.machine.takeSnapshot();
        const before = kept(made);
        const went = run(made, 100_000);
        const fresh = start({ ...options, kernel });
        fresh.machine.restoreSnapshot(snapshot);
        assert.deepEqual(kept(fresh), before);
        assert.deepEqual(run(fresh, 100_000), went);
      }
    });

    it('has the exit that the debugger has stopped at, which is done when the guest goes on', () => {
      const made = start({ ...options, kernel: teachingKernel });
      const kinds = ['csrWrite', 'shadowFill', 'sbiCall', 'mmio', 'inject', 'timer'] as const;
      for (const kind of kinds) {
        made.hypervisor.watchedKinds = new Set([kind]);
        made.hypervisor.onExit = () => 'stop';
        assert.equal(made.machine.run(3_000_000).kind, 'stopped', kind);
        const { pendingExit } = made.hypervisor;
        assert.equal(pendingExit?.kind, kind);
        delete made.hypervisor.onExit;
        const snapshot = made.machine.takeSnapshot();
        const went = run(made, 50_000);
        const fresh = start({ ...options, kernel: teachingKernel });
        for (const other of [fresh, made]) {
          other.machine.restoreSnapshot(snapshot);
          assert.deepEqual(other.hypervisor.pendingExit, pendingExit);
          assert.deepEqual(run(other, 50_000), went, kind);
        }
      }
    });
  });
}

describe('a snapshot with several vCPUs', () => {
  const fixture = (name: string) => readProgram(join(__dirname, '..', 'fixtures', `${name}.elf`));

  function several(harts: number, vcpus: number, synchronization: 'sfence' | 'write-protect') {
    const machine = new Machine({ memoryBytes: 640 << 20, harts });
    const guests = [
      { name: 'harts', program: fixture('harts'), vcpus },
      { name: 'nested', program: readProgram(nestedHypervisor) },
    ];
    const hypervisor = new Hypervisor(machine, { guests, synchronization });
    let output = '';
    for (const { console } of hypervisor.guests) {
      console.onOutput = (bytes) => (output += Buffer.from(bytes).toString('latin1'));
    }
    const go = (end: number) => {
      output = '';
      while (machine.instructions < end) {
        const { kind } = machine.run(end - machine.instructions);
        if (kind === 'idle' || kind === 'power-off') break;
      }
      return { ...fingerprint(machine, output), exits: hypervisor.guests.map(({ exitCounts }) => ({ ...exitCounts })) };
    };
    return { machine, go };
  }

  for (const [harts, vcpus, synchronization] of [
    [4, 3, 'sfence'],
    [5, 4, 'write-protect'],
  ] as const) {
    it(`of two guests, ${vcpus + 1} on ${harts} harts, goes on exactly, by ${synchronization}`, () => {
      const made = several(harts, vcpus, synchronization);
      for (const moment of [30_011, 300_007, 1_000_003]) {
        made.go(moment);
        const snapshot = made.machine.takeSnapshot();
        const went = made.go(moment + 200_000);
        const fresh = several(harts, vcpus, synchronization);
        fresh.machine.restoreSnapshot(snapshot);
        assert.deepEqual(fresh.go(moment + 200_000), went);
        made.machine.restoreSnapshot(snapshot);
        assert.deepEqual(made.go(moment + 200_000), went);
      }
    });
  }
});

describe('the state of the hypervisor', () => {
  function made(synchronization: 'sfence' | 'write-protect') {
    const virtio = [new VirtioEntropy(), new VirtioConsole(), new VirtioNetwork(new Gateway())];
    const findsStaleTranslations = synchronization === 'sfence';
    const console = new HypervisorConsole({
      kernel: teachingKernel,
      synchronization,
      findsStaleTranslations,
      devices: { virtio },
    });
    run(console, 1_000_003);
    return { machine: console.machine, root: console.hypervisor };
  }

  // The machine's own are looked at in the machine's tests.
  const LEFT_OUT = new Set(['Machine', 'Hart', 'PhysicalMemory', 'TrapContext', 'HostTables', 'HartState', 'Set']);
  const NO_STATE = new Set([
    // What a guest is made with.
    ...['hpaBase', 'gpaBase', 'size', 'offset'].map((name) => `GuestMemory.${name}`),
    ...['PagePool.start', 'PagePool.end', 'ShadowView.satp', 'Vcpu.wholeEnvironment', 'Vcpu.decode', 'Vcpu.sbi'],
    ...['GuestCsrs.extensions', 'Vcpu.index', 'Guest.name', 'ShadowPageTables.hostAsids', 'GuestClock.mayStop'],
    ...['HartSchedule.slice', 'HartSchedule.isShared'],
    // What is so within one exit only, or follows from other state, or is only remembered.
    ...['GuestMemory.isSettingBits', 'ShadowView.isGone', 'StaleTranslations.visited', 'Guest.entrySource'],
    ...['ByteQueue.limit', 'ByteQueue.ring', 'ByteQueue.head', 'Plic.sources', 'Plic.contexts', 'Plic.words'],
    ...['DeviceClock.made', 'Timer.number', 'VirtioMmio.legacy', 'Virtqueue.initialSize', 'HostEventQueue.datagrams'],
    ...['Entropy', 'Console', 'Network'].flatMap((name) =>
      ['id', 'features', 'legacyFeatures', 'queueSizes', 'mac'].map((property) => `Virtio${name}.${property}`),
    ),
    ...['GuestCsrs.bare', 'Vcpu.savedStatus', 'Vcpu.savedSstatus', 'Vcpu.lastContext'],
  ]);
  const isNoState = (owner: object, key: string, value: unknown): boolean =>
    ('base' in owner && (key === 'base' || key === 'size')) ||
    NO_STATE.has(`${owner.constructor.name}.${key}`) ||
    LEFT_OUT.has((value as object | undefined)?.constructor.name ?? '');

  for (const synchronization of ['sfence', 'write-protect'] as const) {
    it(`has no value that a snapshot forgets, by ${synchronization}`, () => {
      const { tried, forgotten } = forgottenValues(made(synchronization), made(synchronization), isNoState);
      assert.ok(tried > 80, `${tried} values`);
      assert.deepEqual(forgotten, []);
    });
  }

  it('is never restored in parts, whatever a snapshot says', () => {
    const random = new Random(3);
    for (const synchronization of ['sfence', 'write-protect'] as const) {
      const { machine } = made(synchronization);
      const { state, memory } = machine.takeSnapshot();
      let refused = 0;
      for (let i = 0; i < 120; i++) {
        const bytes = state.bytes.slice();
        for (let count = 1 + random.below(3); count > 0; count--) bytes[random.below(bytes.length)] = random.below(256);
        try {
          machine.restoreSnapshot({ state: { ...state, bytes }, memory });
          machine.run(2000);
        } catch (error) {
          if (!(error instanceof SnapshotError)) throw error;
          refused++;
        }
      }
      assert.ok(refused > 20 && refused < 120, `${refused}`);
      machine.restoreSnapshot({ state, memory });
      assert.deepEqual(machine.takeSnapshot().state, state);
    }
  });
});
