/** Stale translations: found where the guest uses one, with who changed the table; and none where it fences as it must. */
import assert from 'node:assert/strict';
import { checkIsolation } from '../../src/hypervisor/isolation';
import { makeEntry, PTE_A, PTE_D, PTE_G, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from '../../src/machine/pte';
import { GuestLab } from '../support/guest-lab';
import type { GuestLabOptions } from '../support/guest-lab';
import { HypervisorConsole } from '../support/hypervisor-console';
import { Random } from '../support/random';
import { RandomKernel } from '../support/random-kernel';
import { prompt, teachingKernel } from '../support/teaching-kernel';

const ROOT = 0x8040_0000;
const LOW = 0x8040_1000;
const PAGES = 0x8040_2000;
const OTHER_PAGES = 0x8040_3000;
/** Where test pages are mapped. */
const TEST = 0x4000_0000;
const DATA = 0x8060_0000;
const TO_HPA = 0x0800_0000;
const satp = (asid: number): bigint => (8n << 60n) | (BigInt(asid) << 44n) | BigInt(ROOT / 4096);

const RW = PTE_V | PTE_R | PTE_W | PTE_A | PTE_D;
const RO = PTE_V | PTE_R | PTE_A;
const leaf = (page: number, bits: number): bigint => makeEntry(DATA + page * 4096, bits);

/**
 * A guest with paging on in ASID 1, the kernel one to one and global, and these entries for the pages from TEST on, the
 * address of which is in s0; s1 has the address of their entries. Traps skip the instruction.
 */
function lab(source: string, pages: bigint[], options: GuestLabOptions = {}): GuestLab {
  const guest = new GuestLab(
    `
    j start
    .align 2
    handler: csrr t6, sepc
    addi t6, t6, 4
    csrw sepc, t6
    sret
    start: la t0, handler
    csrw stvec, t0
    li t0, ${satp(1)}
    csrw satp, t0
    li s0, ${TEST}
    li s1, ${PAGES}
    ${source}`,
    { findsStaleTranslations: true, ...options },
  );
  const { memory } = guest.guest;
  const put = (gpa: number, value: bigint) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    memory.write(gpa, bytes);
  };
  put(ROOT + 8, makeEntry(LOW, PTE_V));
  put(ROOT + 16, makeEntry(0x8000_0000, RW | PTE_X | PTE_G));
  put(LOW, makeEntry(PAGES, PTE_V));
  pages.forEach((value, index) => {
    put(PAGES + index * 8, value);
    put(OTHER_PAGES + index * 8, leaf(7, RW));
  });
  for (let i = 0; i < 8; i++) put(DATA + i * 4096, BigInt(100 + i));
  return guest;
}

/** Stores a value at an address. */
const store = (address: number, value: bigint): string => `li t0, ${address}\n li t1, ${value}\n sd t1, (t0)`;
const setEntry = (page: number, value: bigint): string => store(PAGES + 8 * page, value);
const [T2, S2, S3] = [7, 18, 19];

