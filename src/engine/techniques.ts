/** What makes the engine fast and can be turned off, to measure its worth. Results never depend on it. */

/** Each technique by name, with what the engine does without it. */
export const techniques = {
  translator: 'all code is interpreted',
  fusion: 'the interpreter does each instruction in a step of its own',
  'background-translation': 'the thread that runs the machine translates',
  'small-regions': 'regions are as large as they may be from the start',
  inlining: 'calls within a region leave it',
  'jump-tables': 'indirect jumps within a region leave it',
  'grouped-checks': 'each memory access looks into the TLB by itself',
  'remembered-pages':
    'each memory access looks into the TLB, even where the last one with its register was in the same page',
  'loop-entry': "a region's first loop begins where the region does",
  'loop-dispatch': 'a loop that is entered in several places leaves the region at all but one of them',
  'chased-pointers': 'a pointer that a loop loads has its page remembered, too',
  'likely-addends': "a chased pointer's access waits for the TLB to tell where the page lies",
  'early-stores': 'registers that no code will read are kept as long as an exit may need them',
  unrolling: 'a loop of one block looks at the remaining count each time',
  'joined-loops': 'a loop of two blocks does one round at a time',
  'checks-ahead': 'a loop of one block looks at the pages that it accesses each time',
  'narrow-registers': 'registers with 32-bit values are extended to 64 bits each time they change',
  'branch-hints': 'V8 is not told which branches are rare',
  float: 'floating-point instructions leave the region',
} as const satisfies Readonly<Record<string, string>>;

export type Technique = keyof typeof techniques;

/** Whether this text names a technique. */
export function isTechnique(name: string): name is Technique {
  return Object.hasOwn(techniques, name);
}
