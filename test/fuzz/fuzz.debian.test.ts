/** The fuzzer finds what is wrong, and says so. That all is alike is found by `npm run fuzz`, which goes on for as long as it is told. */
import assert from 'node:assert/strict';
import { requireTool } from '../support/tools';
import { fuzz } from './command';
import type { Engine } from './run';
import { machineEngine } from './run';

const right = machineEngine('right', {});

/** The bits of an instruction with one source, without its registers: so many that data hardly ever has them. */
const BITS = 0xfff0707f;
const FCLASS = 0xe2001053;
const FMV = 0xe2000053;

/** Takes fclass.d for fmv.x.d. */
const wrong: Engine = {
  name: 'wrong',
  run(binary, limits) {
    const changed = Uint8Array.from(binary);
    const view = new DataView(changed.buffer);
    for (let at = 0; at + 4 <= changed.length; at += 2) {
      const word = view.getUint32(at, true);
      if ((word & BITS) >>> 0 === FCLASS) view.setUint32(at, word ^ FCLASS ^ FMV, true);
    }
    return right.run(changed, limits);
  },
};

/** What the command prints, and its exit status. */
function run(args: string, engines?: readonly Engine[]): { status: number; lines: string[] } {
  const lines: string[] = [];
  const status = fuzz(args.split(' '), (text) => lines.push(...text.split('\n')), engines);
  return { status, lines };
}

describe('the fuzzer', () => {
  it('shrinks what an engine does wrong to a few instructions, and shows both states', function () {
    this.timeout(300_000);
    requireTool('qemu-system-riscv64', this);
    const { status, lines } = run('--seconds 200 --seed 1', [right, wrong]);
    const text = lines.join('\n');
    assert.equal(status, 1, text);
    assert.match(lines.at(-1) ?? '', /^\d+ programs with \d+ instructions compared$/);
    assert.ok(lines.filter((line) => line.startsWith('unit ')).length <= 3, text);
    assert.match(text, /# fclass.d /);
    assert.match(text, /^x\d+:\n {4}right +[0-9a-f]{16}\n {4}wrong +[0-9a-f]{16}\n {4}QEMU +[0-9a-f]{16}$/m);
    const again = /npm run fuzz -- (--program \d+.*)/.exec(text)?.[1] ?? '';
    assert.equal(run(again, [wrong]).status, 1, again);
    assert.equal(run(again).status, 0, again);
  });

  it('says what it does not understand', () => {
    assert.deepEqual(run('--engine steam'), {
      status: 2,
      lines: ['fuzz: --engine steam is unknown; there are interpreter, translator, both, background, all.'],
    });
    assert.equal(run('--seconds soon').status, 2);
    assert.match(run('--depth 3').lines[0], /usage: npm run fuzz/);
  });
});
