/** Small guests in assembly for tests of the hypervisor: assembled, run, and every VM exit kept. */
import assert from 'node:assert/strict';
import type { ExitKind, ExitRecord, ExitRecordOf } from '../../src/hypervisor/exit-record';
import { Hypervisor } from '../../src/hypervisor/hypervisor';
import { checkDeviceMemory, checkIsolation } from '../../src/hypervisor/isolation';
import type { Synchronization } from '../../src/hypervisor/shadow/shadow-page-tables';
import { assembleSource } from '../../src/isa/assemble';
import type { ExtensionSwitches } from '../../src/isa/extensions';
import type { DeviceOptions } from '../../src/machine/extra-devices';
import { Machine } from '../../src/machine/machine';
import type { RunResult } from '../../src/machine/run-result';

const MIB = 1024 * 1024;

/** Where programs start. */
export const ENTRY = 0x8020_0000;

export interface GuestLabOptions {
  /** 256 unless said otherwise, of which the guest has the second half. */
  readonly machineMiB?: number;
  readonly memoryBytes?: number;
  /** Of the guest, each with a hart; 1 unless said otherwise. */
  readonly vcpus?: number;
  readonly shadowPages?: number;
  readonly synchronization?: Synchronization;
  readonly findsStaleTranslations?: boolean;
  /** The guest's. */
  readonly devices?: DeviceOptions;
  /** Of the machine, and which of its slots the guest gets. */
  readonly machineDevices?: DeviceOptions;
  readonly passthrough?: readonly number[];
  /** Of the machine. */
  readonly extensions?: ExtensionSwitches;
}

export class GuestLab {
  readonly machine: Machine;
  readonly hypervisor: Hypervisor;
  /** What the observer was shown. */
  readonly records: ExitRecord[] = [];
  readonly symbols: ReadonlyMap<string, bigint>;
  output = '';

  /** @param source assembly for 0x80200000; `shutdown` is there to end the guest, and spoils a0 and a7 */
  constructor(source: string, options: GuestLabOptions = {}) {
    const { bytes, symbols } = assembleSource(`${source}\n.align 2\nshutdown: li a7, 8\n ecall\n`, BigInt(ENTRY));
    this.symbols = symbols;
    this.machine = new Machine({
      memoryBytes: (options.machineMiB ?? 256) * MIB,
      ...(options.vcpus !== undefined && { harts: options.vcpus }),
      ...(options.machineDevices && { devices: options.machineDevices }),
      ...(options.extensions && { extensions: options.extensions }),
    });
    this.hypervisor = new Hypervisor(this.machine, {
      guests: [
        {
          name: 'lab',
          program: {
            entry: BigInt(ENTRY),
            segments: [{ address: ENTRY, data: bytes, memorySize: bytes.length }],
          },
          ...(options.vcpus !== undefined && { vcpus: options.vcpus }),
          ...(options.passthrough && { passthrough: options.passthrough }),
          ...(options.devices && { devices: options.devices }),
          ...(options.memoryBytes !== undefined && { memoryBytes: options.memoryBytes }),
        },
      ],
      ...(options.shadowPages !== undefined && { shadowPages: options.shadowPages }),
      ...(options.synchronization && { synchronization: options.synchronization }),
      findsStaleTranslations: options.findsStaleTranslations ?? false,
    });
    this.hypervisor.onExit = (record) => {
      this.records.push(record);
      return 'go';
    };
    this.guest.console.onOutput = (bytes) => {
      this.output += new TextDecoder('latin1').decode(bytes);
    };
  }

  get guest() {
    return this.hypervisor.guests[0];
  }

  get vcpu() {
    return this.guest.vcpus[0];
  }

  run(limit = 100_000): RunResult {
    const result = this.machine.run(limit);
    assert.deepEqual(checkIsolation(this.guest), []);
    assert.deepEqual(checkDeviceMemory(this.machine, this.hypervisor.guests), []);
    return result;
  }

  /** Runs to the shutdown that ends every program. */
  finish(limit?: number): void {
    const result = this.run(limit);
    assert.equal(result.kind, 'power-off', `${result.kind} at 0x${this.vcpu.pc.toString(16)}`);
  }

  /** The records of one kind. */
  of<K extends ExitKind>(kind: K): ExitRecordOf<K>[] {
    return this.records.filter((record): record is ExitRecordOf<K> => record.kind === kind);
  }

  /** A register by its number, signed. */
  x(index: number): bigint {
    return BigInt.asIntN(64, this.vcpu.x(index));
  }

  symbol(name: string): bigint {
    const value = this.symbols.get(name);
    assert.ok(value !== undefined, name);
    return value;
  }
}
