// Numbers for address spaces and modes: different where a translation may differ, and the same again for the same.
import assert from 'node:assert/strict';
import { makeSatp, sv39 } from './paging';
import { TranslationModes } from './translation-modes';

const FIRST = makeSatp(sv39, 0x80001000);
const SECOND = makeSatp(sv39, 0x80002000, 1);

describe('translation modes', () => {
  it('differ by satp, privilege, SUM and MXR', () => {
    const modes = new TranslationModes();
    const keys = [FIRST, SECOND].flatMap((satp) =>
      ([0, 1] as const).flatMap((privilege) =>
        [false, true].flatMap((sum) => [false, true].map((mxr) => modes.mode(satp, privilege, sum, mxr).key)),
      ),
    );
    // SUM means nothing in U-mode: six modes for each satp.
    assert.equal(new Set(keys).size, 12);
    assert.equal(modes.mode(FIRST, 0, true, false).key, modes.mode(FIRST, 0, false, false).key);
  });

  it('are the same when satp comes back', () => {
    const modes = new TranslationModes();
    const before = modes.mode(FIRST, 1, true, false);
    modes.mode(SECOND, 1, true, false);
    modes.mode(0n, 1, false, false);
    assert.equal(modes.mode(FIRST, 1, true, false), before);
  });

  it('say how to walk', () => {
    const { walk, privilege } = new TranslationModes().mode(FIRST, 1, true, true);
    assert.deepEqual(walk, { scheme: sv39, root: 0x80001000, privilege: 1, sum: true, mxr: true });
    assert.equal(privilege, 1);
  });

  it('are untranslated in M-mode and with Bare, of which PMP tells two apart', () => {
    const modes = new TranslationModes();
    assert.equal(modes.mode(FIRST, 3, true, true).walk, undefined);
    assert.equal(modes.mode(0n, 1, false, false).walk, undefined);
    assert.equal(modes.mode(0n, 1, true, true), modes.mode(0n, 0, false, false));
    assert.notEqual(modes.mode(0n, 3, false, false).key, modes.mode(0n, 1, false, false).key);
  });

  it('stay few in memory, and no number comes twice', () => {
    const modes = new TranslationModes();
    const keys = new Set<number>();
    for (let i = 0; i < 2000; i++) keys.add(modes.mode(makeSatp(sv39, 0x80000000 + i * 4096), 1, false, false).key);
    keys.add(modes.mode(makeSatp(sv39, 0x80000000), 1, false, false).key);
    assert.equal(keys.size, 2001);
  });
});
