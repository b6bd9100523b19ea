/** Guests that do their worst: they stay in their memory, and the hypervisor goes on. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { checkIsolation } from '../../src/hypervisor/isolation';
import { GuestMemory } from '../../src/hypervisor/guest-memory';
import { PagePool } from '../../src/hypervisor/page-pool';
import { fuzzHypervisor } from '../fuzz/hypervisor/command';
import { HostileGuest, randomTraits } from '../fuzz/hypervisor/hostile-guest';
import { HypervisorConsole } from '../support/hypervisor-console';
import { Random } from '../support/random';

/** More of them: `npm run fuzz:hypervisor`. */
const MACHINES = Number(process.env.HOSTILE_GUESTS ?? 6);

const fixture = (name: string): string => join(__dirname, '..', 'fixtures', `${name}.elf`);

describe('hopeless guests', () => {
  for (const name of ['jump-to-nowhere', 'loop-interrupts-off', 'overwrite-page-table']) {
    it(`${name}.elf returns to the caller after the instructions asked for`, () => {
      const { machine, guest } = new HypervisorConsole({ kernel: fixture(name) });
      const before = machine.instructions;
      for (let i = 0; i < 3; i++) {
        assert.equal(machine.run(10_000).kind, 'limit');
        assert.deepEqual(checkIsolation(guest), []);
      }
      assert.equal(machine.instructions - before, 30_000);
    });
  }

  for (const name of ['dwarf4', 'dwarf5', 'stripped']) {
    it(`${name}.elf is none of them: it prints its results and powers off`, async () => {
      const guest = new HypervisorConsole({ kernel: fixture(name) });
      assert.equal(await guest.run(), 0);
      assert.match(guest.output, /^120 30\r?\n$/m);
    });
  }

  it('that are placed outside their memory are refused in words', () => {
    assert.throws(
      () => new HypervisorConsole({ kernel: fixture('segment-outside') }),
      /memory of guest guest/,
      'a segment',
    );
    assert.throws(() => new HypervisorConsole({ kernel: fixture('entry-outside') }), /entry address/);
    assert.throws(() => new HypervisorConsole({ kernel: fixture('dwarf4'), memoryBytes: 12345 }), /multiple of 4 KiB/);
  });
});

describe('hostile guests', function () {
  this.timeout(600_000);

  /** What the fuzzer prints, and its exit status. */
  function run(args: string): { status: number; text: string } {
    const lines: string[] = [];
    const status = fuzzHypervisor(args.split(' '), (line) => lines.push(line));
    return { status, text: lines.join('\n') };
  }

  it('keep to their memory, whatever their page tables, registers, instructions and rings', () => {
    const { status, text } = run(`--seconds 8 --machines ${MACHINES} --seed 1`);
    assert.equal(status, 0, text);
    assert.match(text, /seed 1: [0-9,]+ VM exits .*; every promise held\.$/);
  });

  it('do the same again', () => {
    const traits = { ...randomTraits(new Random(1)), findsStaleTranslations: true };
    const [one, other] = [1, 2].map(() => {
      const hostile = new HostileGuest(new Random(3), traits);
      for (let round = 0; round < 5; round++) hostile.round(true);
      return { ...hostile.guest.exitCounts, instructions: hostile.machine.instructions };
    });
    assert.deepEqual(one, other);
    assert.ok(one!.inject > 100 && one!.csrWrite > 100);
  });

  /** Runs with a part of the hypervisor replaced by a wrong one. */
  function withMistake<T extends object, K extends keyof T>(owner: T, name: K, wrong: T[K], action: () => void): void {
    const right = owner[name];
    owner[name] = wrong;
    try {
      action();
    } finally {
      owner[name] = right;
    }
  }

  it('are found out when the hypervisor lets them a page too far', () => {
    function toHpa(this: GuestMemory, gpa: number): number | undefined {
      return gpa >= this.gpaBase && gpa < this.gpaBase + this.size + 4096 ? gpa + this.offset : undefined;
    }
    withMistake(GuestMemory.prototype, 'toHpa', toHpa, () => {
      const { status, text } = run('--seconds 60 --machines 20 --seed 1');
      assert.equal(status, 1, text);
      assert.match(text, /left its guest|outside the guest|is not the guest's/);
    });
  });

  it('are found out when a shadow page serves twice', () => {
    let last: number | undefined;
    const right = PagePool.prototype.allocate;
    function allocate(this: PagePool): number {
      if (last !== undefined && this.available % 7 === 0) return last;
      return (last = right.call(this));
    }
    withMistake(PagePool.prototype, 'allocate', allocate, () => {
      const { status, text } = run('--seconds 60 --machines 20 --seed 1');
      assert.equal(status, 1, text);
    });
  });

  it('are refused unknown options', () => {
    assert.equal(run('--forever 1').status, 2);
  });
});
