/** Where in the guest's sources a VM exit happened. */
import type { LineLocation } from '../../symbols/model';
import type { SymbolSpace } from '../symbol-space';

export interface ExitPlace {
  /** `trap_entry+0x4`; undefined where no symbol is before the address. */
  readonly symbol?: string;
  readonly line?: LineLocation;
}

/** By the address alone: the program that had it mapped may be gone. */
export function placeOfExit(pc: bigint, symbols: SymbolSpace): ExitPlace {
  const symbol = symbols.nameOf(pc);
  const line = symbols.lineAt(pc);
  return { ...(symbol !== undefined && { symbol }), ...(line && { line }) };
}

/** `trap_entry+0x4 (trap.S:12)`, or less. */
export function placeText({ symbol, line }: ExitPlace): string {
  const source = line && `${line.file.split(/[\\/]/).pop()}:${line.line}`;
  if (symbol === undefined) return source ?? '';
  return source === undefined ? symbol : `${symbol} (${source})`;
}