describe('stale translations', () => {
  it('are told with the access, the change and the writer; the old translation is used on', () => {
    const guest = lab(
      `ld t2, (s0)
      li t0, ${PAGES}
      li t1, ${leaf(1, RW)}
      write: sd t1, (t0)
      use: ld s2, (s0)
      ld s3, (s0)
      sfence.vma
      ld t2, (s0)`,
      [leaf(0, RW)],
    );
    guest.finish();
    assert.deepEqual([guest.x(S2), guest.x(S3), guest.x(T2)], [100n, 100n, 101n]);
    const [stale, ...more] = guest.of('staleTranslation');
    assert.deepEqual(more, [], 'once is enough');
    const write = guest.symbol('write');
    assert.equal(stale.pc, guest.symbol('use'));
    assert.deepEqual([stale.gva, stale.access, stale.view, stale.satp], [BigInt(TEST), 'load', 'vS', satp(1)]);
    assert.deepEqual([stale.hpa, stale.newHpa], [DATA + TO_HPA, DATA + 0x1000 + TO_HPA]);
    assert.deepEqual([stale.entryAddress, stale.entryLevel], [PAGES, 0]);
    assert.deepEqual([stale.entryBefore, stale.entryNow], [leaf(0, RW), leaf(1, RW)]);
    assert.deepEqual([stale.writerPc, stale.writtenByGuest], [write, true]);
    assert.equal(stale.count - stale.writerCount, 1);
    assert.match(stale.reason, /^Load from 0x40000000: the leaf entry at 0x80402000 maps a 4 KiB page/);
  });

  const reports = (source: string, pages: bigint[]): number => {
    const guest = lab(source, pages);
    guest.finish();
    return guest.of('staleTranslation').length;
  };

  const fences: [name: string, code: string, found: number][] = [
    ['all', 'sfence.vma', 0],
    ['the address', 'sfence.vma s0', 0],
    ['the address and its ASID', 'li t0, 1\n sfence.vma s0, t0', 0],
    ['the ASID', 'li t0, 1\n sfence.vma x0, t0', 0],
    ['another address', 'li t0, 0x40001000\n sfence.vma t0', 1],
    ['another ASID', 'li t0, 2\n sfence.vma x0, t0', 1],
    ['the address in another ASID', 'li t0, 2\n sfence.vma s0, t0', 1],
  ];
  for (const [name, code, found] of fences) {
    it(`are ${found ? 'still there' : 'gone'} after a fence of ${name}`, () => {
      assert.equal(reports(`ld t2, (s0)\n ${setEntry(0, leaf(1, RW))}\n ${code}\n ld t2, (s0)`, [leaf(0, RW)]), found);
    });
  }

  const changes: [name: string, before: bigint, after: bigint, access: string, found: number][] = [
    ['unmapping', leaf(0, RW), 0n, 'ld t2, (s0)', 1],
    ['taking W away, then loading', leaf(0, RW), leaf(0, RO), 'ld t2, (s0)', 0],
    ['taking W away, then storing', leaf(0, RW), leaf(0, RO), 'sd t2, (s0)', 1],
    ['taking R away', leaf(0, RW | PTE_X), leaf(0, PTE_V | PTE_X | PTE_A), 'ld t2, (s0)', 1],
    ['giving W', leaf(0, RO), leaf(0, RW), 'sd t2, (s0)', 0],
    ['making it a user page', leaf(0, RW), leaf(0, RW | PTE_U), 'ld t2, (s0)', 1],
    ['clearing A and D', leaf(0, RW), leaf(0, PTE_V | PTE_R | PTE_W), 'sd t2, (s0)', 0],
    ['making it global', leaf(0, RW), leaf(0, RW | PTE_G), 'sd t2, (s0)', 0],
    ['writing the same', leaf(0, RW), leaf(0, RW), 'sd t2, (s0)', 0],
    ['mapping what was not', 0n, leaf(0, RW), 'ld t2, (s0)', 0],
    ['a change of a page that is not used', leaf(0, RW), leaf(1, RW), 'nop', 0],
    ['a reserved encoding', leaf(0, RW), leaf(0, RW) | (1n << 60n), 'ld t2, (s0)', 1],
  ];
  for (const [name, before, after, access, found] of changes) {
    it(`${name}: ${found ? 'told' : 'no mistake'}`, () => {
      const first = (before & BigInt(PTE_W)) === 0n ? 'ld t2, (s0)' : 'ld t2, (s0)\n sd t2, (s0)';
      assert.equal(reports(`${first}\n ${setEntry(0, after)}\n ${access}`, [before]), found);
    });
  }

  it('that are as they were again are none', () => {
    assert.equal(
      reports(`ld t2, (s0)\n ${setEntry(0, 0n)}\n ${setEntry(0, leaf(0, RW))}\n ld t2, (s0)`, [leaf(0, RW)]),
      0,
    );
  });

  it('come from pointers to tables, too, and are told for each page that is used', () => {
    const guest = lab(
      `ld t2, (s0)
      li s2, ${TEST + 0x1000}
      ld t2, (s2)
      li t0, ${LOW}
      li t1, ${makeEntry(OTHER_PAGES, PTE_V)}
      write: sd t1, (t0)
      ld t2, (s0)
      ld t2, (s2)
      li s3, ${TEST + 0x2000}
      ld t2, (s3)`,
      [leaf(0, RW), leaf(1, RW), leaf(2, RW)],
    );
    guest.finish();
    const found = guest
      .of('staleTranslation')
      .map((stale) => [stale.gva, stale.entryAddress, stale.entryLevel, stale.writerPc]);
    assert.deepEqual(found, [
      [BigInt(TEST), LOW, 1, guest.symbol('write')],
      [BigInt(TEST + 0x1000), LOW, 1, guest.symbol('write')],
    ]);
    assert.equal(guest.x(T2), 107n, 'a page that was in no shadow entry comes from the new table');
  });

  it('come from atomic and narrow stores, and misaligned ones over two entries', () => {
    const atomic = `li t0, ${PAGES}\n amoand.d x0, x0, (t0)`;
    assert.equal(reports(`ld t2, (s0)\n ${atomic}\n ld t2, (s0)`, [leaf(0, RW)]), 1);
    assert.equal(reports(`ld t2, (s0)\n li t0, ${PAGES}\n sb x0, (t0)\n ld t2, (s0)`, [leaf(0, RW)]), 1);
    const both = `li t0, ${PAGES + 4}\n sd x0, (t0)`;
    const use = `li t0, ${TEST + 0x1000}\n ld t2, (t0)`;
    assert.equal(reports(`ld t2, (s0)\n ${use}\n ${both}\n ld t2, (s0)\n ${use}`, [leaf(0, RW), leaf(1, RW)]), 1);
  });

  it('of instruction fetches are found', () => {
    const code = PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D;
    const source = `
      li t1, 0x00008067
      sw t1, (s0)
      jalr s0
      ${setEntry(0, 0n)}
      jalr s0
    `;
    const guest = lab(source, [leaf(0, code)]);
    guest.finish();
    const [{ access, gva, pc }] = guest.of('staleTranslation');
    assert.deepEqual([access, gva, pc], ['fetch', BigInt(TEST), BigInt(TEST)]);
  });

  it('are looked for only where asked', () => {
    const guest = new GuestLab('nop');
    assert.equal(guest.guest.stale, undefined);
  });

  it('cost watched pages only while shadow tables derive from them', () => {
    const guest = lab(
      `ld t2, (s0)
      sfence.vma
      li t0, ${PAGES}
      li t1, 200
      loop: sd x0, 8(t0)
      addi t1, t1, -1
      bnez t1, loop`,
      [leaf(0, RW)],
    );
    guest.finish();
    const watched = guest.guest.stale?.watchedPages ?? 0;
    assert.ok(watched >= 1 && watched <= 2, `${watched}: the root, and perhaps the next level`);
  });
});

