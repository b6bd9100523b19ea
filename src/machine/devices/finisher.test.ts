// The test finisher's three words.
import assert from 'node:assert/strict';
import type { Finish } from './finisher';
import { Finisher } from './finisher';

function ends(...writes: [offset: number, value: bigint][]): Finish[] {
  const finisher = new Finisher();
  const log: Finish[] = [];
  finisher.onFinish = (end) => log.push(end);
  for (const [offset, value] of writes) finisher.write(offset, 4, value);
  return log;
}

describe('Finisher', () => {
  it('passes, fails with a code, and resets', () => {
    assert.deepEqual(ends([0, 0x5555n]), [{ kind: 'shutdown', code: 0 }]);
    assert.deepEqual(ends([0, 0x0003_3333n]), [{ kind: 'failure', code: 3 }]);
    assert.deepEqual(ends([0, 0xffff_3333n]), [{ kind: 'failure', code: 0xffff }]);
    assert.deepEqual(ends([0, 0x7777n]), [{ kind: 'reboot', code: 0 }]);
  });

  it('ignores other words and other offsets, and reads as zero', () => {
    assert.deepEqual(ends([0, 0n], [0, 0x1234n], [4, 0x5555n], [0xffc, 0x7777n]), []);
    assert.equal(new Finisher().read(), 0n);
  });

  it('takes 2 and 4 bytes, as in QEMU', () => {
    const finisher = new Finisher();
    assert.deepEqual(
      ([1, 2, 4, 8] as const).map((width) => finisher.accepts(0, width)),
      [false, true, true, false],
    );
  });
});
