/** Generates the interpreter's WebAssembly module from the instruction table. */
import { Module } from '../wasm/module';
import { defineAtomic } from './atomics';
import { defineArithmetic } from './expression';
import { defineFence, isFence } from './fence';
import { defineFloat } from './float';
import { defineFloatHelpers } from './float/helpers';
import { InterpreterFunction } from './interpreter-function';
import * as at from './layout';
import { defineCross, defineLink } from './linking';
import { defineMisaligned } from './misaligned';
import { defineDataWalk, defineFetchWalk } from './page-walk';
import { operations } from './record';
import { defineRecordFunctions } from './record-code';
import type { SlowPathName } from './slow-path-calls';
import { slowPathTypes } from './slow-path-calls';
import { defineCsrAccess } from './stored-csrs';
import { defineMayHave } from './superpages';
import { defineSupervisorReturn, isSupervisorReturn } from './trap-return';
import { MAX_REGIONS, REGION_TYPE } from './translator/region-type';

const WASM_PAGE = 0x10000;
/** As many as a memory can have: the same module serves memories of every size. */
const MOST_PAGES = 0x10000;

/**
 * The module's bytes; it exports `run` and `runExact`, and what decodes (see `RecordFunctions`). They are always the same: bundles
 * have them ready made.
 */
export function generateInterpreter(): Uint8Array<ArrayBuffer> {
  const module = new Module();
  module.importMemory('engine', 'memory', at.RAM / WASM_PAGE, MOST_PAGES);
  module.importTable('engine', 'regions', MAX_REGIONS, MAX_REGIONS);
  const imports = Object.entries(slowPathTypes).map(
    ([name, type]) => [name, type, module.importFunction('engine', name, type)] as const,
  );
  // Through functions of its own: V8 would fetch what it needs for imported ones in front of each instruction, and keep it.
  const slowPath = Object.fromEntries(
    imports.map(([name, type, index]) => [
      name,
      module.define(type, (code) => {
        type.parameters.forEach((_, parameter) => code.get(parameter));
        code.call(index);
      }),
    ]),
  ) as Record<SlowPathName, number>;
  const records = defineRecordFunctions(module);
  const arithmetic = defineArithmetic(module);
  const walks = { data: defineDataWalk(module), fetch: defineFetchWalk(module, records.decodeTrace) };
  const atomics = operations.map((operation) => defineAtomic(module, operation, arithmetic, walks.data));
  const floatHelpers = defineFloatHelpers(module, arithmetic.get('mulhu'));
  const floats = operations.map((operation) => defineFloat(module, operation, floatHelpers));
  const csrs = operations.map((operation) => defineCsrAccess(module, operation));
  const misaligned = defineMisaligned(module, walks.data);
  const fence = defineFence(module, defineMayHave(module), slowPath.system);
  const supervisorReturn = defineSupervisorReturn(module, slowPath.system);
  const systems = operations.map((operation) => {
    if (isFence(operation)) return fence;
    return isSupervisorReturn(operation) ? supervisorReturn : undefined;
  });
  const calls = {
    ...slowPath,
    link: defineLink(module, records, slowPath.link),
    cross: defineCross(module, records, slowPath.cross),
  };
  const regionType = module.typeIndex(REGION_TYPE);
  for (const exact of [false, true]) {
    const run = module.define({ parameters: [], results: [] }, (code) =>
      new InterpreterFunction(
        code,
        calls,
        arithmetic,
        { atomics, floats, csrs, systems, walks, misaligned },
        regionType,
        exact,
      ).generate(),
    );
    module.export(exact ? 'runExact' : 'run', run);
  }
  module.export('decodeTrace', records.decodeTrace);
  module.export('decodeScratch', records.decodeScratch);
  for (const [name, index] of floatHelpers) module.export(name, index);
  return module.encode();
}
