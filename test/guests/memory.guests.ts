/** What a large machine costs the host: what its guest uses, and not what it could use. */
import assert from 'node:assert/strict';
import type { LinuxGuest } from '../support/linux-guest';
import { makeLinuxGuest, startOurs } from '../support/linux-guest';

const MIB = 2 ** 20;

/** Fills memory until the kernel and files together use 512 MiB, says so, and waits. */
const SCRIPT = `
used() { free | awk '/^Mem:/ { print int(($2 - $4) / 1024) }'; }
head -c $(((512 - $(used)) * 1048576)) /dev/zero >/tmp/filled
echo "in use: $(used) MiB"
read line
`;

describe('A machine of 3 GiB', () => {
  let guest: LinuxGuest;
  before(function () {
    guest = makeLinuxGuest(this, SCRIPT);
  });
  after(() => guest?.remove());

  it('takes less than 900 MiB of the host while Linux uses 512 MiB', async function () {
    if (process.platform !== 'linux') this.skip();
    const console = startOurs(guest, '3G');
    try {
      const output = await console.waitFor(/in use: \d+ MiB/);
      const used = Number(/in use: (\d+)/.exec(output)![1]);
      const resident = Math.round(console.residentBytes / MIB);
      globalThis.console.log(`      in use ${used} MiB, resident ${resident} MiB, of 900 at the most`);
      assert.ok(used > 480 && used < 560, `${used} MiB in use`);
      assert.ok(resident < 900, `${resident} MiB resident`);
      console.send('\r');
      assert.equal(await console.exit, 0);
    } finally {
      await console.stop();
    }
  });
});