describe('stale translations of other vCPUs', () => {
  const [HSM, RFENCE, IPI] = [0x48534d, 0x52464e43, 0x735049];
  const call = (extension: number, number: number, ...args: (number | string)[]): string =>
    [...args.map((arg, i) => `li a${i}, ${arg}`), `li a7, ${extension}`, `li a6, ${number}`, 'ecall'].join('\n');
  /** Says how far it is, and waits until the other one is so far; both by the same doubleword. */
  const say = (stage: number): string => `li t4, ${stage}\n sd t4, (s2)`;
  const awaitStage = (stage: number): string => `li t5, ${stage}\n 1: ld t4, (s2)\n blt t4, t5, 1b`;
  const change = `li t0, ${PAGES}\n li t1, ${leaf(1, RW)}\n write: sd t1, (t0)`;
  const fenceOther = (pages = 0x1000, start = TEST): string => call(RFENCE, 1, 2, 0, start, pages);

  /**
   * vCPU 1 uses the page at TEST (s0); vCPU 0 then does `changes`, where it may say 2; and vCPU 1 does `uses`, at `use` if it
   * is what this leaves out, from then on.
   */
  function two(changes: string, uses: string, end = say(2)): GuestLab {
    return lab(
      `la s2, stage
      ${call(HSM, 0, 1, 'other', 0)}
      ${awaitStage(1)}
      ld t2, (s0)
      ${changes}
      ${end}
      ${awaitStage(3)}
      j shutdown
      .align 2
      interrupt: csrci sip, 2
      csrr t6, scause
      bgez t6, handler
      sfence.vma
      sret
      other: li t0, ${satp(1)}
      csrw satp, t0
      la t0, interrupt
      csrw stvec, t0
      csrsi sie, 2
      li s0, ${TEST}
      la s2, stage
      ld t2, (s0)
      ${say(1)}
      ${awaitStage(2)}
      ${uses}
      ${say(3)}
      2: wfi
      j 2b
      .align 3
      stage: .dword 0`.replace(`li a1, other`, 'la a1, other'),
      [leaf(0, RW), leaf(2, RW)],
      { vcpus: 2 },
    );
  }
  const found = (changes: string, uses: string, end?: string): number => {
    const guest = two(changes, uses, end);
    guest.finish(20_000_000);
    assert.deepEqual(checkIsolation(guest.guest), []);
    return guest.of('staleTranslation').length;
  };

  it('are told where the one that changed the table fenced itself alone: who wrote, and who used', () => {
    const guest = two(
      `${change}\n sfence.vma\n ld s3, (s0)`,
      'use: ld s3, (s0)\n ld s4, (s0)\n sfence.vma\n ld s5, (s0)',
    );
    guest.finish();
    const [stale, ...more] = guest.of('staleTranslation');
    assert.deepEqual(more, []);
    assert.deepEqual([stale.vcpu, stale.pc, stale.gva], [1, guest.symbol('use'), BigInt(TEST)]);
    assert.deepEqual([stale.writerVcpu, stale.writerPc], [0, guest.symbol('write')]);
    assert.deepEqual([stale.entryBefore, stale.entryNow], [leaf(0, RW), leaf(1, RW)]);
    assert.ok(stale.count > stale.writerCount);
    const [one, other] = guest.guest.vcpus;
    assert.equal(one.x(S3), 101n, 'the fence of the one that executed it');
    const S4 = 20;
    const S5 = 21;
    assert.deepEqual([other.x(S3), other.x(S4), other.x(S5)], [100n, 100n, 101n], 'the other uses the old page');
  });

  const right: [name: string, changes: string][] = [
    ['a remote fence of the page', `${change}\n ${fenceOther()}`],
    ['a remote fence of everything', `${change}\n ${fenceOther(0, 0)}`],
    ['a remote fence of the ASID', `${change}\n ${call(RFENCE, 2, 2, 0, TEST, 0x1000, 1)}`],
    ['a remote fence, and one of its own', `${change}\n ${fenceOther()}\n sfence.vma`],
    [
      'a fence of its own, and an interrupt that lets the other fence',
      `${change}\n ${call(IPI, 0, 2, 0)}\n sfence.vma`,
    ],
  ];
  for (const [name, changes] of right) {
    it(`are none after ${name}`, () => {
      const uses = name.includes('interrupt') ? 'csrsi sstatus, 2\n ld t2, (s0)' : 'ld t2, (s0)';
      assert.equal(found(changes, uses), 0);
    });
  }

  const wrong: [name: string, changes: string][] = [
    ['a fence of its own of the page', `${change}\n sfence.vma s0`],
    ['a remote fence of another page', `${change}\n ${fenceOther(0x1000, TEST + 0x10_0000)}\n sfence.vma`],
    ['a remote fence of another ASID', `${change}\n ${call(RFENCE, 2, 2, 0, TEST, 0x1000, 7)}\n sfence.vma`],
    ['a remote fence of itself', `${change}\n ${call(RFENCE, 1, 1, 0, TEST, 0x1000)}`],
    ['a long time', `${change}\n ${say(1)}\n li t6, 3000000\n 3: addi t6, t6, -1\n bnez t6, 3b`],
  ];
  for (const [name, changes] of wrong) {
    it(`are told after ${name}`, () => {
      assert.equal(found(changes, 'ld t2, (s0)'), 1);
    });
  }

  it('are none before the one that changed the table has fenced, as it may be about to', () => {
    assert.equal(found(`${change}\n ${say(2)}\n ${awaitStage(3)}\n ${fenceOther()}`, 'ld t2, (s0)', ''), 0);
  });

  it('are none where the other never used the page, or uses another', () => {
    assert.equal(found(`${change}\n sfence.vma`, `li t0, ${TEST + 0x1000}\n ld t2, (t0)`), 0);
  });
});

