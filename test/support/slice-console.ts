/** Runs one of our own machines in slices while someone waits for its output, as `Qemu` does with QEMU. */
import { readFileSync } from 'node:fs';
import type { BootProgram } from '../../src/machine/boot';
import type { Machine } from '../../src/machine/machine';
import type { PowerOff } from '../../src/machine/run-result';
import { parseElf } from '../../src/symbols/elf';
import type { GuestConsole } from './guest-console';

const SLICE = 1_000_000;

/** The loadable segments of an ELF file. */
export function readProgram(path: string): BootProgram {
  const elf = parseElf(readFileSync(path));
  const segments = elf.segments
    .filter(({ type, memorySize }) => type === 'load' && memorySize > 0n)
    .map(({ physicalAddress, virtualAddress, data, memorySize }) => ({
      address: Number(physicalAddress),
      virtualAddress,
      data,
      memorySize: Number(memorySize),
    }));
  return { entry: elf.entry, segments };
}

export abstract class SliceConsole implements GuestConsole {
  /** How the guest ended the machine. */
  end: PowerOff | undefined;

  private text = '';
  private passed = 0;
  private readonly decoder = new TextDecoder('latin1');

  constructor(
    readonly machine: Machine,
    /** Instructions after which all waiting ends with an error. */
    private readonly maxInstructions = 500_000_000,
  ) {}

  abstract send(text: string): void;

  get output(): string {
    return this.text;
  }

  async waitFor(pattern: RegExp): Promise<string> {
    const once = new RegExp(pattern, pattern.flags.replace('g', ''));
    let problem: string | undefined;
    for (;;) {
      const rest = this.text.slice(this.passed);
      const match = once.exec(rest);
      if (match) {
        const length = match.index + match[0].length;
        this.passed += length;
        return rest.slice(0, length);
      }
      if (problem !== undefined) throw new Error(`${problem} before ${pattern} appeared in its output:\n${this.text}`);
      problem = this.advance();
    }
  }

  /** Runs until the guest ends the machine. @returns the exit code */
  async run(): Promise<number> {
    while (!this.end) {
      const problem = this.advance();
      if (problem !== undefined && !this.end) throw new Error(`${problem}; its output:\n${this.text}`);
    }
    return this.end.code;
  }

  /** Takes the guest's output. */
  protected append(bytes: Uint8Array): void {
    this.text += this.decoder.decode(bytes);
  }

  /** One slice. @returns why the guest does not go on, if so */
  private advance(): string | undefined {
    const result = this.machine.run(SLICE);
    if (result.kind === 'power-off') {
      this.end = result;
      return `The machine ended with exit code ${result.code}`;
    }
    if (result.kind === 'idle') return 'The guest waits for input';
    if (this.machine.instructions > this.maxInstructions)
      return `The guest executed ${this.maxInstructions} instructions`;
    return undefined;
  }
}

/** What is typed, as a serial port receives it. */
export function typed(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
