/** Programs for machines with several harts, in M-mode from the start of RAM or in S-mode over the built-in firmware. */
import { assembleSource } from '../../src/isa/assemble';
import type { Hart } from '../../src/machine/hart';
import type { MachineOptions } from '../../src/machine/machine';
import type { RunResult } from '../../src/machine/run-result';
import { Machine } from '../../src/machine/machine';

const MEMORY = 16 << 20;
const BASES = { machine: 0x80000000n, supervisor: 0x80200000n } as const;

/** Powers the machine off, from M-mode and S-mode alike. */
export const POWER_OFF = `
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
1: j 1b
`;

/** A call of the built-in firmware, with the arguments in place. */
export const sbi = (extension: number, fn: number): string => `li a7, ${extension}\nli a6, ${fn}\necall\n`;

export class MultiHart {
  readonly machine: Machine;
  readonly symbols: ReadonlyMap<string, bigint>;
  output = '';

  constructor(source: string, mode: 'machine' | 'supervisor', options: MachineOptions = {}) {
    this.machine = new Machine({ memoryBytes: MEMORY, harts: 4, ...options });
    this.machine.uart.onOutput = (bytes) => (this.output += Buffer.from(bytes).toString('latin1'));
    const base = BASES[mode];
    const { bytes, symbols } = assembleSource(source, base);
    this.symbols = symbols;
    const segments = [{ address: Number(base), data: bytes, memorySize: bytes.length }];
    this.machine.boot({ program: { entry: base, segments }, mode });
  }

  hart(index: number): Hart {
    return this.machine.harts[index];
  }

  /** The doubleword at a label. */
  word(label: string, index = 0): bigint {
    return this.machine.memory.read64(Number(this.address(label)) + 8 * index);
  }

  address(label: string): bigint {
    const address = this.symbols.get(label);
    if (address === undefined) throw new Error(`the program has no label ${label}`);
    return address;
  }

  /** Runs until the program ends the machine. @param slice the most instructions of each run */
  finish(slice: () => number = () => 1_000_000, most = 50_000_000): void {
    for (;;) {
      const result: RunResult = this.machine.run(slice());
      if (result.kind === 'power-off') return;
      if (result.kind === 'idle') throw new Error(`all harts wait for ever; output:\n${this.output}`);
      if (this.machine.instructions > most) throw new Error(`the program does not end; output:\n${this.output}`);
    }
  }

  /** Everything that a guest can see of the harts, and where the machine stands. */
  state(): unknown {
    const { machine } = this;
    return {
      instructions: machine.instructions,
      time: machine.time,
      current: machine.current.index,
      harts: machine.harts.map(({ state, csrs, privilege, waiting, isStopped }) => ({
        pc: state.pc,
        x: Array.from({ length: 32 }, (_, index) => state.x(index)),
        f: Array.from({ length: 32 }, (_, index) => state.f(index)),
        csrs: [...csrs.entries()].map(({ csr, value }) => `${csr.name} ${value}`),
        ...{ privilege, waiting, isStopped },
      })),
    };
  }
}
