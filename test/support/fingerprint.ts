/** Everything of a machine that a program could see, in few characters. */
import { createHash } from 'node:crypto';
import type { Machine } from '../../src/machine/machine';

export function fingerprint(machine: Machine, output: string) {
  const hash = createHash('sha256');
  for (const [number, bytes] of machine.takeSnapshot().memory.pages()) hash.update(`${number}`).update(bytes);
  const harts = machine.harts.map(({ state, csrs }) => ({
    pc: state.pc,
    privilege: state.privilege,
    registers: Array.from({ length: 32 }, (_, i) => [state.x(i), state.f(i)]),
    csrs: [...csrs.entries()].map(({ csr, value }) => `${csr.name}=${value.toString(16)}`),
  }));
  return { harts, memory: hash.digest('hex'), instructions: machine.instructions, time: machine.time, output };
}
