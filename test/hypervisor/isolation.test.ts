/** Guests that do their worst: they stay in their memory, and the hypervisor goes on. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { checkIsolation } from '../../src/hypervisor/isolation';
import { GUEST_CSRS } from '../../src/hypervisor/guest-csrs';
import { assembleProgram } from '../../src/isa/assemble';
import { instructions } from '../../src/isa/table';
import { ENTRY, GuestLab } from '../support/guest-lab';
import { HypervisorConsole } from '../support/hypervisor-console';
import { Random } from '../support/random';

const MIB = 1024 * 1024;
const GUEST = { start: 0x8800_0000, end: 0x9000_0000 };
const FIRMWARE_END = 0x8020_0000;
const SEEDS = Number(process.env.WILD_GUESTS ?? 6);

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

/** Instructions without privilege that do not jump: most code is made of them. */
const ordinary = instructions.filter(({ action }) => !['system', 'jump', 'branch', 'fence'].includes(action.k));

/** Goes on after the instruction that trapped. */
const SKIPPING_HANDLER = assembleProgram('csrr t6, sepc\n addi t6, t6, 4\n csrw sepc, t6\n sret', BigInt(ENTRY));

/** Tables in the first pages, code and data all over: everything random, and most of it wrong. */
class WildGuest {
  constructor(
    private readonly lab: GuestLab,
    private readonly random: Random,
  ) {}

  scramble(): void {
    const { guest, vcpu } = this.lab;
    const tables = new Uint8Array(16 * 4096);
    const view = new DataView(tables.buffer);
    for (let i = 0; i < tables.length; i += 8) view.setBigUint64(i, this.entry(), true);
    // Most tables map the code, for supervisor mode: else little would happen.
    for (let table = 0; table < 16; table++) {
      if (this.random.below(4) !== 0) view.setBigUint64(table * 4096 + 16, (0x80000n << 10n) | 0xcfn, true);
    }
    guest.memory.write(0x8000_0000, tables);
    const code = new Uint8Array(4096);
    for (let i = 0; i < code.length; i += 4) new DataView(code.buffer).setUint32(i, this.word(), true);
    code.set(SKIPPING_HANDLER);
    guest.memory.write(ENTRY, code);

    for (let i = 1; i < 32; i++) vcpu.setX(i, this.address());
    for (const { number } of GUEST_CSRS) vcpu.writeCsr(number, this.random.bits(64));
    vcpu.writeCsr(0x180, this.satp());
    vcpu.writeCsr(0x105, this.random.below(4) === 0 ? this.address() : BigInt(ENTRY));
    vcpu.setVirtualPrivilege(this.random.below(8) === 0 ? 0 : 1);
    vcpu.pc = BigInt(ENTRY) + (this.random.bits(12) & ~3n);
    vcpu.hart.waiting = false;
    if (this.random.below(2) === 0) guest.shadow.fence({});
  }

  private satp(): bigint {
    if (this.random.below(4) === 0) return 0n;
    const root = this.random.below(8) === 0 ? this.random.bits(44) : 0x80000n + BigInt(this.random.below(16));
    return (8n << 60n) | (this.random.bits(2) << 44n) | root;
  }

  /** Pointers to tables, leaves to memory, and a good deal else: out of memory, to devices, reserved, random. */
  private entry(): bigint {
    const { random } = this;
    const choice = random.below(10);
    if (choice < 5) return ((0x80000n + random.bits(4)) << 10n) | 1n;
    if (choice < 8) {
      const page = 0x80000n + random.bits(15);
      const aligned = random.below(2) === 0 ? page & ~0x1ffn : page;
      return (aligned << 10n) | random.pick([0xcfn, 0xdfn, 0x0fn, 0x1fn, random.bits(8) | 1n]);
    }
    const page = random.pick([0x88000n + random.bits(12), 0x10000n, 0x100n, 0xc000n + random.bits(9), random.bits(44)]);
    const high = random.below(4) === 0 ? random.bits(10) << 54n : 0n;
    return (page << 10n) | random.bits(8) | high;
  }

  private address(): bigint {
    const { random } = this;
    const offset = random.bits(12);
    return random.pick([
      BigInt(ENTRY) + offset,
      BigInt(ENTRY) + offset,
      0x8000_0000n + random.bits(16),
      BigInt.asUintN(64, BigInt.asIntN(39, random.bits(39))),
      BigInt.asUintN(64, BigInt.asIntN(39, random.bits(39))),
      BigInt.asUintN(64, BigInt.asIntN(39, random.bits(39))),
      random.bits(64),
      0x1000_0000n + random.bits(4),
      0x8800_0000n + offset,
      0xffff_ffff_ffff_e000n + random.bits(13),
    ]);
  }

  /** An instruction with random operands, or nonsense. */
  private word(): number {
    const { random } = this;
    if (random.below(16) === 0) return random.next();
    const { match, mask } = random.pick(random.below(8) === 0 ? instructions : ordinary);
    return ((match | (random.next() & ~mask)) >>> 0) >>> 0;
  }
}

describe('wild guests', function () {
  this.timeout(600_000);

  /** Everything but the guest's memory and what the hypervisor keeps for itself. */
  const surroundings = (lab: GuestLab): string => {
    const hash = createHash('sha256');
    hash.update(lab.machine.memory.bytes(0x8000_0000, FIRMWARE_END - 0x8000_0000));
    hash.update(lab.machine.memory.bytes(GUEST.end, 16 * MIB));
    return hash.digest('hex');
  };

  it('keep to their memory, whatever their page tables, registers and instructions', () => {
    const lab = new GuestLab('', { machineMiB: 288, shadowPages: 24 });
    lab.hypervisor.onExit = undefined;
    lab.machine.memory.fill(GUEST.end, 16 * MIB, 0xa5);
    const before = surroundings(lab);
    for (let seed = 1; seed <= SEEDS; seed++) {
      const wild = new WildGuest(lab, new Random(seed));
      for (let round = 0; round < 20; round++) {
        wild.scramble();
        lab.machine.run(300);
        assert.deepEqual(checkIsolation(lab.guest), [], `seed ${seed}`);
        if (lab.guest.ended) break;
      }
      if (lab.guest.ended) assert.fail(`The guest ended itself; begin again with another seed than ${seed}.`);
    }
    assert.equal(surroundings(lab), before);
    const { shadowFill, inject } = lab.guest.exitCounts;
    assert.ok(shadowFill > 5 * SEEDS && inject > 20 * SEEDS, `${shadowFill} fills, ${inject} injections`);
  });
});
