/** Runs a guest in QEMU (`qemu-system-riscv64 -machine virt`) and drives its console; always with a time limit. */
import { ProcessConsole } from './process-console';

export interface QemuOptions {
  /** Path of the QEMU executable, from `requireTool('qemu-system-riscv64', this)`. */
  executable: string;
  /** Path of the image that `-kernel` loads. */
  kernel: string;
  /** Firmware: `default` is OpenSBI, `none` starts the kernel in M-mode at 0x80000000, anything else is a path. */
  bios?: string;
  /** Size of the RAM as QEMU writes it. */
  memory?: string;
  /** Further arguments. */
  arguments?: readonly string[];
  /** Seconds after which the machine is stopped and all waiting ends with an error. */
  timeoutSeconds?: number;
}

/** A running QEMU. */
export class Qemu extends ProcessConsole {
  constructor(options: QemuOptions) {
    const { executable, kernel, bios = 'default', memory = '128M', timeoutSeconds = 60 } = options;
    const machine = ['-machine', 'virt', '-m', memory, '-bios', bios, '-kernel', kernel];
    const console = ['-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-no-reboot'];
    super('QEMU', [executable, ...machine, ...console, ...(options.arguments ?? [])], timeoutSeconds);
  }
}
