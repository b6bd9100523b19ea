/** Switches on what the host has for fast WebAssembly but does not offer unasked. */
import { setFlagsFromString } from 'node:v8';

/**
 * To be called before the first machine is made. Hints about branches tell V8 which paths are rare, so that it keeps registers
 * for the others; engines without them pass the hints over. The V8 of Node.js 20 has the relaxed vector instructions, with
 * which floating-point multiplications and additions are fused, behind a flag; later ones have them anyway, as VS Code has.
 */
export function enableHostFeatures(): void {
  setFlagsFromString('--experimental-wasm-branch-hinting');
  if (process.versions.v8.startsWith('11.3.')) setFlagsFromString('--experimental-wasm-relaxed-simd');
}
