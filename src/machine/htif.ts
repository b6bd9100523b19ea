/**
 * HTIF, the host-target interface of RISC-V test programs: the program writes a doubleword at its symbol `tohost`. Bits
 * 63–56 name a device, 55–48 a command, the rest is data. Device 0 with an odd value ends the machine with the code in the
 * bits above, an even one is the address of a system call for the host: its number, then its arguments, in doublewords. Device 1,
 * command 1 prints a byte. The doubleword is zero again when a command is taken; a system call is answered at `fromhost`.
 */
import type { PhysicalMemory } from '../engine/physical-memory';
import { BootError } from './boot';

const SYSTEM = 0n;
const CONSOLE = 1n;
const PRINT = 1n;

/** Numbers of system calls, and of the error for others, as in Linux. */
const SYS_WRITE = 64n;
const SYS_EXIT = 93n;
const ENOSYS = 38n;
/** A call's number and three arguments, in bytes. */
const CALL_SIZE = 32;
const ANSWERED = 1n;

export interface HtifAddresses {
  /** HPA of the doubleword for commands. */
  readonly tohost: number;
  /** HPA of the doubleword for answers, of a program that asks for any. */
  readonly fromhost?: number;
}

export class Htif {
  /** Called when the program ends the machine. */
  onExit: (code: number) => void = () => {};
  /** Called with each byte that the program prints. */
  onOutput: (byte: number) => void = () => {};

  private readonly tohost: number;
  private readonly fromhost: number | undefined;

  /** @throws BootError when there is no doubleword of memory at one of the addresses */
  constructor(
    private readonly memory: PhysicalMemory,
    { tohost, fromhost }: HtifAddresses,
  ) {
    this.tohost = this.checked('tohost', tohost);
    this.fromhost = fromhost === undefined ? undefined : this.checked('fromhost', fromhost);
  }

  /** Takes the command, if there is one. To be called between instructions, after a store to the page of tohost. */
  serve(): void {
    const value = this.memory.read64(this.tohost);
    if (value === 0n) return;
    this.memory.write64(this.tohost, 0n);
    const [device, command, data] = [value >> 56n, (value >> 48n) & 0xffn, BigInt.asUintN(48, value)];
    if (device === SYSTEM && command === 0n) {
      if ((data & 1n) === 1n) this.onExit(Number(data >> 1n));
      else this.call(Number(data));
    }
    if (device === CONSOLE && command === PRINT) this.onOutput(Number(data & 0xffn));
  }

  /** A system call of the host, described at this HPA. Ignored where there is no room for it, or for the answer. */
  private call(at: number): void {
    const { memory, fromhost } = this;
    if (fromhost === undefined || at % 8 !== 0 || !memory.contains(at, CALL_SIZE)) return;
    const [number, first, second, third] = [0, 8, 16, 24].map((offset) => memory.read64(at + offset));
    memory.write64(at, BigInt.asUintN(64, this.answer(number, first, second, third)));
    memory.write64(fromhost, ANSWERED);
  }

  private answer(number: bigint, first: bigint, second: bigint, third: bigint): bigint {
    if (number === SYS_EXIT) {
      this.onExit(Number(BigInt.asUintN(32, first)));
      return 0n;
    }
    const [start, length] = [Number(second), Number(third)];
    if (number !== SYS_WRITE || !this.memory.contains(start, length)) return -ENOSYS;
    for (const byte of this.memory.bytes(start, length)) this.onOutput(byte);
    return third;
  }

  private checked(name: string, address: number): number {
    if (address % 8 === 0 && this.memory.contains(address, 8)) return address;
    throw new BootError(
      `The symbol ${name} is at 0x${address.toString(16)}, which is no doubleword of the machine's memory; ` +
        'link it inside memory, aligned to 8 bytes.',
    );
  }
}
