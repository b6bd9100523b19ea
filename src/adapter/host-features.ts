/** Switches on what the host has for fast WebAssembly but does not offer unasked. */
import { setFlagsFromString } from 'node:v8';

/** From this V8 on hints need no flag. */
const FIRST_WITHOUT_FLAG = 14;

/**
 * To be called before the first machine is made. Hints about branches tell V8 which paths are rare, so that it keeps registers
 * for the others; engines without them pass the hints over. The V8 of Node.js 20 has the relaxed vector instructions, with
 * which floating-point multiplications and additions are fused, behind a flag; later ones have them anyway, as VS Code has.
 */
export function enableHostFeatures(): void {
  const [major, minor] = process.versions.v8.split('.').map(Number);
  if (major < FIRST_WITHOUT_FLAG) setFlagsFromString('--experimental-wasm-branch-hinting');
  if (major === 11 && minor === 3) setFlagsFromString('--experimental-wasm-relaxed-simd');
}
