/**
 * The processor's fused multiply-add, where the host has WebAssembly's relaxed vector instructions and fuses: these may
 * round twice, so that a trial decides, once.
 */
import type { Code } from '../../wasm/code';
import { Module } from '../../wasm/module';

/** Pushes a × b + c, rounded once; `push` pushes the operands by number. */
export function emitFusedMultiplyAdd(code: Code, type: 'f32' | 'f64', push: (operand: number) => void): void {
  const shape = type === 'f32' ? 'f32x4' : 'f64x2';
  for (const operand of [0, 1, 2]) {
    push(operand);
    code.vector(`${shape}.splat`);
  }
  code.vector(`${shape}.relaxed_madd`).firstLane(`${shape}.extract_lane`);
}

let answer: boolean | undefined;

/** Whether the host has it. */
export function hasFusedMultiplyAdd(): boolean {
  answer ??= tryFusedMultiplyAdd();
  return answer;
}

function tryFusedMultiplyAdd(): boolean {
  const module = new Module();
  for (const type of ['f32', 'f64'] as const) {
    const trial = module.define({ parameters: [type, type, type], results: [type] }, (code) =>
      emitFusedMultiplyAdd(code, type, (operand) => void code.get(operand)),
    );
    module.export(type, trial);
  }
  const bytes = module.encode();
  if (!WebAssembly.validate(bytes)) return false;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const fuses = (type: 'f32' | 'f64', epsilon: number) => {
    const multiplyAdd = exports[type] as (a: number, b: number, c: number) => number;
    // (1 + e)(1 - e) - 1 = -e², which is lost where the product is rounded first.
    return multiplyAdd(1 + epsilon, 1 - epsilon, -1) === -epsilon * epsilon;
  };
  return fuses('f32', 2 ** -13) && fuses('f64', 2 ** -30);
}
