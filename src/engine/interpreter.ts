/** Generates the interpreter's WebAssembly module from the instruction table. */
import { Module } from '../wasm/module';
import { defineAtomic } from './atomics';
import { defineArithmetic } from './expression';
import { defineFloat } from './float';
import { defineFloatHelpers } from './float/helpers';
import { InterpreterFunction } from './interpreter-function';
import { defineDataWalk, defineFetchWalk } from './page-walk';
import { operations } from './record';
import type { SlowPathName } from './slow-path-calls';
import { slowPathTypes } from './slow-path-calls';
import { defineCsrAccess } from './stored-csrs';
import { REGION_TYPE } from './translator/region-type';

/**
 * The module's bytes; it exports `run` and `runExact`.
 * @param regions size of the table of regions that it imports
 */
export function generateInterpreter(pages: number, regions: number): Uint8Array<ArrayBuffer> {
  const module = new Module();
  module.importMemory('engine', 'memory', pages, pages);
  module.importTable('engine', 'regions', regions, regions);
  const slowPath = Object.fromEntries(
    Object.entries(slowPathTypes).map(([name, type]) => [name, module.importFunction('engine', name, type)]),
  ) as Record<SlowPathName, number>;
  const arithmetic = defineArithmetic(module);
  const atomics = operations.map((operation) => defineAtomic(module, operation, arithmetic));
  const floatHelpers = defineFloatHelpers(module, arithmetic.get('mulhu'));
  const floats = operations.map((operation) => defineFloat(module, operation, floatHelpers));
  const csrs = operations.map((operation) => defineCsrAccess(module, operation));
  const walks = { data: defineDataWalk(module), fetch: defineFetchWalk(module) };
  const regionType = module.typeIndex(REGION_TYPE);
  for (const exact of [false, true]) {
    const run = module.define({ parameters: ['i32'], results: [] }, (code) =>
      new InterpreterFunction(
        code,
        slowPath,
        arithmetic,
        { atomics, floats, csrs, walks },
        regionType,
        exact,
      ).generate(),
    );
    module.export(exact ? 'runExact' : 'run', run);
  }
  for (const [name, index] of floatHelpers) module.export(name, index);
  return module.encode();
}
