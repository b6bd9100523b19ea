/** Shadow paging seen from a guest: what is filled when, what stays until a fence, and what a record tells of it. */
import assert from 'node:assert/strict';
import { checkIsolation } from '../../src/hypervisor/isolation';
import { entryFlags, makeEntry, PTE_A, PTE_D, PTE_G, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from '../../src/machine/pte';
import { HypervisorConsole } from '../support/hypervisor-console';
import { GuestLab } from '../support/guest-lab';
import { assertTranscript, driveTeachingKernel, teachingKernel } from '../support/teaching-kernel';

const [T1, T2, S2] = [6, 7, 18];
const ROOT = 0x8040_0000;
const LOW = 0x8040_1000;
const PAGES = 0x8040_2000;
const OTHER_ROOT = 0x8040_3000;
/** Where test pages are mapped, the first at 0x40000000. */
const TEST = 0x4000_0000;
const DATA = 0x8060_0000;
const SATP = (8n << 60n) | (1n << 44n) | BigInt(ROOT / 4096);
const OTHER_SATP = (8n << 60n) | (2n << 44n) | BigInt(OTHER_ROOT / 4096);

/** A guest with paging on, kernel one to one, and these entries for the pages from 0x40000000 on. */
function lab(source: string, pages: bigint[], options = {}): GuestLab {
  const guest = new GuestLab(
    `
    li t0, ${SATP}
    csrw satp, t0
    li s0, ${TEST}
    la t0, shutdown
    csrw stvec, t0
    ${source}`,
    options,
  );
  const { memory } = guest.guest;
  const put = (gpa: number, value: bigint) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    memory.write(gpa, bytes);
  };
  for (const root of [ROOT, OTHER_ROOT]) {
    put(root + 8, makeEntry(LOW, PTE_V));
    put(root + 16, makeEntry(0x8000_0000, PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D | PTE_G));
  }
  put(LOW, makeEntry(PAGES, PTE_V));
  pages.forEach((value, index) => put(PAGES + index * 8, value));
  for (let i = 0; i < 8; i++) put(DATA + i * 4096, BigInt(100 + i));
  return guest;
}

const leaf = (page: number, bits: number): bigint => makeEntry(DATA + page * 4096, bits);
const fillsOfTest = (guest: GuestLab) =>
  guest.of('shadowFill').filter(({ gva }) => gva >= BigInt(TEST) && gva < BigInt(TEST + 0x20_0000));

