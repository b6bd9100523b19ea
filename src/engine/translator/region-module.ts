/** From hot code to a WebAssembly module of regions. Nothing here knows where the code comes from, or who wants it. */
import { Module } from '../../wasm/module';
import { defineArithmetic } from '../expression';
import { floatHelperTypes } from '../float/helpers';
import * as at from '../layout';
import type { Technique } from '../techniques';
import { arrangeEntryLoop } from './entry-loop';
import { joinLoops } from './joined-loops';
import { dispatchLoops } from './loop-dispatch';
import type { RemembersPages } from './memory-access';
import type { Block, CodeSource, Region, RegionLimits, RegionPage } from './region';
import { findRegion } from './region';
import { RegionFunction } from './region-function';
import type { Guess } from './region-type';
import { REGION_TYPE } from './region-type';

/**
 * A region is small at first: half of the time that a kernel needs to boot would go into large ones. When it was entered often,
 * which costs more than being inside, it is made anew with the other limits.
 */
const SMALL = { blocks: 24, steps: 400, depth: 0 };
const LARGE = { blocks: 100, steps: 1500, depth: 3 };

/** What a machine's regions have in common. */
export interface RegionSetup {
  /** Size of the engine's memory, in WebAssembly pages of 64 KiB. */
  readonly memoryPages: number;
  readonly without: ReadonlySet<Technique>;
}

/** One region that is wanted. */
export interface RegionWish {
  /** Its index in the table of regions. */
  readonly index: number;
  /** Where in its first page it begins. */
  readonly offset: number;
  readonly isLarge: boolean;
  /** What it may guess. */
  readonly guesses: readonly Guess[];
  /** Integer registers that hold sign-extended 32-bit values where it begins. */
  readonly signExtended: number;
}

export interface FoundRegion<P extends RegionPage = RegionPage> {
  readonly wish: RegionWish;
  readonly region: Region<P>;
}

/** The name by which a module exports its region with this number, from 0 on. */
export const exportedName = (number: number): string => `region${number}`;

export class RegionMaker {
  private readonly small: RegionLimits;
  private readonly large: RegionLimits;

  constructor(private readonly setup: RegionSetup) {
    const { without } = setup;
    const floats = !without.has('float');
    this.large = { ...LARGE, ...(without.has('inlining') && { depth: 0 }), floats };
    this.small = without.has('small-regions') ? this.large : { ...SMALL, floats };
  }

  /** @returns undefined when there is nothing to translate */
  find<P extends RegionPage>(source: CodeSource<P>, wish: RegionWish): FoundRegion<P> | undefined {
    const found = findRegion(source, wish.offset, wish.isLarge ? this.large : this.small);
    if (!found) return undefined;
    return { wish, region: { ...found, blocks: this.arrange(found.blocks) } };
  }

  private arrange(blocks: readonly Block[]): readonly Block[] {
    const { without } = this.setup;
    const arranged = without.has('loop-entry') ? blocks : arrangeEntryLoop(blocks);
    const dispatched = without.has('loop-dispatch') ? arranged : dispatchLoops(arranged);
    return without.has('joined-loops') ? dispatched : joinLoops(dispatched);
  }

  /** One module with these regions. It imports the engine's memory, and the functions of `float/helpers.ts`. */
  write(found: readonly FoundRegion[]): Uint8Array<ArrayBuffer> {
    const { memoryPages, without } = this.setup;
    const module = new Module();
    module.writesHints = !without.has('branch-hints');
    module.importMemory('engine', 'memory', memoryPages, memoryPages);
    const floats = found.some(({ region }) => usesFloats(region)) ? importFloatHelpers(module) : undefined;
    const arithmetic = defineArithmetic(module);
    found.forEach(({ wish, region }, number) => {
      const guesses = new Set(wish.guesses);
      const how = {
        signExtended: wish.signExtended,
        isLarge: wish.isLarge,
        guesses,
        narrows: !without.has('narrow-registers'),
        arithmetic,
        floatHelper: (name: string) => floats!.get(name)!,
        groupsAccesses: guesses.has('groups') && !without.has('grouped-checks'),
        remembersPages: this.remembersPages(),
        dropsRegisters: !without.has('early-stores'),
        looksAhead: !without.has('checks-ahead'),
        unrolls: !without.has('unrolling'),
        guessesAddends: guesses.has('addends') && !without.has('likely-addends'),
        failures: at.REGION_FAILURES + 8 * wish.index,
      };
      const index = module.define(REGION_TYPE, (code) => new RegionFunction(code, region, how).generate());
      module.export(exportedName(number), index);
    });
    return module.encode();
  }

  private remembersPages(): RemembersPages {
    const { without } = this.setup;
    if (without.has('remembered-pages')) return 'never';
    return without.has('chased-pointers') ? 'always' : 'unless chased';
  }
}

function usesFloats({ blocks }: Region): boolean {
  return blocks.some(({ steps }) => steps.some(({ decoded }) => decoded.instruction.action.k === 'float'));
}

function importFloatHelpers(module: Module): ReadonlyMap<string, number> {
  const types = Object.entries(floatHelperTypes);
  return new Map(types.map(([name, type]) => [name, module.importFunction('float', name, type)]));
}
