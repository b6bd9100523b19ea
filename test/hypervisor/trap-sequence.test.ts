/** The sample kernel meets the same exceptions bare and as a guest, in the same order in each address space. */
import assert from 'node:assert/strict';
import { MachineConsole } from '../support/machine-console';
import { HypervisorConsole } from '../support/hypervisor-console';
import { driveTeachingKernel, teachingKernel } from '../support/teaching-kernel';

const SUPERVISOR_ECALL = 9;

/** Exceptions in the order in which they are taken, by the value of satp. */
class Exceptions {
  readonly bySpace = new Map<bigint, string[]>();

  add(satp: bigint, cause: number, pc: bigint, tval: bigint): void {
    const known = this.bySpace.get(satp) ?? [];
    this.bySpace.set(satp, known);
    known.push(`${cause} at ${pc.toString(16)}: ${tval.toString(16)}`);
  }
}

async function bare(): Promise<Exceptions> {
  const seen = new Exceptions();
  const console = new MachineConsole({ kernel: teachingKernel });
  const [hart] = console.machine.harts;
  hart.onTrap = ({ cause, interrupt, pc, tval }) => {
    if (!interrupt && cause !== SUPERVISOR_ECALL) seen.add(hart.csrs.state.satp, cause, pc, tval);
    return 'take';
  };
  await driveTeachingKernel(console);
  return seen;
}

async function guest(synchronization: 'sfence' | 'write-protect'): Promise<Exceptions> {
  const seen = new Exceptions();
  const console = new HypervisorConsole({ kernel: teachingKernel, synchronization });
  console.hypervisor.watchedKinds = new Set(['inject']);
  console.hypervisor.onExit = (exit) => {
    if (exit.kind === 'inject' && !exit.interrupt) seen.add(console.vcpu.csrs.satp, exit.cause, exit.pc, exit.stval);
    return 'go';
  };
  await driveTeachingKernel(console);
  return seen;
}

describe('exceptions of the sample kernel', () => {
  for (const synchronization of ['sfence', 'write-protect'] as const) {
    it(`are those of the bare machine: ${synchronization}`, async () => {
      const [expected, found] = [await bare(), await guest(synchronization)];
      assert.ok(expected.bySpace.size >= 3);
      assert.deepEqual(found.bySpace, expected.bySpace);
    });
  }
});
