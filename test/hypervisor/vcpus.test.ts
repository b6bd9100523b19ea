/** Guests with several vCPUs, and several guests: their SBI, their shadow page tables, their ends. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { HypervisorOptions } from '../../src/hypervisor/hypervisor-options';
import { Hypervisor } from '../../src/hypervisor/hypervisor';
import type { GuestOptions } from '../../src/hypervisor/guest';
import { checkHypervisor } from '../../src/hypervisor/isolation';
import { assembleSource } from '../../src/isa/assemble';
import { Machine } from '../../src/machine/machine';
import { hartsOutput } from '../support/harts-fixture';
import { remoteFenceProgram } from '../support/multi-hart-programs';
import { Random } from '../support/random';
import { readProgram } from '../support/slice-console';

const MIB = 1 << 20;
const ENTRY = 0x80200000n;
const fixture = (name: string) => readProgram(join(__dirname, '..', 'fixtures', `${name}.elf`));

interface RunOptions extends Partial<HypervisorOptions> {
  readonly most?: number;
  readonly slice?: () => number;
}

/** Runs guests until all have ended, or so many instructions; their outputs by name. */
function runGuests(
  guests: readonly GuestOptions[],
  harts: number,
  { most = 50_000_000, slice = () => 1_000_000, ...options }: RunOptions = {},
) {
  const machine = new Machine({ memoryBytes: 640 * MIB, harts });
  const hypervisor = new Hypervisor(machine, { guests, ...options });
  const output: Record<string, string> = {};
  const ended: string[] = [];
  for (const { name, console } of hypervisor.guests) {
    output[name] = '';
    console.onOutput = (bytes) => (output[name] += Buffer.from(bytes).toString('latin1'));
  }
  hypervisor.onGuestEnd = ({ name }) => ended.push(name);
  let result;
  do result = machine.run(slice());
  while (result.kind !== 'power-off' && result.kind !== 'idle' && machine.instructions < most);
  return { machine, hypervisor, output, ended, result };
}

/** A program in assembly for guests, and where its labels are (GPA). */
function assembled(source: string) {
  const { bytes, symbols } = assembleSource(source, ENTRY);
  const segments = [{ address: Number(ENTRY), data: bytes, memorySize: bytes.length }];
  return { program: { entry: ENTRY, segments }, symbols };
}

describe('guests with several vCPUs', () => {
  it('do what the same program does on harts', () => {
    for (const vcpus of [1, 2, 4]) {
      const { output, result } = runGuests([{ name: 'harts', program: fixture('harts'), vcpus }], 4);
      assert.equal(output.harts, hartsOutput(vcpus));
      assert.deepEqual(result, { kind: 'power-off', reason: 'shutdown', code: 0 });
    }
  });

  for (const synchronization of ['sfence', 'write-protect'] as const) {
    it(`see what another one changed in their page table after a remote fence (${synchronization})`, () => {
      const { program, symbols } = assembled(remoteFenceProgram);
      const guests = [{ name: 'fences', program, vcpus: 2 }];
      const { hypervisor, result } = runGuests(guests, 2, { synchronization, slice: () => 10_000 });
      assert.equal(result.kind, 'power-off');
      const [guest] = hypervisor.guests;
      const seen = [0, 8, 16].map((offset) => guest.memory.readEntry(Number(symbols.get('seen')) + offset));
      // Write protection lets all know at once.
      assert.deepEqual(seen, [11n, synchronization === 'sfence' ? 11n : 22n, 22n]);
    });
  }

  it('are kept apart, at any moment, in slices of any length, which do not matter', () => {
    const random = new Random(3);
    const guests = [
      { name: 'first', program: fixture('harts'), vcpus: 3 },
      { name: 'second', program: fixture('overwrite-page-table') },
      { name: 'third', program: fixture('harts'), vcpus: 2 },
    ];
    const whole = runGuests(guests, 6, { most: 400_000, slice: () => 400_000 });
    const machine = new Machine({ memoryBytes: 640 * MIB, harts: 6 });
    const hypervisor = new Hypervisor(machine, { guests });
    while (machine.instructions < 400_000) {
      machine.run(Math.min(1 + random.below(20_000), 400_000 - machine.instructions));
      assert.deepEqual(checkHypervisor(hypervisor), []);
    }
    const registers = (of: Machine) => of.harts.map(({ state }) => [state.pc, ...state.xBytes]);
    assert.deepEqual(registers(machine), registers(whole.machine));
  });
});

describe('several guests', () => {
  const names = ['one', 'two', 'three'];

  it('lie where the memory map says, and end one after the other', () => {
    const guests = names.map((name, index) => ({ name, program: fixture('harts'), vcpus: [2, 1, 4][index] }));
    const { hypervisor, output, ended, result } = runGuests(guests, 7);
    const bases = hypervisor.guests.map(({ memory }) => memory.hpaBase);
    assert.deepEqual(bases, [0x8800_0000, 0x9000_0000, 0x9800_0000]);
    assert.deepEqual(output, { one: hartsOutput(2), two: hartsOutput(1), three: hartsOutput(4) });
    assert.equal(ended.length, 2, 'the last one ends the machine');
    assert.deepEqual(result, { kind: 'power-off', reason: 'shutdown', code: 0 });
  });

  for (const bad of ['loop-interrupts-off', 'jump-to-nowhere', 'overwrite-page-table']) {
    it(`go on when one of them gets nowhere: ${bad}`, () => {
      const guests = names.map((name, index) => ({ name, program: fixture(index === 1 ? bad : 'harts'), vcpus: 1 }));
      const { output, ended, result } = runGuests(guests, 3, { most: 250_000 });
      assert.deepEqual([output.one, output.three], [hartsOutput(1), hartsOutput(1)]);
      assert.deepEqual(ended.sort(), ['one', 'three']);
      assert.equal(result.kind, 'limit');
    });
  }

  it('have up to four vCPUs each', () => {
    const run = (vcpus: number) => runGuests([{ name: 'much', program: fixture('harts'), vcpus }], 8, { most: 0 });
    for (const vcpus of [0, 5, 1.5]) assert.throws(() => run(vcpus), /much cannot have .* there can be 1 to 4\.$/);
  });
});
