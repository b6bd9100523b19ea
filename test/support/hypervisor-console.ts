/** Runs a guest under the hypervisor on our own machine and drives its console. */
import { Hypervisor } from '../../src/hypervisor/hypervisor';
import type { Synchronization } from '../../src/hypervisor/shadow/shadow-page-tables';
import { Machine } from '../../src/machine/machine';
import { readProgram, SliceConsole, typed } from './slice-console';

const MIB = 1024 * 1024;

export interface HypervisorConsoleOptions {
  /** Path of the ELF file. */
  readonly kernel: string;
  readonly bootargs?: string;
  /** The guest's memory: 128 MiB unless said otherwise. */
  readonly memoryBytes?: number;
  /** Pages that the shadow tables may take. */
  readonly shadowPages?: number;
  readonly synchronization?: Synchronization;
  readonly findsStaleTranslations?: boolean;
  /** Instructions after which all waiting ends with an error. */
  readonly maxInstructions?: number;
}

export class HypervisorConsole extends SliceConsole {
  readonly hypervisor: Hypervisor;

  constructor(options: HypervisorConsoleOptions) {
    const { kernel, bootargs, memoryBytes, shadowPages, synchronization, maxInstructions } = options;
    const { findsStaleTranslations = false } = options;
    super(new Machine({ memoryBytes: 256 * MIB + Math.max(0, (memoryBytes ?? 0) - 128 * MIB) }), maxInstructions);
    this.hypervisor = new Hypervisor(this.machine, {
      guests: [
        {
          name: 'guest',
          program: readProgram(kernel),
          ...(memoryBytes !== undefined && { memoryBytes }),
          ...(bootargs !== undefined && { bootargs }),
        },
      ],
      ...(shadowPages !== undefined && { shadowPages }),
      ...(synchronization && { synchronization }),
      findsStaleTranslations,
    });
    this.guest.console.onOutput = (bytes) => this.append(bytes);
  }

  get guest() {
    return this.hypervisor.guests[0];
  }

  get vcpu() {
    return this.guest.vcpus[0];
  }

  send(text: string): void {
    this.guest.console.receive(typed(text));
  }
}
