/** Symbols made up for tests: only what a test says is there. */
import type { Segment } from '../../src/symbols/elf';
import type { Registers, StackFrame } from '../../src/symbols/model';
import type { SymbolFile } from '../../src/symbols/program';
import type { SymbolModule } from '../../src/debugger/symbol-space';

export interface FakeProgram extends Partial<Omit<SymbolFile, 'elf'>> {
  /** Bytes of one segment, and where it is. */
  readonly code?: { readonly address: bigint; readonly bytes: Uint8Array };
}

export function fakeModule(name: string, { code, ...answers }: FakeProgram): SymbolModule {
  const segment: Partial<Segment> | undefined = code && {
    type: 'load',
    virtualAddress: code.address,
    memorySize: BigInt(code.bytes.length),
    data: code.bytes,
  };
  const file = {
    hasDebugInfo: true,
    findFunction: () => undefined,
    symbolAt: () => undefined,
    findSymbol: () => undefined,
    lineFor: () => undefined,
    inlineChain: () => [],
    resolveBreakpoint: () => ({ kind: 'unknown-file' }),
    functionBreakpointAddresses: () => [],
    variablesInScope: () => [],
    startFrame: (pc: bigint, registers: Registers): StackFrame => ({ pc, lookupPc: pc, registers, how: 'start' }),
    unwindRow: () => undefined,
    unwind: () => undefined,
    ...answers,
    elf: { segments: segment ? [segment] : [] },
  };
  return { name, path: `/programs/${name}`, file: file as unknown as SymbolFile };
}
