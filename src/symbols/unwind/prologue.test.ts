import assert from 'node:assert/strict';
import { decodeFrameInstruction } from './frame-instructions';
import { analyzePrologue } from './prologue';
import type { PrologueState } from './prologue';

/** Little-endian code of 16-bit and 32-bit instruction words. */
function code(...words: number[]): Uint8Array {
  return Uint8Array.from(
    words.flatMap((word) => ((word & 3) === 3 ? [word, word >> 8, word >> 16, word >>> 24] : [word, word >> 8])),
  );
}

const ADDI_SP_M32 = 0x1101;
const SD_RA_24 = 0xec06;
const SD_S0_16 = 0xe822;
const ADDI4SPN_S0_32 = 0x1000;
const LD_RA_24 = 0x60e2;
const ADDI16SP_32 = 0x6105;
const RET = 0x8082;
const CALL = 0x0000_00ef;

function state(...words: number[]): PrologueState {
  const found = analyzePrologue(code(...words));
  assert.ok(found);
  return found;
}

describe('analyzePrologue', () => {
  it('follows a prologue instruction by instruction', () => {
    assert.deepEqual(state().cfa, { register: 2, offset: 0n });
    assert.ok(state().unchanged.has(1));
    assert.deepEqual(state(ADDI_SP_M32).cfa, { register: 2, offset: -32n });
    const saved = state(ADDI_SP_M32, SD_RA_24, SD_S0_16, ADDI4SPN_S0_32, CALL);
    assert.deepEqual(
      [...saved.saved],
      [
        [1, -8n],
        [8, -16n],
      ],
    );
    assert.ok(!saved.unchanged.has(1) && !saved.unchanged.has(10) && saved.unchanged.has(9));
  });

  it('knows a restored register and, behind the return, the state of the body', () => {
    const prologue = [ADDI_SP_M32, SD_RA_24, CALL];
    const restored = state(...prologue, LD_RA_24, ADDI16SP_32);
    assert.deepEqual(restored.cfa, { register: 2, offset: 0n });
    assert.ok(restored.unchanged.has(1));
    const behind = state(...prologue, LD_RA_24, ADDI16SP_32, RET);
    assert.deepEqual(behind.cfa, { register: 2, offset: -32n });
    assert.equal(behind.saved.get(1), -8n);
  });

  it('takes the state of the branch that leads behind a return', () => {
    // c.beqz a0, +6 over `ret` taken before any frame is made.
    const found = state(0xc119, RET, ADDI_SP_M32);
    assert.deepEqual(found.cfa, { register: 2, offset: -32n });
  });

  it('computes large frames from constants', () => {
    // lui t0, 0xfffff; addi t0, t0, -16; add sp, sp, t0
    assert.deepEqual(state(0xfffff2b7, 0xff028293, 0x9116).cfa, { register: 2, offset: -4112n });
  });

  it('falls back on the frame pointer when the stack pointer is not known', () => {
    // sub sp, sp, a5
    const found = state(ADDI_SP_M32, SD_S0_16, ADDI4SPN_S0_32, 0x40f10133);
    assert.deepEqual(found.cfa, { register: 8, offset: 0n });
  });

  it('gives up where the stack was switched', () => {
    // csrrw sp, sscratch, sp
    assert.equal(analyzePrologue(code(0x14011173)), undefined);
  });

  it('survives any bytes', () => {
    for (let word = 0; word < 0x10000; word += 7) decodeFrameInstruction(code(word, word ^ 0xffff, 0), 0);
    assert.ok(analyzePrologue(Uint8Array.of(0x13)));
  });
});

describe('decodeFrameInstruction', () => {
  it('finds the targets of branches and jumps', () => {
    const distance = (...words: number[]): unknown => {
      const instruction = decodeFrameInstruction(code(...words), 0);
      return instruction && 'distance' in instruction ? instruction.distance : undefined;
    };
    assert.equal(distance(0xfea7d0e3), -32); // bge a5, a0
    assert.equal(distance(0x02f9d263), 36); // bge s3, a5
    assert.equal(distance(0xc90d), 50); // c.beqz a0
    assert.equal(distance(0xf065), -32); // c.bnez s0
    assert.equal(distance(0xb7c5), -32); // c.j
    assert.equal(distance(0xa811), 20); // c.j
    assert.equal(distance(0x0040006f), 4); // j
    assert.equal(distance(RET), undefined);
  });
});
