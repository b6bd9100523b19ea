/**
 * Random small kernels for comparing two machines: page tables of all kinds, accesses in both modes, SUM, MXR, ASIDs and
 * fences; CSRs, interrupts, returns and instructions that it may not execute. The kernel logs every trap, and goes on. It
 * follows each change of a page table by a fence, so that all that it
 * sees is determined by the architecture.
 */
import { PTE_A, PTE_D, PTE_G, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from '../../src/machine/pte';
import type { Random } from './random';

/** Everything that the kernel writes lies in these physical addresses. */
export const COMPARED = { start: 0x8030_0000, end: 0x8064_0000 } as const;

const LOG = 0x8030_0000;
const ROOTS = [0x8040_0000, 0x8040_1000];
/** Level-1 tables for the first gigabyte, of each root; level-0 tables for user code and for test pages. */
const LOW_TABLES = [0x8040_2000, 0x8040_3000];
const CODE_TABLE = 0x8040_4000;
const PAGE_TABLES = [0x8040_5000, 0x8040_6000];
const KERNEL_TABLE = 0x8040_7000;
const DATA = 0x8060_0000;
const DATA_PAGES = 64;

/** Where nothing is in QEMU's machine either. Test addresses: sixteen pages, one superpage of 2 MiB, one of 1 GiB. */
const SMALL = 0x2c00_0000n;
const SMALL_PAGES = 16;
/** Of them, those from here on may be mapped to where nothing is. */
const FIRST_PAGE_WITH_NOTHING = 8;
const MEGA = 0x2c20_0000n;
const GIGA = 0x1_0000_0000n;
/** With four levels or more: where the same tables are mapped once more, and may be unmapped. */
const ALIAS = 0x80_0000_0000n;
/** The tables above `ROOTS`, one for each root and further level. */
const upperTable = (root: number, level: number): number => 0x8041_0000 + (2 * (level - 3) + root) * 0x1000;
/** User code, mapped for user mode from the program's second page on. */
const USER = 0x2e00_0000n;

/** CSRs of S-mode, with the bits that are written where not all are. Those with effects on where code runs are not among them. */
const CSRS: readonly (readonly [string, bigint?])[] = [
  ['sstatus', 0xc_6122n],
  ['sie', 0x202n],
  ['sip', 2n],
  ['scounteren', 0xffff_ffffn],
  ['sscratch'],
  ['sepc', -2n],
  ['scause'],
  ['stval'],
  ['senvcfg', 1n],
];
/** Of `write`. */
const WAYS_BY_ATOMICS = [0, 3, 6];
/** CSRs that S-mode has not. */
const FORBIDDEN = ['mstatus', 'mscratch', 'mhartid', 'medeleg', '0x015', '0x123', '0x600', '0x200', '0x7c0', '0x5c0'];

const LEAF = PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D;

const entry = (address: number, bits: number): bigint => (BigInt(address / 4096) << 10n) | BigInt(bits);
/** Offset in its level-1 table of the entry for an address. */
const slotOf = (address: bigint): number => Number((address >> 21n) & 511n) * 8;
const hex = (value: bigint | number): string => `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;

export interface RandomKernelOptions {
  /** Of page tables: 3 for Sv39, 4 for Sv48, 5 for Sv57; 3 unless said otherwise. */
  readonly levels?: 3 | 4 | 5;
  /** Whether it keeps off what QEMU does otherwise (docs/decisions/0004). */
  readonly suitsQemu?: boolean;
}

export class RandomKernel {
  private readonly levels: 3 | 4 | 5;
  private readonly suitsQemu: boolean;
  private readonly userBlocks: string[] = [];
  private label = 0;

  constructor(
    private readonly random: Random,
    private readonly operations: number,
    { levels = 3, suitsQemu = false }: RandomKernelOptions = {},
  ) {
    this.levels = levels;
    this.suitsQemu = suitsQemu;
  }

  /** Assembly for 0x80200000. It ends in `shutdown`, which the caller defines. */
  source(): string {
    const body: string[] = [];
    for (let i = 0; i < this.operations; i++) body.push(this.operation());
    return `
      j start
      .align 2
      handler: csrr t3, scause
      csrr t4, stval
      csrr t5, sepc
      csrr t6, sstatus
      ori t2, t3, 2
      addi t2, t2, -7
      bnez t2, exact
      andi t4, t4, -8
      csrw stval, t4
      exact: sd t3, (s0)
      sd t4, 8(s0)
      sd t5, 16(s0)
      sd t6, 24(s0)
      addi s0, s0, 32
      bltz t3, interrupted
      li t4, 0x100
      li t6, 8
      beq t3, t6, to_kernel
      li t6, 4
      bltu t3, t6, to_kernel
      li t6, 12
      beq t3, t6, to_kernel
      addi t5, t5, 4
      csrw sepc, t5
      sret
      to_kernel: csrw sepc, s1
      csrs sstatus, t4
      sret
      interrupted: csrci sip, 2
      li t4, -1
      csrw stimecmp, t4
      li t2, 0
      sret
      .align 8
      vectors: ${'j handler\n'.repeat(16)}
      .align 12
      user:
      @user@
      .align 12
      start: la t0, handler
      csrw stvec, t0
      li s0, ${hex(LOG)}
      li s3, 0
      la s1, shutdown
      ${this.tables()}
      ${this.switchTo(0)}
      ${body.join('\n')}
      j shutdown
    `.replace('@user@', () => this.userBlocks.join('\n'));
  }

  private store(address: number, value: bigint): string {
    return `li t0, ${hex(address)}\n li t1, ${hex(value)}\n sd t1, (t0)`;
  }

  /** As `store`, in one of the ways that instructions offer, at times by the alias of memory that may be mapped at GIGA. */
  private write(address: number, value: bigint): string {
    const { random } = this;
    const way = random.below(12);
    // In QEMU, AMOs fault as loads, and SC without a reservation does not.
    const mayFault = !this.suitsQemu || !WAYS_BY_ATOMICS.includes(way);
    const at = mayFault && random.below(8) === 0 ? GIGA + BigInt(address - 0x8000_0000) : BigInt(address);
    const start = `li t0, ${hex(at)}\n li t1, ${hex(value)}`;
    const shift = (bits: number) => `srli t1, t1, ${bits}\n`;
    switch (way) {
      case 0:
        return `${start}\n amoswap.d t2, t1, (t0)\n li t2, 0`;
      case 1:
        return `${start}\n sw t1, (t0)\n ${shift(32)} sw t1, 4(t0)`;
      case 2:
        return `${start}\n ${[0, 1, 2, 3, 4, 5, 6, 7].map((i) => `sb t1, ${i}(t0)\n ${shift(8)}`).join('')}`;
      case 3:
        return `${start}\n ${'lr.d t2, (t0)\n sc.d t3, t1, (t0)\n'.repeat(3)} li t2, 0\n li t3, 0`;
      case 4:
        return `${start}\n sh t1, (t0)\n ${shift(16)} sw t1, 2(t0)\n ${shift(32)} sh t1, 6(t0)`;
      case 5:
        return `${start}\n li t2, 0x6000\n csrs sstatus, t2\n fmv.d.x f0, t1\n fsd f0, (t0)`;
      case 6:
        return `${start}\n amoor.w t2, x0, (t0)\n sd x0, (t0)\n amoadd.d t2, t1, (t0)\n li t2, 0`;
      default:
        return `${start}\n sd t1, (t0)`;
    }
  }

  /** Both roots: the kernel by superpages at its own addresses, user code, and empty tables for the test addresses. */
  private tables(): string {
    const lines: string[] = [];
    ROOTS.forEach((root, i) => {
      lines.push(this.store(root, entry(LOW_TABLES[i], PTE_V)));
      lines.push(this.store(root + 16, entry(KERNEL_TABLE, PTE_V)));
      lines.push(this.store(LOW_TABLES[i] + slotOf(SMALL), entry(PAGE_TABLES[i], PTE_V)));
      lines.push(this.store(LOW_TABLES[i] + slotOf(USER), entry(CODE_TABLE, PTE_V)));
      for (let level = 3; level < this.levels; level++) {
        lines.push(this.store(upperTable(i, level), entry(level === 3 ? root : upperTable(i, level - 1), PTE_V)));
      }
    });
    for (let mega = 0; mega < 64; mega++) {
      lines.push(this.store(KERNEL_TABLE + mega * 8, entry(0x8000_0000 + mega * 0x20_0000, LEAF | PTE_G)));
    }
    // The program's second page, at 0x80201000, by a table of its own in the data pages' reach.
    lines.push(this.store(CODE_TABLE, entry(0x8020_1000, PTE_V | PTE_R | PTE_X | PTE_U | PTE_A)));
    lines.push(this.store(CODE_TABLE + 8, entry(0x8020_2000, PTE_V | PTE_R | PTE_X | PTE_U | PTE_A)));
    return lines.join('\n');
  }

  private operation(): string {
    const { random } = this;
    const choice = random.below(100);
    if (choice < 30) return this.access();
    if (choice < 52) return this.changeTable();
    if (choice < 61) return this.changeStatus();
    if (choice < 65) return this.jump();
    if (choice < 70) return this.switchTo(random.below(3));
    if (choice < 90) return this.privileged();
    return this.userExcursion();
  }

  /**
   * An even address, at times close to the end of its page. Accesses cross only into pages that are alike in having memory
   * or not: which fault of two comes first is a choice of the machine.
   */
  private testAddress(): bigint {
    const { random } = this;
    const crosses = random.below(4) === 0;
    const alias = this.levels > 3 && random.below(4) === 0 ? ALIAS : 0n;
    const offset = alias + BigInt(crosses ? 4096 - 2 * random.below(5) : 2 * random.below(2044));
    const choice = random.below(20);
    if (choice < 14) {
      const page = random.below(crosses ? FIRST_PAGE_WITH_NOTHING - 1 : SMALL_PAGES);
      return SMALL + BigInt(page) * 4096n + offset;
    }
    if (choice < 17) return MEGA + BigInt(random.below(511)) * 4096n + offset;
    if (choice < 19) return GIGA + BigInt(0x60_0000 + random.below(DATA_PAGES) * 4096) + offset;
    return random.pick([0x2_0000n, 0x80_0000_0000n, -4096n, 0x8060_0000n, USER]) + offset;
  }

  /** Whatever lies in the data pages is an illegal instruction at every halfword. */
  private value(): bigint {
    const half = () => BigInt(0x9c41 | (this.random.below(8) << 7) | (this.random.below(8) << 2));
    return half() | (half() << 16n) | (half() << 32n) | (half() << 48n);
  }

  private access(): string {
    const { random } = this;
    const address = this.testAddress();
    const aligned = `li t0, ${hex(address & ~7n)}`;
    const take = '\n slli t2, s3, 1\n srli s3, s3, 63\n add s3, s3, t2\n add s3, s3, t1';
    const value = `li t1, ${hex(this.value())}`;
    switch (this.suitsQemu ? 2 + random.below(8) : random.below(10)) {
      case 0:
        return `${aligned}\n${value}\n ${random.pick(['amoswap.d', 'amoswap.w'])} t1, t1, (t0)${take}`;
      case 1:
        // Twice, as the exit for the first one may cost the reservation, and a guest that tries again must succeed.
        return `${aligned}\n${value}\n ${'lr.d t2, (t0)\n sc.d t3, t1, (t0)\n'.repeat(2)} li t2, 0\n li t3, 0`;
      case 2:
      case 3:
      case 4:
        return `li t0, ${hex(address)}\n${value}\n ${random.pick(['sh', 'sw', 'sd'])} t1, (t0)`;
      default:
        return `li t0, ${hex(address + BigInt(random.below(2)))}\n li t1, 0\n ${random.pick(['lb', 'lbu', 'lh', 'lhu', 'lw', 'lwu', 'ld'])} t1, (t0)${take}`;
    }
  }

  /** Writes an entry for a test address into a table, and fences it in one of the ways that cover it. */
  private changeTable(): string {
    const { random } = this;
    const table = random.below(2);
    const index = random.below(SMALL_PAGES);
    if (this.levels > 3 && random.below(8) === 0) return this.changeUpperTable(table);
    const choice = random.below(10);
    let slot: number;
    let address: bigint;
    let target: number;
    if (choice < 8) {
      [slot, address] = [PAGE_TABLES[table] + index * 8, SMALL + BigInt(index * 4096)];
      target = this.target(index);
    } else if (choice === 8) {
      [slot, address] = [LOW_TABLES[table] + slotOf(MEGA), MEGA];
      target = random.pick([0x8060_0000, 0x8060_0000, 0x8060_0000, 0x8060_1000, 0x9000_0000]);
    } else {
      [slot, address] = [ROOTS[table] + 4 * 8, GIGA];
      target = random.pick([0x8000_0000, 0x8000_0000, 0x8020_0000, 0xc000_0000]);
    }
    const isLeaf = random.below(16) !== 0;
    let bits = random.below(16) === 0 ? random.below(256) : PTE_V | (random.below(256) & ~PTE_V);
    if (!isLeaf) bits &= ~(PTE_R | PTE_W | PTE_X);
    else if ((bits & (PTE_R | PTE_W | PTE_X)) === 0 && choice >= 8) bits |= PTE_R;
    if (this.suitsQemu) {
      // What S-mode may load from by SUM it may then execute there; and a table where no memory is is a page fault.
      if ((bits & PTE_U) !== 0) bits &= ~PTE_X;
      if (!isLeaf && choice >= 8) target = DATA;
    }
    const reserved = random.below(24) === 0 && !this.suitsQemu ? 1n << BigInt(54 + random.below(10)) : 0n;
    return `${this.write(slot, entry(target, bits) | reserved)}\n${this.fence(address, table, choice >= 8)}`;
  }

  /** Maps or unmaps the alias of everything, or maps it by one leaf of 512 GiB, aligned or not. */
  private changeUpperTable(table: number): string {
    const { random } = this;
    const leaf = random.pick([0, 0x8000_0000, 0x80_0000_0000]);
    const bits = LEAF & ~random.below(256);
    const isTable = (bits & (PTE_R | PTE_W | PTE_X)) === 0;
    const value = random.pick([0n, entry(ROOTS[table], PTE_V), entry(isTable && this.suitsQemu ? DATA : leaf, bits)]);
    return `${this.write(upperTable(table, 3) + 8, value)}\n${this.fence(ALIAS, table, true)}`;
  }

  private fence(address: bigint, table: number, everything: boolean): string {
    const asid = `li t1, ${table + 1}`;
    const where = `li t0, ${hex(address)}`;
    if (everything) return this.random.pick(['sfence.vma', `${asid}\n sfence.vma x0, t1`]);
    return this.random.pick(['sfence.vma', `${where}\n sfence.vma t0`, `${where}\n ${asid}\n sfence.vma t0, t1`]);
  }

  /** What a page is mapped to: mostly data, sometimes an address with nothing there. */
  private target(page: number): number {
    const { random } = this;
    if (page >= FIRST_PAGE_WITH_NOTHING && random.below(6) === 0) {
      return random.pick([0x8800_0000, 0x2d00_0000, 0x4000_0000_0000]);
    }
    return DATA + random.below(DATA_PAGES) * 4096;
  }

  private changeStatus(): string {
    const mask = this.random.pick([0x4_0000, 0x8_0000, 0xc_0000]);
    return `li t0, ${hex(mask)}\n ${this.random.pick(['csrs', 'csrc'])} sstatus, t0`;
  }

  /** An instruction of the kernel's alone, or one that it may not execute; where it traps, the kernel goes on behind it. */
  private privileged(): string {
    const { random } = this;
    const value = `li t0, ${hex(this.csrValue())}`;
    const [csr, mask] = random.pick(CSRS);
    const masked = mask === undefined ? '' : `\n li t2, ${hex(mask)}\n and t0, t0, t2`;
    const take = 'slli t2, s3, 1\n srli s3, s3, 63\n add s3, s3, t2\n add s3, s3, t1\n li t2, 0';
    switch (random.below(12)) {
      case 0:
      case 1:
      case 2:
        return `${value}${masked}\n ${random.pick(['csrrw', 'csrrs', 'csrrc'])} t1, ${csr}, t0\n ${take}`;
      case 3:
        return `csrr t1, ${random.pick(CSRS)[0]}\n ${take}`;
      case 4:
        return this.skipping(`${value}\n ${random.pick(['csrrw', 'csrrs'])} t1, ${random.pick(FORBIDDEN)}, t0`);
      case 5:
        return this.skipping(
          random.pick([
            'mret',
            'ebreak',
            '.word 0xffffffff',
            '.word 0',
            'csrw cycle, t0',
            'li t0, 1\n csrrs t0, 0xc01, t0',
          ]),
        );
      case 6:
        // A software interrupt: at once, or when it is enabled.
        return random.pick(['csrsi sip, 2', 'csrsi sie, 2', 'csrsi sstatus, 2', 'csrci sstatus, 2', 'csrci sie, 2']);
      case 7:
        return `csrci sstatus, 2\n csrsi sie, 2\n csrsi sip, 2\n wfi`;
      case 8:
        // The timer's: stimecmp has passed until the handler or the next line ends that.
        return `csrw stimecmp, x0\n csrr t1, sip\n ${take}\n ${random.pick(['', 'csrsi sstatus, 2', 'li t0, 32\n csrs sie, t0'])}
          nop\n li t0, -1\n csrw stimecmp, t0\n csrr t1, sip\n ${take}`;
      case 9: {
        const back = this.newLabel();
        return `la t0, ${back}\n csrw sepc, t0\n li t0, ${random.pick(['0x100', '0x120'])}\n csrs sstatus, t0\n sret\n nop\n ${back}:`;
      }
      case 10:
        return `la t0, ${random.pick(['handler', 'vectors + 1'])}\n csrw stvec, t0`;
      default:
        return this.skipping(
          `li t0, ${random.pick(['0', '0x2000', '0x6000'])}\n li t1, 0x6000\n csrc sstatus, t1\n csrs sstatus, t0
           ${random.pick(['fmv.d.x f1, t1', 'csrr t1, fcsr', 'fadd.d f1, f1, f1'])}\n li t1, 0x6000\n csrs sstatus, t1`,
        );
    }
  }

  /** Code that may trap as illegal, and is left then. */
  private skipping(code: string): string {
    const next = this.newLabel();
    return `la s1, ${next}\n ${code}\n ${next}:\n li t0, 0x6000\n csrs sstatus, t0`;
  }

  private csrValue(): bigint {
    const { random } = this;
    return random.pick([
      0n,
      -1n,
      0x5555_5555_5555_5555n,
      BigInt(random.below(0x1000)),
      BigInt(random.below(2 ** 31)) << 20n,
    ]);
  }

  private jump(): string {
    const back = this.newLabel();
    return `la s1, ${back}\n li t0, ${hex(this.testAddress() & ~1n)}\n jr t0\n ${back}:`;
  }

  /** To one of the two page tables, or to Bare. */
  private switchTo(table: number): string {
    if (table === 2) return 'csrw satp, x0';
    const root = this.levels > 3 ? upperTable(table, this.levels - 1) : ROOTS[table];
    const satp = (BigInt(5 + this.levels) << 60n) | (BigInt(table + 1) << 44n) | BigInt(root / 4096);
    return `li t0, ${hex(satp)}\n csrw satp, t0`;
  }

  /** Some accesses in user mode. Where user code is not mapped, as in Bare, it faults and comes back at once. */
  private userExcursion(): string {
    const [back, block] = [this.newLabel(), this.newLabel()];
    const count = this.userBlocks.length < 12 ? 1 + this.random.below(3) : 0;
    const accesses = Array.from({ length: count }, () =>
      this.random.below(4) === 0 ? this.userOperation() : this.access(),
    );
    this.userBlocks.push(`${block}: ${accesses.join('\n')}\n ecall`);
    return `la s1, ${back}
      la t0, ${block}
      la t1, user
      sub t0, t0, t1
      li t1, ${hex(USER)}
      add t0, t0, t1
      csrw sepc, t0
      li t0, 0x100
      csrc sstatus, t0
      sret
      ${back}:`;
  }

  /** What user programs may do or not; what they may not ends the excursion. */
  private userOperation(): string {
    const permit = this.random.pick([
      'rdtime t1',
      'rdcycle t1',
      'rdinstret t1',
      'csrr t1, hpmcounter3',
      'fadd.d f1, f1, f2',
    ]);
    const forbid = [
      'csrr t1, sscratch',
      '.word 0x10500073',
      '.word 0x12000073',
      '.word 0x10200073',
      'csrr t1, mhartid',
    ];
    return `${this.random.below(3) === 0 ? this.random.pick(forbid) : permit}\n li t1, 0`;
  }

  private newLabel(): string {
    return `label_${this.label++}`;
  }
}