describe('shadow paging', () => {
  it('withholds W until the guest writes, and sets A and D in the guest entry', () => {
    const guest = lab('ld t1, (s0)\n ld t1, 8(s0)\n sd t1, (s0)\n sd t1, 8(s0)', [leaf(0, PTE_V | PTE_R | PTE_W)]);
    guest.finish();
    const [load, store, ...more] = fillsOfTest(guest);
    assert.deepEqual(more, []);
    assert.deepEqual([load.access, load.gpa, load.hpa, load.view], ['load', DATA, DATA + 0x0800_0000, 'vS']);
    const flags = [load, store].flatMap((fill) => [
      entryFlags(fill.guestEntryBefore ?? 0n),
      entryFlags(fill.guestEntryAfter ?? 0n),
      entryFlags(fill.shadowEntryBefore),
      entryFlags(fill.shadowEntryAfter),
    ]);
    assert.deepEqual(flags, [
      ...['-----WRV', '-A---WRV', '--------', '-A-U--RV'],
      ...['-A---WRV', 'DA---WRV', '-A-U--RV', 'DA-U-WRV'],
    ]);
    assert.equal(guest.guest.memory.readEntry(PAGES), leaf(0, PTE_V | PTE_R | PTE_W | PTE_A | PTE_D));
  });

  it('shows a page that was changed without a fence as it was, until the fence', () => {
    const guest = lab(
      `ld t1, (s0)
       li t0, ${PAGES}
       li t2, ${leaf(1, PTE_V | PTE_R | PTE_A)}
       sd t2, (t0)
       ld t2, (s0)
       sfence.vma s0
       ld s2, (s0)`,
      [leaf(0, PTE_V | PTE_R | PTE_A)],
    );
    guest.finish();
    assert.deepEqual([guest.x(T1), guest.x(T2), guest.x(S2)], [100n, 100n, 101n]);
    const [fence] = guest.of('sfence');
    assert.deepEqual([fence.gva, fence.asid, fence.dropped], [BigInt(TEST), undefined, 1]);
  });

  it('keeps what an address space has while another is used', () => {
    const both = `li t0, ${OTHER_SATP}\n csrw satp, t0\n ld t1, (s0)\n li t0, ${SATP}\n csrw satp, t0\n ld t1, (s0)\n`;
    const guest = lab(`ld t1, (s0)\n ${both} ${both} ${both}`, [leaf(0, PTE_V | PTE_R | PTE_A)]);
    guest.finish();
    assert.equal(fillsOfTest(guest).length, 2);
    const spaces = guest.guest.shadow.addressSpaces().map(({ satp, root, asid }) => ({ satp, root, asid }));
    assert.deepEqual(spaces, [
      { satp: 0n, root: undefined, asid: 0 },
      { satp: SATP, root: ROOT, asid: 1 },
      { satp: OTHER_SATP, root: OTHER_ROOT, asid: 2 },
    ]);
  });

  it('drops one ASID for a fence that names it', () => {
    const use = (satp: bigint) => `li t0, ${satp}\n csrw satp, t0\n ld t1, (s0)\n`;
    const fence = `li t0, 2\n sfence.vma x0, t0\n`;
    const guest = lab(use(SATP) + use(OTHER_SATP) + fence + use(SATP) + use(OTHER_SATP), [
      leaf(0, PTE_V | PTE_R | PTE_A),
    ]);
    guest.finish();
    assert.deepEqual(
      fillsOfTest(guest).map(({ satp }) => satp),
      [SATP, OTHER_SATP, OTHER_SATP],
    );
  });

  it('has views of its own for SUM, and none that lets the kernel execute user pages', () => {
    const guest = lab(
      `li t2, 0x40000
       csrs sstatus, t2
       ld t1, (s0)
       csrc sstatus, t2
       la t0, second
       csrw stvec, t0
       ld t1, (s0)
       .align 2
       second: csrs sstatus, t2
       la t0, shutdown
       csrw stvec, t0
       jr s0`,
      [leaf(0, PTE_V | PTE_R | PTE_W | PTE_X | PTE_U | PTE_A | PTE_D)],
    );
    guest.finish();
    assert.deepEqual(
      fillsOfTest(guest).map(({ view, shadowEntryAfter }) => [view, entryFlags(shadowEntryAfter)]),
      [['vS+SUM', 'DA-U-WRV']],
    );
    assert.deepEqual(
      guest.of('inject').map(({ cause }) => cause),
      [13, 12],
    );
  });

  it('lets execute-only pages be read with MXR only, also those of user programs', () => {
    for (const user of [0, PTE_U]) {
      const guest = lab(
        `li t2, ${0x8_0000 + (user ? 0x4_0000 : 0)}
         csrs sstatus, t2
         ld t1, (s0)
         li t0, 0x80000
         csrc sstatus, t0
         ld t1, (s0)`,
        [leaf(0, PTE_V | PTE_X | PTE_A | user)],
      );
      guest.finish();
      assert.equal(guest.x(T1), 100n);
      assert.deepEqual(
        guest.of('inject').map(({ cause, stval }) => [cause, stval]),
        [[13, BigInt(TEST)]],
      );
    }
  });

  it('uses superpages where the guest does', () => {
    const guest = lab('ld t1, (s0)', []);
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, makeEntry(0x8060_0000, PTE_V | PTE_R | PTE_A), true);
    guest.guest.memory.write(LOW, bytes);
    guest.finish();
    const [fill] = fillsOfTest(guest);
    assert.deepEqual([fill.guestLevel, fill.shadowLevel], [1, 1]);
    assert.equal(guest.x(T1), 100n);
    const kernel = guest.of('shadowFill').find(({ gva, satp }) => satp === SATP && gva >= 0x8020_0000n);
    assert.deepEqual([kernel?.guestLevel, kernel?.shadowLevel], [2, 1], 'the guest has 128 MiB of that GiB');
  });

  it('gives the guest the highest pages of the address space', () => {
    const guest = lab(
      `li t0, ${ROOT + 511 * 8}
       li t1, ${makeEntry(LOW, PTE_V)}
       sd t1, (t0)
       li t0, ${LOW + 511 * 8}
       li t1, ${makeEntry(PAGES, PTE_V)}
       sd t1, (t0)
       li t0, ${PAGES + 511 * 8}
       li t1, ${leaf(3, PTE_V | PTE_R | PTE_A)}
       sd t1, (t0)
       sfence.vma
       li t0, -4096
       ld t1, (t0)`,
      [],
    );
    guest.finish();
    assert.equal(guest.x(T1), 103n);
  });

  it('is the same guest with the fewest table pages', async () => {
    const guest = new HypervisorConsole({ kernel: teachingKernel, shadowPages: 24 });
    assertTranscript(await driveTeachingKernel(guest));
  });
});

describe('the check of isolation', () => {
  it('notices an entry outside the guest, and one that is lost', () => {
    const guest = lab('ld t1, (s0)', [leaf(0, PTE_V | PTE_R | PTE_A)]);
    guest.finish();
    const { view } = guest.vcpu;
    const found = view.find(TEST, 0);
    guest.machine.memory.write64(found.address, makeEntry(0x8020_0000, PTE_V | PTE_R | PTE_U | PTE_A));
    assert.match(checkIsolation(guest.guest).join(), /maps 4096 bytes at 0x80200000, outside the guest/);
    guest.machine.memory.write64(found.address, 0n);
    assert.match(checkIsolation(guest.guest).join(), /are counted as/);
  });
});
