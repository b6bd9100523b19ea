/** Switches on what the host has for fast WebAssembly but does not offer unasked. */
import { setFlagsFromString } from 'node:v8';
import { preferThisThread } from './thread-priorities';

/** From this V8 on hints need no flag. */
const FIRST_WITHOUT_FLAG = 14;
/** Bytes of a function that is inlined, at most; V8's own limit is 460. With 100, traps of kernels would take a tenth longer. */
const MOST_INLINED = 180;

/**
 * To be called by the worker that translates, when a machine runs: from then on WebAssembly is compiled at once, and optimised. What the
 * worker compiles is hot, and otherwise the thread that runs the machine would compile it when it is first called, to code that is
 * as slow as the interpreter.
 */
export function compileEagerly(): void {
  setFlagsFromString('--no-wasm-lazy-compilation');
  setFlagsFromString('--no-liftoff');
}

/** Bytes of bytecode that a function goes through before V8 considers to optimise it: twice as many as without; for the V8 of Node.js 20. */
const BUDGET = 270_000;
const MEASURED = 11;

/**
 * To be called before the first machine is made. Hints about branches tell V8 which paths are rare, so that it keeps registers
 * for the others; engines without them pass the hints over. The V8 of Node.js 20 has the relaxed vector instructions, with
 * which floating-point multiplications and additions are fused, behind a flag; later ones have them anyway, as VS Code has.
 * New objects are collected by one thread: there are few, and it would wait for V8's others, which make way for it.
 * Of JavaScript only short functions are inlined, and only what runs twice as long is optimised: while a kernel boots, V8 optimises for
 * longer than what it optimises runs, and it does so on the processors that translate the guest's code.
 */
export function enableHostFeatures(): void {
  preferThisThread();
  const [major, minor] = process.versions.v8.split('.').map(Number);
  if (major < FIRST_WITHOUT_FLAG) setFlagsFromString('--experimental-wasm-branch-hinting');
  setFlagsFromString('--no-parallel-scavenge');
  setFlagsFromString(`--max-inlined-bytecode-size=${MOST_INLINED}`);
  if (major === MEASURED) setFlagsFromString(`--interrupt-budget=${BUDGET}`);
  if (major === 11 && minor === 3) setFlagsFromString('--experimental-wasm-relaxed-simd');
}
