/**
 * The test finisher ("sifive,test1"): one register by which a program ends the machine.
 * Specification: QEMU, hw/misc/sifive_test.c and include/hw/misc/sifive_test.h; the binding "syscon-poweroff" and
 * "syscon-reboot" of the device tree point to it.
 */
import type { Device, Width } from './device';
import { VIRT } from './virt-map';

export interface Finish {
  readonly kind: 'shutdown' | 'reboot' | 'failure';
  /** Exit code: 0 for a shutdown, the upper half of the written word for a failure. */
  readonly code: number;
}

const PASS = 0x5555;
const FAIL = 0x3333;
const RESET = 0x7777;

export class Finisher implements Device {
  readonly name = 'test';
  readonly base = VIRT.finisher.base;
  readonly size = VIRT.finisher.size;

  /** Called when the program ends the machine. */
  onFinish: (end: Finish) => void = () => {};

  transferState(): void {
    // It remembers nothing.
  }

  accepts(_offset: number, width: Width): boolean {
    return width === 2 || width === 4;
  }

  read(): bigint {
    return 0n;
  }

  write(offset: number, _width: Width, value: bigint): void {
    if (offset !== 0) return;
    const word = Number(value & 0xffff_ffffn);
    const status = word & 0xffff;
    const code = word >>> 16;
    if (status === PASS) this.onFinish({ kind: 'shutdown', code: 0 });
    else if (status === FAIL) this.onFinish({ kind: 'failure', code });
    else if (status === RESET) this.onFinish({ kind: 'reboot', code: 0 });
  }
}