describe('stale translations in the sample kernel', () => {
  const boot = (): HypervisorConsole => {
    const console = new HypervisorConsole({ kernel: teachingKernel, findsStaleTranslations: true });
    return console;
  };

  it('are none in its boot, its programs, and its other commands', async () => {
    const guest = boot();
    await guest.waitFor(prompt);
    for (const command of ['r', 'm', 'n', 'w', 'c', 'u', 'r']) {
      guest.send(`${command}\r`);
      await guest.waitFor(prompt);
    }
    assert.equal(guest.guest.exitCounts.staleTranslation, 0);
    assert.deepEqual(checkIsolation(guest.guest), []);
  });

  it('is the deliberate one', async () => {
    const guest = boot();
    const found: bigint[] = [];
    guest.hypervisor.watchedKinds = new Set(['staleTranslation']);
    guest.hypervisor.onExit = (record) => {
      if (record.kind === 'staleTranslation') found.push(record.pc);
      return 'go';
    };
    await guest.waitFor(prompt);
    guest.send('f\r');
    await guest.waitFor(/reading gives 1111, from the old page[^]*After sfence.vma: reading gives 2222/);
    assert.equal(found.length, 1);
  });
});

describe('random kernels that fence each change', function () {
  this.timeout(120_000);
  for (let seed = 1; seed <= 6; seed++) {
    it(`use no stale translation (seed ${seed})`, () => {
      const source = new RandomKernel(new Random(seed), 400).source();
      const guest = new GuestLab(source, { findsStaleTranslations: true, ...(seed % 3 === 0 && { shadowPages: 24 }) });
      guest.finish(1_000_000);
      assert.deepEqual(guest.of('staleTranslation'), []);
    });
  }
});

