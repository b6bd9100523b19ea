/** Random kernels run alike on the bare machine and as guests: registers, traps, memory and page tables, bit for bit. */
import assert from 'node:assert/strict';
import { assembleSource } from '../../src/isa/assemble';
import { Machine } from '../../src/machine/machine';
import { ENTRY, GuestLab } from '../support/guest-lab';
import type { GuestLabOptions } from '../support/guest-lab';
import { Random } from '../support/random';
import { COMPARED, RandomKernel } from '../support/random-kernel';
import { checkSynchronized } from '../support/synchronized';

const MIB = 1024 * 1024;
const LIMIT = 1_000_000;
/** Instructions between two checks. */
const CHECKED_EVERY = 977;
const SEEDS = Number(process.env.RANDOM_KERNELS ?? 9);
const FIRST_SEED = Number(process.env.FIRST_SEED ?? 1);

interface Outcome {
  readonly registers: string[];
  readonly memory: Uint8Array;
}

function runBare(source: string): Outcome {
  const machine = new Machine({ memoryBytes: 128 * MIB });
  const { bytes } = assembleSource(`${source}\n.align 2\nshutdown: li a7, 8\n ecall\n`, BigInt(ENTRY));
  const segments = [{ address: ENTRY, data: bytes, memorySize: bytes.length }];
  machine.boot({ program: { entry: BigInt(ENTRY), segments }, mode: 'supervisor' });
  assert.equal(machine.run(LIMIT).kind, 'power-off');
  const { state } = machine.harts[0];
  return {
    registers: registers((i) => state.x(i)),
    memory: machine.memory.bytes(COMPARED.start, COMPARED.end - COMPARED.start),
  };
}

function runGuest(source: string, options: GuestLabOptions): Outcome {
  const lab = new GuestLab(source, options);
  lab.hypervisor.onExit = undefined;
  if (options.synchronization === 'write-protect') {
    while (lab.run(CHECKED_EVERY).kind === 'limit') assert.deepEqual(checkSynchronized(lab.guest), []);
  } else {
    lab.finish(LIMIT);
  }
  return {
    registers: registers((i) => lab.vcpu.x(i)),
    memory: lab.guest.memory.read(COMPARED.start, COMPARED.end - COMPARED.start) ?? new Uint8Array(),
  };
}

/** All but a0 and a1, in which the boot leaves the device tree's address. */
function registers(x: (index: number) => bigint): string[] {
  return Array.from({ length: 32 }, (_, i) => (i === 10 || i === 11 ? '' : `x${i} ${x(i).toString(16)}`));
}

/** Where and how memories differ; undefined when they do not. */
function difference(bare: Uint8Array, guest: Uint8Array): string | undefined {
  if (Buffer.compare(bare, guest) === 0) return undefined;
  const at = bare.findIndex((byte, i) => byte !== guest[i]) & ~7;
  const word = (bytes: Uint8Array) => Buffer.from(bytes).readBigUInt64LE(at).toString(16);
  return `at 0x${(COMPARED.start + at).toString(16)}: bare ${word(bare)}, guest ${word(guest)}`;
}

describe('random kernels', function () {
  this.timeout(600_000);

  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    it(`do the same bare and as a guest (seed ${seed})`, () => {
      const levels = ([3, 4, 5] as const)[seed % 3];
      const source = new RandomKernel(new Random(seed), 400, { levels }).source();
      const bare = runBare(source);
      const fewPages = seed % 4 === 0 ? { shadowPages: 24 } : {};
      const withoutFences = source.replaceAll(/sfence\.vma.*/g, 'nop');
      for (const guest of [
        runGuest(source, fewPages),
        runGuest(source, { ...fewPages, synchronization: 'write-protect' }),
        runGuest(withoutFences, { ...fewPages, synchronization: 'write-protect' }),
      ]) {
        assert.equal(difference(bare.memory, guest.memory), undefined);
        assert.deepEqual(guest.registers, bare.registers);
      }
    });
  }
});
