/** Test programs for M-mode that end and print through `tohost` (HTIF), run by the built program. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assembleSource } from '../../src/isa/assemble';
import { buildElf, ByteWriter } from '../support/elf-builder';

const cli = join(__dirname, '..', '..', 'dist', 'cli.js');
const BASE = 0x80000000n;

/** An ELF file of the code, with the data symbols that HTIF is about, as far as they are named; each so far beside its place. */
function elf(code: string, exported: readonly string[] = ['tohost', 'fromhost'], beside = 0n): Uint8Array {
  const { bytes, symbols } = assembleSource(
    `${code}\n1: j 1b\n.align 6\ntohost: .dword 0\n.align 6\nfromhost: .dword 0\nbuffer: .skip 64\n`,
    BASE,
  );
  const names = new ByteWriter().u8(0);
  const table = new ByteWriter().append(Array.from({ length: 24 }, () => 0));
  for (const name of exported) {
    const address = (symbols.get(name) ?? assert.fail(name)) + beside;
    table.u32(names.bytes.length).u8(0x11, 0).u16(1).u64(address).u64(8n);
    names.text(name);
  }
  return buildElf(
    [
      { name: '.text', data: bytes, flags: 6, address: BASE },
      { name: '.symtab', data: table.bytes, type: 2, link: 3 },
      { name: '.strtab', data: names.bytes, type: 3 },
    ],
    BASE,
  );
}

function run(program: Uint8Array, ...options: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'hypocaust-'));
  try {
    const file = join(folder, 'program.elf');
    writeFileSync(file, program);
    const args = [cli, 'run', '--bare', '--max-instructions', '100000', ...options, file];
    return spawnSync(process.execPath, args, { input: '', encoding: 'latin1', timeout: 30_000 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const storing = (value: bigint | number): string => `la t0, tohost\nli t1, ${value}\nsd t1, 0(t0)`;

describe('hypocaust run --bare --machine-mode with a tohost', function () {
  this.timeout(40_000);

  const ends: [code: number, status: number, why: string][] = [
    [0, 0, 'success'],
    [1, 1, 'a failure'],
    [7, 7, 'the code of a failure'],
    [1337, 57, 'the low eight bits of a code that is larger'],
    [256, 1, 'never success for a failure'],
  ];
  for (const [code, status, why] of ends) {
    it(`ends with ${status} when the program stores the code ${code}: ${why}`, () => {
      assert.equal(run(elf(storing(2 * code + 1)), '--machine-mode').status, status);
    });
  }

  it('prints what the program prints', () => {
    const print = [...'ok\n'].map((c) => storing((0x0101n << 48n) | BigInt(c.charCodeAt(0)))).join('\n');
    const { status, stdout } = run(elf(`${print}\n${storing(1)}`), '--machine-mode');
    assert.deepEqual([status, stdout], [0, 'ok\n']);
  });

  it('does what the program asks of a host: write and exit; other calls fail', () => {
    const call = (number: number, ...args: (number | string)[]): string => {
      const stored = [number, ...args].map(
        (arg, i) => `${typeof arg === 'number' ? `li t1, ${arg}` : `la t1, ${arg}`}\nsd t1, ${8 * i}(t0)`,
      );
      return `la t0, buffer\n${stored.join('\n')}\nla t1, tohost\nsd t0, 0(t1)
        la t1, fromhost\n1: ld t2, 0(t1)\nbeqz t2, 1b\nsd zero, 0(t1)\nld a0, 0(t0)\n`;
    };
    const program = elf(`j 1f\ntext: .ascii "hello\\n"\n.align 2\n1:
      ${call(64, 1, 'text', 6)} addi s0, a0, -6
      ${call(1234)} addi s1, a0, 38
      or s0, s0, s1
      bnez s0, 1f
      ${call(93, 5)}`);
    const { status, stdout } = run(program, '--machine-mode');
    assert.deepEqual([status, stdout], [5, 'hello\n']);
  });

  it('stops at the limit when the program never stores a command', () => {
    for (const code of ['nop', storing(0), storing(2n << 56n), 'la t0, tohost\nli t1, 3\nsd t1, 8(t0)']) {
      const { status, stderr } = run(elf(code), '--machine-mode');
      assert.equal(status, 124, code);
      assert.match(stderr, /the limit was reached after 100000 instructions/);
    }
  });

  it('needs the symbol, and the option --machine-mode', () => {
    assert.equal(run(elf(storing(3), []), '--machine-mode').status, 124);
    assert.equal(run(elf(storing(3))).status, 124);
  });

  it('refuses a tohost that is no doubleword of memory, in one sentence', () => {
    const { status, stderr } = run(elf('nop', ['tohost'], 4n), '--machine-mode');
    assert.equal(status, 1);
    assert.match(stderr, /symbol tohost is at 0x[0-9a-f]+, which is no doubleword of the machine's memory/);
    assert.equal(stderr.trim().split('\n').length, 1);
  });
});