/** What a hart with a cache of translations that only fences empty would do, and which of its uses are stale. */
class Model {
  readonly lines: string[] = [];
  readonly expected: string[] = [];
  private readonly entries: bigint[];
  /** Of each page: the entry that its translation was made from, and whether the table was written since, and where. */
  private readonly cached: ({ entry: bigint; writer?: string; before?: bigint } | undefined)[] = [];
  private labels = 0;

  constructor(pages: readonly bigint[]) {
    this.entries = [...pages];
  }

  private label(): string {
    return `at_${this.labels++}`;
  }

  write(page: number, value: bigint): void {
    const label = this.label();
    this.lines.push(`li t0, ${PAGES + 8 * page}`, `li t1, ${value}`, `${label}: sd t1, (t0)`);
    const cached = this.cached[page];
    if (cached) this.cached[page] = { ...cached, writer: label, before: cached.before ?? this.entries[page]! };
    this.entries[page] = value;
  }

  fence(page?: number, asid?: number): void {
    const [rs1, rs2] = [page === undefined ? 'x0' : 't0', asid === undefined ? 'x0' : 't1'];
    this.lines.push(`li t0, ${TEST + 4096 * (page ?? 0)}`, `li t1, ${asid ?? 0}`, `sfence.vma ${rs1}, ${rs2}`);
    if (asid !== undefined && asid !== 1) return;
    if (page === undefined) this.cached.length = 0;
    else delete this.cached[page];
  }

  access(page: number, right: typeof PTE_R | typeof PTE_W): void {
    const label = this.label();
    this.lines.push(`li t0, ${TEST + 4096 * page}`, `${label}: ${right === PTE_W ? 'sd' : 'ld'} t2, (t0)`);
    const cached = this.cached[page];
    const entry = this.entries[page]!;
    // W is in the shadow entry only once something was stored.
    if (cached && (cached.entry & BigInt(right)) !== 0n) {
      if (cached.writer === undefined) return;
      if (!allows(entry, right) || entry >> 10n !== cached.entry >> 10n) {
        this.expected.push([label, cached.writer, cached.before, entry].join(' '));
        this.cached[page] = { entry: cached.entry };
        return;
      }
    }
    if (!allows(entry, right)) return;
    const bits = BigInt(PTE_A | (right === PTE_W ? PTE_D : 0));
    this.entries[page] = entry | bits;
    this.cached[page] = {
      entry: (entry & BigInt(PTE_D)) === 0n && right === PTE_R ? (entry | bits) & ~BigInt(PTE_W) : entry | bits,
    };
  }
}

function allows(entry: bigint, right: number): boolean {
  const needed = BigInt(PTE_V | PTE_R | right);
  return (entry & needed) === needed;
}

describe('random uses of changed translations', function () {
  this.timeout(120_000);
  const PAGES_USED = 4;

  for (let seed = 1; seed <= 8; seed++) {
    it(`are told exactly when they are stale (seed ${seed})`, () => {
      const random = new Random(seed);
      const entry = (): bigint =>
        random.below(5) === 0 ? 0n : leaf(random.below(3), random.pick([RW, RO, PTE_V | PTE_R | PTE_W, PTE_V | PTE_R]));
      const pages = Array.from({ length: PAGES_USED }, entry);
      const model = new Model(pages);
      for (let i = 0; i < 150; i++) {
        const page = random.below(PAGES_USED);
        const choice = random.below(10);
        if (choice < 3) model.write(page, entry());
        else if (choice < 5) model.fence(random.below(2) === 0 ? page : undefined, random.pick([undefined, 1, 2]));
        else model.access(page, random.pick([PTE_R, PTE_W]));
      }
      const guest = lab(model.lines.join('\n'), pages);
      guest.finish();
      const name = (pc: bigint): string => [...guest.symbols].find(([, address]) => address === pc)?.[0] ?? String(pc);
      const told = guest
        .of('staleTranslation')
        .map((stale) => [name(stale.pc), name(stale.writerPc), stale.entryBefore, stale.entryNow].join(' '));
      assert.deepEqual(told, model.expected);
      assert.ok(told.length > 0);
    });
  }
});
