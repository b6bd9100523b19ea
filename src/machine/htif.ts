/**
 * HTIF, the host-target interface of RISC-V test programs: the program writes a doubleword at its symbol `tohost`. Bits
 * 63–56 name a device, 55–48 a command, the rest is data. Device 0 with an odd value ends the machine with the code in the
 * bits above; device 1, command 1 prints a byte. The doubleword is zero again when a command is taken.
 */
import type { PhysicalMemory } from '../engine/physical-memory';
import { BootError } from './boot';

const SYSTEM = 0n;
const CONSOLE = 1n;
const PRINT = 1n;

export class Htif {
  /** Called when the program ends the machine. */
  onExit: (code: number) => void = () => {};
  /** Called with each byte that the program prints. */
  onOutput: (byte: number) => void = () => {};

  /**
   * @param tohost HPA of the doubleword
   * @throws BootError when there is no doubleword of memory
   */
  constructor(
    private readonly memory: PhysicalMemory,
    private readonly tohost: number,
  ) {
    if (tohost % 8 !== 0 || !memory.contains(tohost, 8)) {
      throw new BootError(
        `The symbol tohost is at 0x${tohost.toString(16)}, which is no doubleword of the machine's memory; ` +
          'link it inside memory, aligned to 8 bytes.',
      );
    }
  }

  /** Takes the command, if there is one. To be called between instructions, after a store to the page of tohost. */
  serve(): void {
    const value = this.memory.read64(this.tohost);
    if (value === 0n) return;
    this.memory.write64(this.tohost, 0n);
    const [device, command, data] = [value >> 56n, (value >> 48n) & 0xffn, BigInt.asUintN(48, value)];
    if (device === SYSTEM && command === 0n && (data & 1n) === 1n) this.onExit(Number(data >> 1n));
    if (device === CONSOLE && command === PRINT) this.onOutput(Number(data & 0xffn));
  }
}
