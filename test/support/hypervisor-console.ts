/** Runs a guest under the hypervisor on our own machine and drives its console. */
import { readFileSync } from 'node:fs';
import { readMachineProgram } from '../../src/debugger/program';
import { Hypervisor } from '../../src/hypervisor/hypervisor';
import type { Synchronization } from '../../src/hypervisor/shadow/shadow-page-tables';
import type { ExtensionSwitches } from '../../src/isa/extensions';
import type { DeviceOptions } from '../../src/machine/extra-devices';
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
  /** Path of M-mode code: an ELF file, or the bytes for 0x80000000. */
  readonly firmware?: string;
  readonly extensions?: ExtensionSwitches;
  /** The guest's virtio devices. */
  readonly devices?: DeviceOptions;
  /** Instructions after which all waiting ends with an error. */
  readonly maxInstructions?: number;
}

export class HypervisorConsole extends SliceConsole {
  readonly hypervisor: Hypervisor;

  constructor(options: HypervisorConsoleOptions) {
    const { kernel, bootargs, memoryBytes, shadowPages, synchronization, maxInstructions } = options;
    const { findsStaleTranslations = false, firmware, extensions = {}, devices } = options;
    const machineBytes = 256 * MIB + Math.max(0, (memoryBytes ?? 0) - 128 * MIB);
    super(new Machine({ memoryBytes: machineBytes, extensions }), maxInstructions);
    this.hypervisor = new Hypervisor(this.machine, {
      guests: [
        {
          name: 'guest',
          program: readProgram(kernel),
          ...(memoryBytes !== undefined && { memoryBytes }),
          ...(bootargs !== undefined && { bootargs }),
          ...(devices && { devices }),
        },
      ],
      ...(shadowPages !== undefined && { shadowPages }),
      ...(synchronization && { synchronization }),
      findsStaleTranslations,
      ...(firmware !== undefined && { firmware: readMachineProgram(readFileSync(firmware)).boot }),
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
