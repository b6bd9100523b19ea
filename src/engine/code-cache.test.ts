// The room for decoded code: what happens when it is used up.
import assert from 'node:assert/strict';
import { TestHost } from '../../test/support/engine-host';
import * as at from './layout';
import { DRAM_BASE } from './physical-memory';
import { RECORD_SIZE } from './record';

const PAGE_SIZE = 0x1000;
const ROUNDS = 3;
const [S0, A0] = [8, 10];
const NOP = 0x0001;
/** j . + 0x1000 */
const TO_NEXT_PAGE = [0x106f, 0x0000];
/** addi a0, a0, 1; jr s0 */
const AGAIN = [0x0505, 0x8402];

/** Runs through this code again and again. @param length instructions that each round executes */
function runThrough(code: Uint16Array, length: number): void {
  const host = new TestHost('nop', { ramBytes: 32 << 20, translator: 'off' });
  const { engine } = host;
  engine.memory.load(DRAM_BASE, new Uint8Array(code.buffer));
  engine.state.setX(S0, BigInt(DRAM_BASE));
  assert.equal(engine.run(ROUNDS * length), ROUNDS * length);
  assert.deepEqual([host.x(A0), engine.state.pc], [BigInt(ROUNDS), BigInt(DRAM_BASE)]);
}

describe('the room for decoded code', () => {
  it('is used anew when there are too many records', () => {
    const code = new Uint16Array((1800 * PAGE_SIZE) / 2).fill(NOP);
    assert.ok(code.length > (at.RECORDS_END - at.RECORDS) / RECORD_SIZE);
    code.set(AGAIN, code.length - AGAIN.length);
    runThrough(code, code.length);
  });

  it('is used anew when there are too many pages', () => {
    const pages = at.SLOT_TABLE_COUNT + 100;
    const code = new Uint16Array((pages * PAGE_SIZE) / 2);
    for (let page = 0; page < pages; page++) code.set(TO_NEXT_PAGE, (page * PAGE_SIZE) / 2);
    code.set(AGAIN, ((pages - 1) * PAGE_SIZE) / 2);
    runThrough(code, pages - 1 + AGAIN.length);
  });
});
