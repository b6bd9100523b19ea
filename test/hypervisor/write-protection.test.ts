/** Write protection seen from a guest: what it writes to its tables counts at once, in whatever way it writes. */
import assert from 'node:assert/strict';
import { makeEntry, PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from '../../src/machine/pte';
import { GuestLab } from '../support/guest-lab';
import { HypervisorConsole } from '../support/hypervisor-console';
import { checkSynchronized } from '../support/synchronized';
import { assertTranscript, driveTeachingKernel, teachingKernel } from '../support/teaching-kernel';

const [T1, T2, S2, S3] = [6, 7, 18, 19];
const ROOT = 0x8040_0000;
const LOW = 0x8040_1000;
const PAGES = 0x8040_2000;
const OTHER_ROOT = 0x8040_3000;
const TEST = 0x4000_0000;
const DATA = 0x8060_0000;
const ALL = PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D;
const satp = (root: number, asid: number): bigint => (8n << 60n) | (BigInt(asid) << 44n) | BigInt(root / 4096);
const leaf = (page: number, bits = PTE_V | PTE_R | PTE_W | PTE_A | PTE_D): bigint =>
  makeEntry(DATA + page * 4096, bits);

/** A guest with paging on, the kernel one to one by one leaf, and test pages at TEST; s0 is TEST, s1 their table. */
function lab(source: string, pages: readonly bigint[] = [leaf(0), leaf(1)]): GuestLab {
  const guest = new GuestLab(
    `li t0, ${satp(ROOT, 1)}
     csrw satp, t0
     li s0, ${TEST}
     li s1, ${PAGES}
     la t0, shutdown
     csrw stvec, t0
     ${source}`,
    { synchronization: 'write-protect' },
  );
  for (const root of [ROOT, OTHER_ROOT]) {
    put(guest, root + 8, makeEntry(LOW, PTE_V));
    put(guest, root + 16, makeEntry(0x8000_0000, ALL));
  }
  put(guest, LOW, makeEntry(PAGES, PTE_V));
  pages.forEach((value, index) => put(guest, PAGES + index * 8, value));
  for (let i = 0; i < 8; i++) put(guest, DATA + i * 4096, BigInt(100 + i));
  return guest;
}

function put(guest: GuestLab, gpa: number, value: bigint): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  assert.ok(guest.guest.memory.write(gpa, bytes));
}

function finish(guest: GuestLab): void {
  guest.finish();
  assert.deepEqual(checkSynchronized(guest.guest), []);
}

