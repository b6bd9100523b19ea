/**
 * The symbols of all programs in a guest: its kernel, and user programs that run in address spaces of their own. Which
 * program an address belongs to is told by the programs' address ranges; where several claim it, by the code that is
 * really in memory there. So a user program's `main` never shadows the kernel's, whatever `satp` says.
 */
import type { ElfSymbol } from '../symbols/elf';
import type { FunctionInfo, LineLocation, Variable } from '../symbols/model';
import type { SymbolFile } from '../symbols/program';
import { hex } from './format';
import type { Memory } from './values/place';

/** One program file with symbols. */
export interface SymbolModule {
  /** For the user: the file's name. */
  readonly name: string;
  /** Path of the file. */
  readonly path: string;
  readonly file: SymbolFile;
}

/** Where memory holds code, for telling programs apart; undefined where nothing is known of it. */
export type CodeMemory = Pick<Memory, 'read'> | undefined;

/** How many bytes of code are compared to tell programs apart. */
const SAMPLE = 16;

export class SymbolSpace {
  constructor(readonly modules: readonly SymbolModule[]) {}

  get hasDebugInfo(): boolean {
    return this.modules.some((module) => module.file.hasDebugInfo);
  }

  /** The program that an address belongs to, in the address space that `memory` reads. */
  moduleAt(address: bigint, memory?: CodeMemory): SymbolModule | undefined {
    const claiming = this.modules.filter((module) => loadedBytes(module, address) !== undefined);
    // The kernel's own symbols are the best guess anyway, whatever memory holds.
    const isKernelOnly = claiming.length === 1 && claiming[0] === this.modules[0];
    if (claiming.length === 0 || !memory || isKernelOnly) return claiming[0];
    return (
      claiming.find((module) => holds(module, address, memory)) ??
      // The code may have been changed or not be loaded yet: then the kernel's own symbols are the best guess.
      (claiming[0] === this.modules[0] ? claiming[0] : undefined)
    );
  }

  /** Whether the code in memory at the address is this program's. True when memory cannot be read. */
  isLoaded(module: SymbolModule, address: bigint, memory: CodeMemory): boolean {
    if (module === this.modules[0] && this.modules.length === 1) return true;
    return !memory || holds(module, address, memory);
  }

  functionAt(address: bigint, memory?: CodeMemory): FunctionInfo | undefined {
    return this.moduleAt(address, memory)?.file.findFunction(address);
  }

  lineAt(address: bigint, memory?: CodeMemory): LineLocation | undefined {
    return this.moduleAt(address, memory)?.file.lineFor(address);
  }

  /** The address as `name+0x10`; undefined when no symbol is before it. */
  nameOf(address: bigint, memory?: CodeMemory): string | undefined {
    const file = this.moduleAt(address, memory)?.file;
    if (!file) return undefined;
    const hit = file.symbolAt(address);
    if (hit) return hit.offset === 0n ? hit.name : `${hit.name}+${hex(hit.offset)}`;
    const owner = file.findFunction(address);
    if (!owner) return undefined;
    return address === owner.low ? owner.name : `${owner.name}+${hex(address - owner.low)}`;
  }

  /** The symbol of that name, the kernel's first; in the program of `near` before the others. */
  findSymbol(
    name: string,
    near?: SymbolModule,
  ): { readonly symbol: ElfSymbol; readonly module: SymbolModule } | undefined {
    for (const module of this.ordered(near)) {
      const symbol = module.file.findSymbol(name);
      if (symbol) return { symbol, module };
    }
    return undefined;
  }

  findGlobal(
    name: string,
    near?: SymbolModule,
    address?: bigint,
  ): { readonly variable: Variable; readonly module: SymbolModule } | undefined {
    for (const module of this.ordered(near)) {
      const variable = module.file.findGlobal(name, module === near ? address : undefined);
      if (variable) return { variable, module };
    }
    return undefined;
  }

  private ordered(first: SymbolModule | undefined): readonly SymbolModule[] {
    return first ? [first, ...this.modules.filter((module) => module !== first)] : this.modules;
  }
}

/** The bytes that the program file has for an address, from there on; empty where the file has none but memory does. */
function loadedBytes(module: SymbolModule, address: bigint): Uint8Array | undefined {
  for (const segment of module.file.elf.segments) {
    if (segment.type !== 'load') continue;
    const offset = address - segment.virtualAddress;
    if (offset < 0n || offset >= segment.memorySize) continue;
    return segment.data.subarray(Math.min(Number(offset), segment.data.length));
  }
  return undefined;
}

function holds(module: SymbolModule, address: bigint, memory: Pick<Memory, 'read'>): boolean {
  const untilPageEnd = 4096 - Number(address & 0xfffn);
  const expected = loadedBytes(module, address)?.subarray(0, Math.min(SAMPLE, untilPageEnd));
  if (!expected || expected.length === 0) return expected !== undefined;
  const found = memory.read(address, expected.length);
  return !found || found.every((byte, index) => byte === expected[index]);
}
