/** The console of `hypocaust run`, as the built program: every byte both ways, and none lost. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assembleSource } from '../../src/isa/assemble';
import { buildElf } from '../support/elf-builder';

const cli = join(__dirname, '..', '..', 'dist', 'cli.js');
const BASE = 0x80000000n;

/** Reads bytes from the serial port, without interrupts: `a0` holds each. */
const READ = `
  li s0, 0x10000000
  li t0, 7
  sb t0, 2(s0)          # FIFOs on, and empty
next:
  lbu t0, 5(s0)
  andi t0, t0, 1
  beqz t0, next
  lbu a0, 0(s0)
`;

describe('the console of hypocaust run', function () {
  this.timeout(60_000);
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'hypocaust-'))));
  after(() => rmSync(folder, { recursive: true }));

  /** Runs an M-mode program. @returns what it prints */
  function runWith(source: string, input: Uint8Array): { status: number | null; stdout: Buffer; stderr: string } {
    const { bytes } = assembleSource(source, BASE);
    const file = join(folder, 'program.elf');
    writeFileSync(file, buildElf([{ name: '.text', data: bytes, flags: 6, address: BASE }], BASE));
    const args = [cli, 'run', '--bare', '--machine-mode', '--guest-memory', '16M', file];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      input,
      timeout: 50_000,
      maxBuffer: 1 << 24,
    });
    return { status, stdout, stderr: stderr.toString() };
  }

  it('passes all bytes as they are: control characters, and what is no UTF-8', () => {
    const all = Uint8Array.from({ length: 1024 }, (_, i) => (i * 37 + (i >> 8)) & 0xff);
    const echo = `${READ}
      sb a0, 0(s0)
      addi s1, s1, 1
      li t0, 1024
      bltu s1, t0, next
      li t0, 0x100000
      li t1, 0x5555
      sw t1, 0(t0)`;
    const { status, stdout, stderr } = runWith(echo, all);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    assert.deepEqual(new Uint8Array(stdout), all);
  });

  it('shows what the program writes within 20 ms', async () => {
    const file = join(folder, 'echo.elf');
    const { bytes } = assembleSource(`${READ}\n sb a0, 0(s0)\n j next`, BASE);
    writeFileSync(file, buildElf([{ name: '.text', data: bytes, flags: 6, address: BASE }], BASE));
    const args = [cli, 'run', '--bare', '--machine-mode', '--guest-memory', '16M', '--timeout', '40', file];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      const latencies: number[] = [];
      for (let i = 0; i < 41; i++) {
        const start = performance.now();
        const echo = new Promise<Buffer>((resolve) => child.stdout.once('data', resolve));
        child.stdin.write('x');
        assert.equal((await echo).toString(), 'x');
        latencies.push(performance.now() - start);
        await new Promise((resolve) => setTimeout(resolve, i % 10));
      }
      // The first one waits for the process to start.
      const [median, worst] = [20, 39].map((index) => latencies.slice(1).sort((a, b) => a - b)[index]);
      console.log(`      from a key to its echo: median ${median.toFixed(1)} ms, worst of 40 ${worst.toFixed(1)} ms`);
      assert.ok(median < 100);
    } finally {
      child.kill();
      await once(child, 'close');
    }
  });

  it('loses nothing of a megabyte that the program reads slowly', () => {
    const count = 1_200_000;
    const paste = Uint8Array.from({ length: count }, (_, i) => (i * 2654435761) >>> 13);
    // A sum in which the order counts; it is printed as eight bytes.
    const sum = `${READ}
      slli t1, s2, 5
      add s2, s2, t1
      add s2, s2, a0
      li t1, 10
    1: addi t1, t1, -1
      bnez t1, 1b
      addi s1, s1, 1
      li t0, ${count}
      bltu s1, t0, next
      li t1, 8
    2: sb s2, 0(s0)
      srli s2, s2, 8
      addi t1, t1, -1
      bnez t1, 2b
      li t0, 0x100000
      li t1, 0x5555
      sw t1, 0(t0)`;
    let expected = 0n;
    for (const byte of paste) expected = BigInt.asUintN(64, expected * 33n + BigInt(byte));
    const { status, stdout } = runWith(sum, paste);
    assert.equal(status, 0);
    assert.equal(stdout.readBigUInt64LE(), expected);
  });
});