describe('write protection', () => {
  it('makes an entry count as soon as it is written, and tells of it', () => {
    const guest = lab(`ld t1, (s0)
      li t0, ${leaf(3)}
      sd t0, (s1)
      ld t2, (s0)`);
    finish(guest);
    assert.deepEqual([guest.x(T1), guest.x(T2)], [100n, 103n]);
    const [write, ...more] = guest.of('tableWrite');
    assert.deepEqual(more, []);
    assert.deepEqual(
      [write.gva, write.gpa, write.entryAddress, write.entryBefore, write.entryAfter, write.dropped],
      [BigInt(PAGES), PAGES, PAGES, leaf(0), leaf(3), 1],
    );
  });

  it('needs no fence, which drops nothing', () => {
    const guest = lab(`ld t1, (s0)
      sfence.vma
      ld t1, (s0)`);
    finish(guest);
    assert.deepEqual(
      guest.of('sfence').map(({ dropped }) => dropped),
      [0],
    );
    assert.equal(guest.of('shadowFill').filter(({ gva }) => gva === BigInt(TEST)).length, 1);
  });

  const ways = {
    'amoswap.d': 'amoswap.d t2, t0, (s1)',
    'amoor.d': 'sd zero, (s1)\n amoor.d t2, t0, (s1)',
    'stores of words': 'sw t0, (s1)\n srli t0, t0, 32\n sw t0, 4(s1)',
    'stores of bytes': Array.from({ length: 8 }, (_, i) => `sb t0, ${i}(s1)\n srli t0, t0, 8`).join('\n'),
    'a misaligned store': 'slli t0, t0, 8\n lbu t1, -1(s1)\n or t0, t0, t1\n sd t0, -1(s1)',
    'lr and sc': 'again: lr.d t2, (s1)\n sc.d t2, t0, (s1)\n bnez t2, again',
    'a floating-point store': 'fmv.d.x f0, t0\n fsd f0, (s1)',
    'another mapping': `li s1, ${TEST + 0x2000}\n sd t0, (s1)`,
  };
  for (const [name, code] of Object.entries(ways)) {
    it(`notices ${name}`, () => {
      const pages = [leaf(0), leaf(1), makeEntry(PAGES, ALL & ~PTE_X)];
      // The entry before a table's first one, which the misaligned store reaches, is in the page of another table.
      const guest = lab(
        `li t1, ${TEST + 0x2000}
         ld t1, (t1)
         ld t1, (s0)
         li t0, ${leaf(3)}
         ${code}
         csrr t1, sscratch
         ld s2, (s0)
         ld s3, (s0)`,
        pages,
      );
      finish(guest);
      assert.deepEqual([guest.x(S2), guest.x(S3)], [103n, 103n]);
      assert.equal(guest.guest.memory.readEntry(PAGES), leaf(3));
    });
  }

  it('drops what another address space has of the same table', () => {
    const guest = lab(`ld t1, (s0)
      li t0, ${satp(OTHER_ROOT, 2)}
      csrw satp, t0
      ld t1, (s0)
      li t0, ${leaf(3)}
      sd t0, (s1)
      ld s2, (s0)
      li t0, ${satp(ROOT, 1)}
      csrw satp, t0
      ld s3, (s0)`);
    finish(guest);
    assert.deepEqual([guest.x(S2), guest.x(S3)], [103n, 103n]);
    assert.equal(guest.of('tableWrite')[0].dropped, 2);
  });

  it('lets a table be written through itself', () => {
    // The table maps itself at its second page: its entries are at TEST + 0x1000.
    const guest = lab(
      `li s1, ${TEST + 0x1000}
       ld t1, (s0)
       li t0, ${leaf(3)}
       sd t0, (s1)
       ld s2, (s0)
       li t0, ${leaf(4)}
       sd t0, 8(s1)
       li t1, ${TEST + 0x1000}
       ld s3, (t1)`,
      [leaf(0), makeEntry(PAGES, ALL & ~PTE_X)],
    );
    finish(guest);
    assert.deepEqual([guest.x(S2), guest.x(S3)], [103n, 104n]);
  });

  it('maps the memory around tables by small pages, and keeps it writable', () => {
    const guest = lab(`ld t1, (s0)
      li t0, ${PAGES + 0x8000}
      li t1, 7
      sd t1, (t0)
      ld s2, (t0)`);
    finish(guest);
    assert.equal(guest.x(S2), 7n);
    const kernel = guest
      .of('shadowFill')
      .find(({ gva, access }) => gva === BigInt(PAGES + 0x8000) && access === 'store');
    assert.deepEqual([kernel?.guestLevel, kernel?.shadowLevel], [2, 0]);
  });

  it('ends when a page is no table any more', () => {
    const guest = lab(`ld t1, (s0)
      li t0, ${LOW}
      sd zero, (t0)
      ${'sd zero, (s1)\n'.repeat(4)}`);
    finish(guest);
    assert.deepEqual(
      guest.of('tableWrite').map(({ gpa }) => gpa),
      [LOW],
    );
  });

  it('ends when a page is filled with something else', () => {
    const fill = Array.from({ length: 100 }, (_, i) => `sd s0, ${8 * i}(s1)`).join('\n');
    const guest = lab(`ld t1, (s0)\n${fill}`);
    finish(guest);
    assert.ok(guest.of('tableWrite').length < 10);
  });

  it('has a leaf that was written before it is used, which then is no exit', () => {
    const guest = lab(`ld t1, (s0)
      li t0, ${leaf(3)}
      sd t0, 8(s1)
      li t1, ${TEST + 0x1000}
      sd t1, 16(t1)
      ld s2, (t1)`);
    finish(guest);
    assert.equal(guest.x(S2), 103n);
    assert.equal(guest.of('tableWrite')[0].filled, 1);
    assert.deepEqual(
      guest.of('shadowFill').filter(({ gva }) => gva === BigInt(TEST + 0x1000)),
      [],
    );
  });

  const unusable = {
    'is invalid': leaf(3) & ~BigInt(PTE_V),
    'has A clear': leaf(3) & ~BigInt(PTE_A),
    'is reserved': leaf(3) | (1n << 60n),
    'is for the other mode': leaf(3) | BigInt(PTE_U),
    'leads to a device': makeEntry(0x1000_0000, ALL & ~PTE_X),
    'leads out of the guest': makeEntry(0x40_0000_0000, ALL),
    'points to a table': makeEntry(DATA, PTE_V),
  };
  for (const [name, entry] of Object.entries(unusable)) {
    it(`does not have at once a leaf that ${name}`, () => {
      const guest = lab(`ld t1, (s0)
 li t0, ${entry}
 sd t0, 8(s1)`);
      finish(guest);
      assert.equal(guest.of('tableWrite')[0].filled, 0);
    });
  }

  it('withholds W from a leaf without D, and from one that maps a table', () => {
    const guest = lab(
      `ld t1, (s0)
       li t0, ${leaf(3) & ~BigInt(PTE_D)}
       sd t0, (s1)
       sd s0, 8(s0)
       li t0, ${makeEntry(PAGES, ALL & ~PTE_X)}
       sd t0, 8(s1)
       li t1, ${TEST + 0x1000}
       li t2, ${leaf(4)}
       sd t2, 16(t1)
       ld s2, 16(t1)`,
    );
    finish(guest);
    assert.equal(guest.x(S2), leaf(4));
    assert.deepEqual(
      guest.of('tableWrite').map(({ gpa, filled }) => [gpa, filled]),
      [
        [PAGES, 1],
        [PAGES + 8, 1],
        [PAGES + 16, 1],
      ],
    );
    assert.equal(guest.guest.memory.readEntry(PAGES), leaf(3), 'D was set by the store');
  });

  it('follows an entry that is written and used again and again without dropping its table', () => {
    const guest = lab(`ld t1, (s0)
      li t0, ${leaf(3)}
      li t1, 50
      loop: sd t0, (s1)
      ld s2, (s0)
      sd zero, (s1)
      addi t1, t1, -1
      bnez t1, loop`);
    finish(guest);
    assert.equal(guest.x(S2), 103n);
    assert.equal(guest.of('tableWrite').length, 100);
    assert.equal(guest.of('shadowFill').filter(({ gva }) => gva === BigInt(TEST)).length, 1);
  });

  it('notices what devices and the debugger write', () => {
    const guest = lab(`ld t1, (s0)
      csrw sscratch, t1
      ld s2, (s0)`);
    guest.hypervisor.onExit = (exit) => (exit.kind === 'csrWrite' && exit.csr === 'sscratch' ? 'stop' : 'go');
    assert.equal(guest.run().kind, 'stopped');
    assert.equal(guest.x(T1), 100n);
    put(guest, PAGES, leaf(3));
    finish(guest);
    assert.equal(guest.x(S2), 103n);
  });

  it('runs the sample kernel, whose forgotten fence then does no harm', async () => {
    const guest = new HypervisorConsole({ kernel: teachingKernel, synchronization: 'write-protect' });
    assertTranscript(await driveTeachingKernel(guest));
    assert.match(guest.output, /without sfence\.vma: reading gives 2222/);
    assert.deepEqual(checkSynchronized(guest.guest), []);
  });
});
