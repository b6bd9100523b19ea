// Floating point against the host's processor: results and flags of every operation in four rounding modes. (Rounding
// to nearest with ties away it does not have; operations.test.ts derives that from the others.)
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fields } from '../../../test/isa/float-operands';
import { double, edges, generator, randomOperand, single } from '../../../test/isa/float-operands';
import { requireTool } from '../../../test/support/tools';
import { box } from './format';
import { floatOperations } from './operations';
import type { RoundingMode } from './rounding';

/** Random cases of each operation and format; FLOAT_CASES asks for more. */
const RANDOM_CASES = Number(process.env.FLOAT_CASES ?? 20_000);
const CASE_BYTES = 32;
const ANSWER_BYTES = 16;
const MODES = 4;
/** Edges are paired with all edges, and put into three places where these are fewer. */
const EDGES_OF_THREE = 20;

/** The operations as the oracle numbers them; `f` stands for the format's letter, `o` for the other one's. */
const names = [
  ...['fadd.f', 'fsub.f', 'fmul.f', 'fdiv.f', 'fsqrt.f', 'fmadd.f', 'feq.f', 'flt.f', 'fle.f'],
  ...['fcvt.w.f', 'fcvt.wu.f', 'fcvt.l.f', 'fcvt.lu.f', 'fcvt.f.w', 'fcvt.f.wu', 'fcvt.f.l', 'fcvt.f.lu', 'fcvt.o.f'],
];
const IN_DOUBLE = 32;
const INTEGER_EDGES = [0n, 1n, 2n ** 24n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n].flatMap((edge) =>
  [-3n, -2n, -1n, 0n, 1n, 2n, 3n].map((delta) => BigInt.asUintN(64, edge + delta)),
);

interface Case {
  readonly mode: RoundingMode;
  readonly operands: readonly bigint[];
}

function* combinations(values: readonly bigint[], count: number): Generator<readonly bigint[]> {
  if (count === 0) {
    yield [];
    return;
  }
  for (const value of values) for (const rest of combinations(values, count - 1)) yield [value, ...rest];
}

function* cases(fields: Fields, count: number, integer: boolean, next: () => number): Generator<Case> {
  const all = integer ? INTEGER_EDGES : edges(fields);
  const some = count < 3 ? all : Array.from({ length: EDGES_OF_THREE }, () => all[next() % all.length]);
  for (const operands of combinations(some, count)) {
    for (let mode = 0; mode < MODES; mode++) yield { mode: mode as RoundingMode, operands };
  }
  const random = integer
    ? () => ((BigInt(next()) << 32n) | BigInt(next())) >> BigInt(next() % 64)
    : () => randomOperand(fields, all, next);
  for (let i = 0; i < RANDOM_CASES; i++) {
    yield { mode: (next() % MODES) as RoundingMode, operands: Array.from({ length: count }, random) };
  }
}

/** What the oracle answers to the cases of one operation. */
function ask(oracle: string, operation: number, list: readonly Case[]): BigUint64Array {
  const input = Buffer.alloc(list.length * CASE_BYTES);
  list.forEach(({ mode, operands }, i) => {
    input.writeUInt32LE(operation, i * CASE_BYTES);
    input.writeUInt32LE(mode, i * CASE_BYTES + 4);
    operands.forEach((operand, j) => input.writeBigUInt64LE(operand, i * CASE_BYTES + 8 + j * 8));
  });
  const { stdout, status } = spawnSync(oracle, { input, maxBuffer: list.length * ANSWER_BYTES + 1 });
  assert.equal(status, 0);
  assert.equal(stdout.length, list.length * ANSWER_BYTES);
  return new BigUint64Array(new Uint8Array(stdout).buffer);
}

/** Infinity × 0 + a quiet NaN: invalid on RISC-V, but not on every processor. */
function isDisputed(name: string, { width, fractionBits }: Fields, [a, b, c]: readonly bigint[]): boolean {
  if (!name.startsWith('fmadd')) return false;
  const magnitudes = [a, b, c].map((bits) => BigInt.asUintN(width - 1, bits));
  const infinity = ((1n << BigInt(width - 1 - fractionBits)) - 1n) << BigInt(fractionBits);
  const isInvalid = magnitudes[0] * magnitudes[1] === 0n && (magnitudes[0] === infinity || magnitudes[1] === infinity);
  return isInvalid && magnitudes[2] > infinity;
}

describe('floating point and the host processor', () => {
  let folder = '';
  let oracle = '';

  before(function () {
    this.timeout(60_000);
    const compiler = requireTool('gcc', this);
    folder = mkdtempSync(join(tmpdir(), 'hypocaust-float-'));
    oracle = join(folder, 'oracle');
    const source = join(__dirname, '../../../test/isa/float-oracle.c');
    execFileSync(compiler, ['-O1', '-frounding-math', '-ffp-contract=off', '-o', oracle, source, '-lm']);
  });
  after(() => {
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  for (const [letter, other, fields] of [
    ['s', 'd', single],
    ['d', 's', double],
  ] as const) {
    names.forEach((pattern, number) => {
      const name = pattern.replace(/\.f/, `.${letter}`).replace('.o', `.${other}`);
      it(`agree on ${name}`, function () {
        this.timeout(600_000);
        const operation = floatOperations.get(name);
        assert.ok(operation, name);
        const { operands: kinds, result } = operation;
        const next = generator(0x5eed + number);
        const list = [...cases(fields, kinds.length, kinds[0] === 'x', next)].filter(
          ({ operands }) => !isDisputed(name, fields, operands),
        );
        const answers = ask(oracle, letter === 'd' ? number + IN_DOUBLE : number, list);
        list.forEach(({ mode, operands }, i) => {
          const registers = operands.map((operand, j) => (kinds[j] === 's' ? box(operand) : operand));
          const ours = operation.evaluate(registers, mode);
          const bits = result === 's' ? box(answers[2 * i]) : answers[2 * i];
          if (ours.bits !== bits || ours.flags !== Number(answers[2 * i + 1])) {
            const text = operands.map((operand) => operand.toString(16)).join(', ');
            assert.fail(
              `${name} ${text} in mode ${mode}: ${ours.bits.toString(16)}, flags ${ours.flags}; ` +
                `the host has ${bits.toString(16)}, flags ${answers[2 * i + 1]}`,
            );
          }
        });
      });
    });
  }
});
