/** A WebAssembly module: imports first, then functions, then exports; `encode` gives the binary (Core 5.5). */
import { Code } from './code';
import { pushUnsigned } from './leb128';
import type { ValueType } from './opcodes';
import { valueTypes } from './opcodes';

export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

const section = { custom: 0, type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
const kind = { function: 0, table: 1, memory: 2 } as const;
const FUNCREF = 0x70;

export class Module {
  private readonly types: FunctionType[] = [];
  private readonly imports: { module: string; name: string; bytes: number[] }[] = [];
  /** Whether the hints given in functions are written. */
  writesHints = true;
  private importedFunctions = 0;
  private readonly functions: { type: number; code: Code }[] = [];
  private readonly exports: { name: string; index: number }[] = [];

  /** The module's memory, in 64 KiB pages; `maximum` as the importing host created it. */
  importMemory(module: string, name: string, minimumPages: number, maximumPages: number): void {
    const bytes: number[] = [kind.memory, 1];
    pushUnsigned(bytes, minimumPages);
    pushUnsigned(bytes, maximumPages);
    this.imports.push({ module, name, bytes });
  }

  /** The module's table of functions; `maximum` as the importing host created it. */
  importTable(module: string, name: string, minimum: number, maximum: number): void {
    const bytes: number[] = [kind.table, FUNCREF, 1];
    pushUnsigned(bytes, minimum);
    pushUnsigned(bytes, maximum);
    this.imports.push({ module, name, bytes });
  }

  /** Imports a function; returns its index. All imports come before the first `define`. */
  importFunction(module: string, name: string, type: FunctionType): number {
    if (this.functions.length > 0) throw new Error('imports must come before functions');
    const bytes: number[] = [kind.function];
    pushUnsigned(bytes, this.typeIndex(type));
    this.imports.push({ module, name, bytes });
    return this.importedFunctions++;
  }

  /** Defines a function and returns its index; `body` writes its code, and may define others that it needs. */
  define(type: FunctionType, body: (code: Code) => void): number {
    const code = new Code(type.parameters);
    const index = this.importedFunctions + this.functions.length;
    this.functions.push({ type: this.typeIndex(type), code });
    body(code);
    return index;
  }

  export(name: string, functionIndex: number): void {
    this.exports.push({ name, index: functionIndex });
  }

  encode(): Uint8Array<ArrayBuffer> {
    const out: number[] = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    pushSection(out, section.type, this.types, (bytes, type) => {
      bytes.push(0x60);
      for (const list of [type.parameters, type.results]) {
        pushUnsigned(bytes, list.length);
        for (const value of list) bytes.push(valueTypes[value]);
      }
    });
    pushSection(out, section.import, this.imports, (bytes, item) => {
      pushName(bytes, item.module);
      pushName(bytes, item.name);
      bytes.push(...item.bytes);
    });
    pushSection(out, section.function, this.functions, (bytes, item) => pushUnsigned(bytes, item.type));
    pushSection(out, section.export, this.exports, (bytes, item) => {
      pushName(bytes, item.name);
      bytes.push(kind.function);
      pushUnsigned(bytes, item.index);
    });
    this.pushBranchHints(out);
    pushSection(out, section.code, this.functions, (bytes, item) => {
      const body = item.code.encode();
      pushUnsigned(bytes, body.length);
      for (const byte of body) bytes.push(byte);
    });
    return Uint8Array.from(out);
  }

  /** The custom section of branch hints (Branch Hinting, 2); hosts that do not know it pass it over. */
  private pushBranchHints(out: number[]): void {
    const hinted = this.functions.flatMap(({ code }, i) => {
      const hints = code.branchHints();
      return hints.length > 0 ? [{ index: this.importedFunctions + i, hints }] : [];
    });
    if (hinted.length === 0 || !this.writesHints) return;
    const bytes: number[] = [];
    pushName(bytes, 'metadata.code.branch_hint');
    pushUnsigned(bytes, hinted.length);
    for (const { index, hints } of hinted) {
      pushUnsigned(bytes, index);
      pushUnsigned(bytes, hints.length);
      for (const { offset, isTaken } of hints) {
        pushUnsigned(bytes, offset);
        bytes.push(1, isTaken ? 1 : 0);
      }
    }
    out.push(section.custom);
    pushUnsigned(out, bytes.length);
    for (const byte of bytes) out.push(byte);
  }

  /** The number of this function type in the module, for `Code.callIndirect`. */
  typeIndex(type: FunctionType): number {
    const key = (t: FunctionType) => `${t.parameters.join()}>${t.results.join()}`;
    const index = this.types.findIndex((t) => key(t) === key(type));
    return index >= 0 ? index : this.types.push(type) - 1;
  }
}

function pushSection<T>(
  out: number[],
  id: number,
  items: readonly T[],
  write: (bytes: number[], item: T) => void,
): void {
  if (items.length === 0) return;
  const bytes: number[] = [];
  pushUnsigned(bytes, items.length);
  for (const item of items) write(bytes, item);
  out.push(id);
  pushUnsigned(out, bytes.length);
  for (const byte of bytes) out.push(byte);
}

function pushName(out: number[], name: string): void {
  const bytes = new TextEncoder().encode(name);
  pushUnsigned(out, bytes.length);
  out.push(...bytes);
}
