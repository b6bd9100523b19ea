/** The functions of one unit: those with code, and the copies that were inlined (DWARF 5, 3.3). */
import type { AddressRange } from '../model';
import { RangeMap } from '../range-map';
import { AT, TAG } from './constants';
import type { Entry } from './entry';
import type { Unit } from './unit';

/** A function with code of its own. */
export interface FunctionEntry {
  readonly entry: Entry;
  readonly ranges: readonly AddressRange[];
  /** First instruction: the start of the first range unless DW_AT_entry_pc says otherwise. */
  readonly low: bigint;
}

/** Tags whose name qualifies what is declared inside. */
const QUALIFYING: ReadonlySet<number> = new Set([TAG.namespace, TAG.structureType, TAG.classType, TAG.unionType]);
/** Tags that hold neither functions nor blocks. */
const WITHOUT_CODE: ReadonlySet<number> = new Set([TAG.enumerationType, TAG.arrayType, TAG.subroutineType]);

/** What is found by going once through all entries of a unit. */
export class FunctionIndex {
  readonly functions: FunctionEntry[] = [];
  /** Inlined copies, by the offset of the function's abstract entry. */
  readonly inlined = new Map<number, Entry[]>();
  /** Defined structs, unions, classes and enumerations outside functions, by qualified name. */
  readonly types = new Map<string, Entry>();
  /** Top-level and namespace variables. */
  readonly globals: Entry[] = [];
  private readonly map = new RangeMap<FunctionEntry>();
  /** Names of the enclosing namespaces and types, by the offset of an entry; only where there are any. */
  private readonly qualifiers = new Map<number, string>();

  /** @throws DwarfError when the unit is damaged. */
  constructor(
    readonly unit: Unit,
    isCode: (address: bigint) => boolean,
  ) {
    /** By depth: the qualifier, and whether it lies within a function. */
    const enclosing: { qualifier: string; isLocal: boolean }[] = [{ qualifier: '', isLocal: false }];
    unit.walk(unit.root, (entry, depth) => {
      const { tag } = entry;
      const parent = enclosing[depth - 1]!;
      enclosing.length = depth;
      enclosing[depth] = parent;
      if (tag === TAG.subprogram) {
        if (parent.qualifier !== '') this.qualifiers.set(entry.offset, parent.qualifier);
        this.addFunction(entry, isCode);
        enclosing[depth] = { qualifier: qualify(parent.qualifier, entry), isLocal: true };
      } else if (tag === TAG.inlinedSubroutine) {
        this.addInlined(entry);
      } else if (tag === TAG.variable) {
        if (!parent.isLocal) this.addGlobal(entry, parent.qualifier);
      } else if (QUALIFYING.has(tag)) {
        const qualifier = qualify(parent.qualifier, entry);
        enclosing[depth] = { qualifier, isLocal: parent.isLocal };
        if (tag !== TAG.namespace && !parent.isLocal) this.addType(entry, qualifier);
      }
      return !WITHOUT_CODE.has(tag);
    });
  }

  private addFunction(entry: Entry, isCode: (address: bigint) => boolean): void {
    const ranges = entry.ranges().filter(({ low }) => isCode(low));
    const first = ranges[0];
    if (!first) return;
    const entryPc = entry.address(AT.entryPc);
    const low = entryPc !== undefined && ranges.some((range) => contains(range, entryPc)) ? entryPc : first.low;
    const start = ranges.find((range) => contains(range, low)) ?? first;
    const record = { entry, ranges: [start, ...ranges.filter((range) => range !== start)], low };
    this.functions.push(record);
    for (const range of ranges) this.map.add(range, record);
  }

  private addInlined(entry: Entry): void {
    const origin = entry.reference(AT.abstractOrigin);
    if (!origin) return;
    const copies = this.inlined.get(origin.offset);
    if (copies) copies.push(entry);
    else this.inlined.set(origin.offset, [entry]);
  }

  private addGlobal(entry: Entry, qualifier: string): void {
    if (qualifier !== '') this.qualifiers.set(entry.offset, qualifier);
    if (entry.has(AT.location) || entry.has(AT.constValue)) this.globals.push(entry);
  }

  private addType(entry: Entry, name: string): void {
    if (entry.has(AT.byteSize) && entry.has(AT.name) && !this.types.has(name)) this.types.set(name, entry);
  }

  find(address: bigint): FunctionEntry | undefined {
    return this.map.find(address);
  }

  /** The name with the namespaces and types around its declaration. */
  qualifiedName(entry: Entry): string | undefined {
    const name = entry.name();
    if (name === undefined) return undefined;
    for (const origin of entry.origins()) {
      const qualifier = this.qualifiers.get(origin.offset);
      if (qualifier !== undefined) return `${qualifier}::${name}`;
    }
    return name;
  }
}

function qualify(outer: string, entry: Entry): string {
  const name = entry.string(AT.name);
  if (name === undefined) return outer;
  return outer === '' ? name : `${outer}::${name}`;
}

export function contains({ low, high }: AddressRange, address: bigint): boolean {
  return low <= address && address < high;
}
