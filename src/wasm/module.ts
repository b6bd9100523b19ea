/** A WebAssembly module: imports first, then functions, then exports; `encode` gives the binary (Core 5.5). */
import { ByteWriter } from './byte-writer';
import { Code } from './code';
import type { ValueType } from './opcodes';
import { valueTypes } from './opcodes';

export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

const section = { custom: 0, type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
const kind = { function: 0, table: 1, memory: 2 } as const;
/** `\0asm`, version 1. */
const MAGIC_AND_VERSION = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const FUNCREF = 0x70;
const FUNCTION_TYPE = 0x60;
/** Of limits: a maximum follows the minimum. */
const WITH_MAXIMUM = 1;

interface Import {
  readonly module: string;
  readonly name: string;
  /** Its kind, and what follows that. */
  readonly description: readonly number[];
}

export class Module {
  private readonly types: FunctionType[] = [];
  private readonly typeIndices = new Map<string, number>();
  private readonly imports: Import[] = [];
  /** Whether the hints given in functions are written. */
  writesHints = true;
  private importedFunctions = 0;
  private readonly functions: { readonly type: number; readonly code: Code }[] = [];
  private readonly exports: { readonly name: string; readonly index: number }[] = [];

  /** The module's memory, in 64 KiB pages: at least `minimum`, and created with no larger maximum than `maximum`. */
  importMemory(module: string, name: string, minimum: number, maximum: number): void {
    this.imports.push({ module, name, description: [kind.memory, WITH_MAXIMUM, minimum, maximum] });
  }

  /** The module's table of functions: at least `minimum`, and created with no larger maximum than `maximum`. */
  importTable(module: string, name: string, minimum: number, maximum: number): void {
    this.imports.push({ module, name, description: [kind.table, FUNCREF, WITH_MAXIMUM, minimum, maximum] });
  }

  /** Imports a function; returns its index. All imports come before the first `define`. */
  importFunction(module: string, name: string, type: FunctionType): number {
    if (this.functions.length > 0) throw new Error('imports must come before functions');
    this.imports.push({ module, name, description: [kind.function, this.typeIndex(type)] });
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
    const out = new ByteWriter();
    out.append(MAGIC_AND_VERSION);
    writeSection(out, section.type, this.types, (part, type) => {
      part.byte(FUNCTION_TYPE);
      for (const list of [type.parameters, type.results]) {
        part.unsigned(list.length);
        for (const value of list) part.byte(valueTypes[value]);
      }
    });
    writeSection(out, section.import, this.imports, (part, { module, name, description }) => {
      part.name(module);
      part.name(name);
      for (const number of description) part.unsigned(number);
    });
    writeSection(out, section.function, this.functions, (part, { type }) => part.unsigned(type));
    writeSection(out, section.export, this.exports, (part, { name, index }) => {
      part.name(name);
      part.byte(kind.function);
      part.unsigned(index);
    });
    this.writeBranchHints(out);
    writeSection(out, section.code, this.functions, (part, { code }) => code.writeTo(part));
    return out.bytes;
  }

  /** The custom section of branch hints (Branch Hinting, 2); hosts that do not know it pass it over. */
  private writeBranchHints(out: ByteWriter): void {
    const hinted = this.functions.flatMap(({ code }, i) => {
      const hints = code.branchHints();
      return hints.length > 0 ? [{ index: this.importedFunctions + i, hints }] : [];
    });
    if (hinted.length === 0 || !this.writesHints) return;
    const part = new ByteWriter();
    part.name('metadata.code.branch_hint');
    part.unsigned(hinted.length);
    for (const { index, hints } of hinted) {
      part.unsigned(index);
      part.unsigned(hints.length);
      for (const { offset, isTaken } of hints) {
        part.unsigned(offset);
        part.byte(1);
        part.byte(isTaken ? 1 : 0);
      }
    }
    out.byte(section.custom);
    out.unsigned(part.length);
    out.append(part.bytes);
  }

  /** The number of this function type in the module, for `Code.callIndirect`. */
  typeIndex(type: FunctionType): number {
    const key = `${type.parameters.join()}>${type.results.join()}`;
    const known = this.typeIndices.get(key);
    if (known !== undefined) return known;
    const index = this.types.push(type) - 1;
    this.typeIndices.set(key, index);
    return index;
  }
}

function writeSection<T>(
  out: ByteWriter,
  id: number,
  items: readonly T[],
  write: (part: ByteWriter, item: T) => void,
): void {
  if (items.length === 0) return;
  const part = new ByteWriter();
  part.unsigned(items.length);
  for (const item of items) write(part, item);
  out.byte(id);
  out.unsigned(part.length);
  out.append(part.bytes);
}
