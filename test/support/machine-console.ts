/** Runs a guest bare on our own machine and drives its console. */
import { Machine } from '../../src/machine/machine';
import type { MachineBoot } from '../../src/machine/machine';
import { readProgram, SliceConsole, typed } from './slice-console';

const MIB = 1024 * 1024;

export interface MachineConsoleOptions extends Partial<Pick<MachineBoot, 'mode' | 'bootargs'>> {
  /** Path of the ELF file. */
  readonly kernel: string;
  readonly memoryBytes?: number;
  /** Instructions after which all waiting ends with an error. */
  readonly maxInstructions?: number;
}

export class MachineConsole extends SliceConsole {
  constructor({ kernel, mode = 'supervisor', bootargs, memoryBytes, maxInstructions }: MachineConsoleOptions) {
    super(new Machine({ memoryBytes: memoryBytes ?? 128 * MIB }), maxInstructions);
    this.machine.uart.onOutput = (bytes) => this.append(bytes);
    this.machine.boot({ program: readProgram(kernel), mode, ...(bootargs === undefined ? {} : { bootargs }) });
  }

  send(text: string): void {
    this.machine.uart.receive(typed(text));
  }
}
