/** The debug information of a program with what has been read of each unit so far. */
import { DebugInfo } from './debug-info';
import { FunctionIndex } from './functions';
import type { FunctionEntry } from './functions';
import { LineTable } from './line-table';
import { readScopes } from './scopes';
import type { Scope } from './scopes';
import type { DebugSections } from './sections';
import type { Unit } from './unit';

/** Reads line tables, functions and scopes of single units on demand, and keeps them. */
export class DebugContext {
  readonly info: DebugInfo;
  private readonly lineTables = new Map<Unit, LineTable | undefined>();
  private readonly functionIndexes = new Map<Unit, FunctionIndex | undefined>();
  private readonly scopeTrees = new Map<number, Scope | undefined>();

  constructor(
    sections: DebugSections,
    readonly isCode: (address: bigint) => boolean,
  ) {
    this.info = new DebugInfo(sections);
  }

  /** The unit's line table, if it has one that can be read. */
  lineTable(unit: Unit): LineTable | undefined {
    if (!this.lineTables.has(unit)) {
      this.lineTables.set(
        unit,
        this.info.guard(() => LineTable.of(unit, this.isCode, (error) => this.info.warn(error))),
      );
    }
    return this.lineTables.get(unit);
  }

  functions(unit: Unit): FunctionIndex | undefined {
    if (!this.functionIndexes.has(unit)) {
      this.functionIndexes.set(
        unit,
        this.info.guardUnit(unit, () => new FunctionIndex(unit, this.isCode)),
      );
    }
    return this.functionIndexes.get(unit);
  }

  /** The function whose code holds the address. */
  functionAt(address: bigint): FunctionEntry | undefined {
    const unit = this.info.unitOf(address);
    return unit && this.functions(unit)?.find(address);
  }

  scopes({ entry, ranges }: FunctionEntry): Scope | undefined {
    if (!this.scopeTrees.has(entry.offset)) {
      this.scopeTrees.set(
        entry.offset,
        this.info.guard(() => readScopes(entry, ranges)),
      );
    }
    return this.scopeTrees.get(entry.offset);
  }
}
