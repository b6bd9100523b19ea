import assert from 'node:assert/strict';
import { Module } from './module';

describe('wasm module writer', () => {
  it('writes a function that the host runs', () => {
    const module = new Module();
    module.importMemory('host', 'memory', 1, 1);
    const twice = module.importFunction('host', 'twice', { parameters: ['i32'], results: ['i32'] });
    const sum = module.define({ parameters: ['i32'], results: ['i32'] }, (code) => {
      const total = code.local('i32');
      code.block((done) => {
        code.loop((again) => {
          code.get(0).op('i32.eqz').brIf(done);
          code.get(total).get(0).op('i32.add').set(total);
          code.get(0).i32(1).op('i32.sub').set(0);
          code.br(again);
        });
      });
      code.i32(16).get(total).memory('i32.store', 4);
      code.get(total).call(twice);
    });
    module.export('sum', sum);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), {
      host: { memory, twice: (value: number) => value * 2 },
    });
    const run = instance.exports.sum as (n: number) => number;
    assert.equal(run(100), 10100);
    assert.equal(new DataView(memory.buffer).getInt32(20, true), 5050);
  });

  it('encodes constants at every size', () => {
    const values = [0n, -1n, 63n, 64n, -64n, -65n, 2n ** 31n, -(2n ** 63n), 2n ** 63n - 1n];
    const module = new Module();
    values.forEach((value, i) => {
      module.export(
        `f${i}`,
        module.define({ parameters: [], results: ['i64'] }, (code) => void code.i64(value)),
      );
    });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()));
    values.forEach((value, i) => assert.equal((instance.exports[`f${i}`] as () => bigint)(), value));
  });

  it('branches by table to the label with the index', () => {
    const module = new Module();
    const pick = module.define({ parameters: ['i32'], results: ['i32'] }, (code) => {
      code.block((otherwise) => {
        code.block((one) => {
          code.block((zero) => code.get(0).brTable([zero, one], otherwise));
          code.i32(10).op('return');
        });
        code.i32(11).op('return');
      });
      code.i32(99);
    });
    module.export('pick', pick);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()));
    const run = instance.exports.pick as (n: number) => number;
    assert.deepEqual([0, 1, 2, 77].map(run), [10, 11, 99, 99]);
  });

  it('puts branch hints in front of the code, which a host may pass over', () => {
    const module = new Module();
    const absolute = module.define({ parameters: ['i32'], results: ['i32'] }, (code) => {
      code.local('i64');
      code.get(0).i32(0).op('i32.lt_s').unlikely();
      code.if(() => code.i32(0).get(0).op('i32.sub', 'return'));
      code.get(0);
    });
    module.export('absolute', absolute);
    const bytes = module.encode();
    const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(bytes), 'metadata.code.branch_hint');
    // One function, 0, with one hint: of one byte, "not taken", at the `if` behind three declaration bytes and five of code.
    assert.deepEqual([...new Uint8Array(section)], [1, 0, 1, 8, 1, 0]);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    assert.equal((instance.exports.absolute as (value: number) => number)(-5), 5);
  });
});
