/** The scenarios of the comparison of traps with QEMU. */
import type { Scenario } from './trap-program';
import { csrs, csrw, frame, map, NOWHERE, PAGES, poke, TABLES } from './trap-program';

const [V, R, W, X, U, A, D] = [1n, 2n, 4n, 8n, 0x10n, 0x40n, 0x80n];
const [TVM, TW, TSR, SUM, MXR, MPRV] = [1n << 20n, 1n << 21n, 1n << 22n, 1n << 18n, 1n << 19n, 1n << 17n];
const [SIE, MIE] = [2n, 8n];
const [SSIP, STIP] = [2n, 0x20n];
const modes = ['M', 'S', 'U'] as const;

/** The same code in all three modes. */
const inAllModes = (name: string, code: string, setup = ''): Scenario[] =>
  modes.map((mode) => ({ name: `${name} in ${mode}-mode`, mode, code, setup }));

const load = (address: bigint): string => `li t0, ${address}\nld a0, 0(t0)`;
const store = (address: bigint): string => `li t0, ${address}\nli a0, 7\nsd a0, 0(t0)`;
const fetch = (address: bigint): string => `li t0, ${address}\njr t0`;
const accesses = { load, store, fetch };

/** Load, store and fetch of page 0 under some mapping. */
function accessPage(name: string, mode: 'S' | 'U', setup: string, address = PAGES + 8n): Scenario[] {
  return Object.entries(accesses).map(([kind, access]) => ({
    name: `${kind}: ${name}, in ${mode}-mode`,
    mode,
    paging: true,
    // What is fetched is an ebreak.
    setup: poke(frame(0n) + 8n, 0x00100073n) + setup,
    code: access(address),
  }));
}

const instructions: Scenario[] = [
  ...inAllModes('all ones', '.word 0xffffffff'),
  ...inAllModes('all zeros', '.half 0'),
  ...inAllModes('ebreak', 'ebreak'),
  ...inAllModes('c.ebreak', 'c.ebreak'),
  ...inAllModes('ecall', 'ecall'),
  ...inAllModes('mret', 'la t0, 1f\ncsrw mepc, t0\nmret\nnop\n1:'),
  ...inAllModes('sret', 'la t0, 1f\ncsrw sepc, t0\nsret\nnop\n1: li a0, 5'),
  ...inAllModes('mret without mepc', 'mret').slice(1),
  { name: 'sret in U-mode', mode: 'U', code: 'sret' },
  { name: 'wfi in U-mode', mode: 'U', code: 'wfi' },
  { name: 'wfi with TW', mode: 'S', setup: csrs('mstatus', TW), code: 'wfi' },
  {
    name: 'wfi with an interrupt pending',
    mode: 'M',
    setup: csrw('mie', SSIP) + csrw('mip', SSIP),
    code: 'wfi\nli a0, 9',
  },
  { name: 'sret with TSR', mode: 'S', setup: csrs('mstatus', TSR), code: 'sret' },
  {
    name: 'sret with TSR in M-mode',
    mode: 'M',
    setup: csrs('mstatus', TSR),
    code: 'la t0, 1f\ncsrw sepc, t0\nsret\n1:',
  },
  { name: 'satp with TVM', mode: 'S', setup: csrs('mstatus', TVM), code: 'csrr a0, satp' },
  { name: 'sfence.vma with TVM', mode: 'S', setup: csrs('mstatus', TVM), code: 'sfence.vma' },
  { name: 'sfence.vma with TVM in M-mode', mode: 'M', setup: csrs('mstatus', TVM), code: 'sfence.vma' },
  ...inAllModes('sfence.vma', 'sfence.vma'),
  { name: 'jump to an odd address', mode: 'M', code: 'la t0, 1f\naddi t0, t0, 1\njr t0\nnop\n1: li a0, 3' },
];

const csrAccesses: Scenario[] = [
  ...inAllModes('read mstatus', 'csrr t0, mstatus'),
  ...inAllModes('read sstatus', 'csrr t0, sstatus'),
  ...inAllModes('write a read-only CSR', 'csrw mhartid, x0'),
  ...inAllModes(
    'set no bits of a read-only CSR',
    'csrrs t0, cycle, x0',
    csrw('mcounteren', 7n) + csrw('scounteren', 7n),
  ),
  ...inAllModes('set bits of a read-only CSR', 'li t0, 1\ncsrrs t0, cycle, t0'),
  ...inAllModes(
    'clear no bits by a constant',
    'csrrci t0, instret, 0',
    csrw('mcounteren', 7n) + csrw('scounteren', 7n),
  ),
  ...inAllModes('a CSR that does not exist', 'csrr t0, 0x7ff'),
  ...inAllModes('floating-point CSR', 'csrr t0, fcsr'),
  ...inAllModes('cycle, not enabled', 'csrr t0, cycle'),
  ...inAllModes('time, enabled for S', 'csrr t0, time', csrw('mcounteren', 2n)),
  ...inAllModes('time, enabled for U only', 'csrr t0, time', csrw('scounteren', 2n)),
  ...inAllModes('pmpcfg1', 'csrr t0, 0x3a1'),
  {
    name: 'csrrw with the same register',
    mode: 'M',
    code: 'li a0, 5\ncsrw mscratch, a0\nli a0, 6\ncsrrw a0, mscratch, a0',
  },
  { name: 'satp with a reserved mode', mode: 'M', code: 'li t0, 0x1000000000012345\ncsrw satp, t0\ncsrr a0, satp' },
  {
    name: 'sie shows what is delegated',
    mode: 'M',
    setup: csrw('mideleg', 2n),
    code: 'li t0, 0xfff\ncsrw mie, t0\ncsrr a0, sie',
  },
  {
    name: 'sie writes what is delegated',
    mode: 'M',
    setup: csrw('mideleg', 2n),
    code: 'li t0, 0xfff\ncsrw sie, t0\ncsrr a0, mie',
  },
  {
    name: 'sip writes SSIP only',
    mode: 'M',
    setup: csrw('mideleg', 0x222n),
    code: 'li t0, 0xfff\ncsrw sip, t0\ncsrr a0, sip',
  },
  { name: 'sip without delegation', mode: 'M', code: 'li t0, 0xfff\ncsrw sip, t0\ncsrr a0, sip' },
];

const access: Scenario[] = Object.entries(accesses).flatMap(([kind, go]) =>
  [NOWHERE, 1n << 40n, 0x40n].flatMap((address) => inAllModes(`${kind} at 0x${address.toString(16)}`, go(address))),
);

const all = V | R | W | X | A | D;
const misaligned = ((0x80200000n >> 12n) << 10n) | all;
const pageFaults: Scenario[] = [
  ...accessPage('nothing mapped', 'S', ''),
  ...accessPage('everything allowed', 'S', map(0n, all)),
  ...accessPage('everything allowed', 'U', map(0n, all | U)),
  ...accessPage('V = 0', 'S', map(0n, all & ~V)),
  ...accessPage('W without R', 'S', map(0n, V | W | A | D)),
  ...accessPage('W and X without R', 'S', map(0n, V | W | X | A | D)),
  ...accessPage('points further', 'S', map(0n, V)),
  ...accessPage('points further with A', 'S', map(0n, V | A)),
  ...accessPage('read-only', 'S', map(0n, V | R | A | D)),
  ...accessPage('execute-only', 'S', map(0n, V | X | A | D)),
  ...accessPage('execute-only with MXR', 'S', csrs('mstatus', MXR) + map(0n, V | X | A | D)),
  ...accessPage('read and write', 'S', map(0n, V | R | W | A | D)),
  ...accessPage('user page', 'S', map(0n, all | U)),
  ...accessPage('user page with SUM', 'S', csrs('mstatus', SUM) + map(0n, all | U)),
  ...accessPage('supervisor page', 'U', map(0n, all)),
  ...accessPage('supervisor page with SUM', 'U', csrs('mstatus', SUM) + map(0n, all)),
  ...accessPage('A = 0', 'S', map(0n, all & ~A)),
  ...accessPage('D = 0', 'S', map(0n, all & ~D)),
  ...accessPage('A = D = 0', 'U', map(0n, (all | U) & ~A & ~D)),
  ...accessPage('A = D = 0 and read-only', 'S', map(0n, V | R)),
  ...[54n, 60n, 61n, 62n, 63n].flatMap((bit) => accessPage(`bit ${bit} set`, 'S', map(0n, all | (1n << bit)))),
  ...accessPage('frame without memory', 'S', map(0n, all, NOWHERE)),
  ...accessPage('pointer with U', 'S', map(0n, all) + poke(TABLES.middle0, ((frame(0n) >> 12n) << 10n) | V | U)),
  ...accessPage('misaligned 2 MiB', 'S', poke(TABLES.middle0, ((0x80001000n >> 12n) << 10n) | all)),
  ...accessPage('misaligned 1 GiB', 'S', poke(TABLES.root4, misaligned)),
  ...accessPage('misaligned and read-only', 'S', poke(TABLES.root4, ((0x80200000n >> 12n) << 10n) | V | R)),
  ...accessPage('bit 39 set', 'S', map(0n, all), PAGES | (1n << 39n)),
  ...accessPage('bit 63 set', 'S', map(0n, all), PAGES | (1n << 63n)),
  ...accessPage('bit 38 without those above', 'S', map(0n, all), 1n << 38n),
  ...accessPage('the last address', 'S', map(0n, all), 0xffff_ffff_ffff_fff8n),
];

const pageCrossing: Scenario[] = [
  { name: 'load, second page missing', setup: map(0n, all), code: load(PAGES + 0xffcn) },
  { name: 'load, first page missing', setup: map(1n, all), code: load(PAGES + 0xffcn) },
  {
    name: 'load, both there',
    setup: map(0n, all) + map(1n, all) + poke(frame(1n), 0x1234n),
    code: load(PAGES + 0xffcn),
  },
  { name: 'store, second page missing', setup: map(0n, all), code: store(PAGES + 0xffen) },
  { name: 'store, first page missing', setup: map(1n, all), code: store(PAGES + 0xffen) },
  { name: 'store, second page read-only', setup: map(0n, all) + map(1n, V | R), code: store(PAGES + 0xffen) },
  {
    name: 'fetch, second page missing',
    setup: map(0n, all) + poke(frame(0n) + 0xff8n, 0x0073n << 48n),
    code: fetch(PAGES + 0xffen),
  },
  {
    name: 'fetch, second page not executable',
    setup: map(0n, all) + map(1n, V | R | W | A | D) + poke(frame(0n) + 0xff8n, 0x0073n << 48n),
    code: fetch(PAGES + 0xffen),
  },
  {
    name: 'fetch, both there',
    setup: map(0n, all) + map(1n, all) + poke(frame(0n) + 0xff8n, 0x0073n << 48n) + poke(frame(1n), 0x0010n),
    code: fetch(PAGES + 0xffen),
  },
].map((scenario) => ({ ...scenario, name: `page crossing: ${scenario.name}`, mode: 'S', paging: true }));

const ALL_EXCEPTIONS = 0xb1ffn;
const delegated: Scenario[] = [
  ...(['S', 'U'] as const).flatMap((mode): Scenario[] => [
    { name: `delegated illegal instruction from ${mode}`, mode, code: '.word 0xffffffff' },
    { name: `delegated ebreak from ${mode}`, mode, code: 'ebreak' },
    { name: `delegated ecall from ${mode}`, mode, code: 'ecall' },
    { name: `delegated page fault from ${mode}`, mode, paging: true, code: load(PAGES) },
    { name: `delegated access fault from ${mode}`, mode, code: load(NOWHERE) },
    {
      name: `delegated, vectored, from ${mode}`,
      mode,
      setup: 'csrr t0, stvec\nori t0, t0, 1\ncsrw stvec, t0',
      code: 'ebreak',
    },
  ]),
  { name: 'delegated illegal instruction from M', mode: 'M' as const, code: '.word 0xffffffff' },
  { name: 'with SIE set', mode: 'S' as const, setup: csrs('mstatus', SIE), code: 'ebreak' },
].map((scenario) => ({ ...scenario, setup: csrw('medeleg', ALL_EXCEPTIONS) + (scenario.setup ?? '') }));

const vectored = 'csrr t0, stvec\nori t0, t0, 1\ncsrw stvec, t0\n';
const interrupts: Scenario[] = [
  ...inAllModes('SSIP without delegation', 'nop', csrw('mie', SSIP) + csrw('mip', SSIP)),
  ...inAllModes('SSIP delegated', 'nop', csrw('mideleg', SSIP) + csrw('mie', SSIP) + csrw('mip', SSIP)),
  ...inAllModes(
    'SSIP delegated, SIE',
    'nop',
    csrw('mideleg', SSIP) + csrw('mie', SSIP) + csrw('mip', SSIP) + csrs('mstatus', SIE),
  ),
  ...inAllModes(
    'STIP delegated, vectored',
    'nop',
    vectored + csrw('mideleg', STIP) + csrw('mie', STIP) + csrw('mip', STIP),
  ),
  ...inAllModes('SSIP and STIP', 'nop', csrw('mideleg', 0x22n) + csrw('mie', 0x22n) + csrw('mip', 0x22n)),
  ...inAllModes('SSIP for M, STIP for S', 'nop', csrw('mideleg', STIP) + csrw('mie', 0x22n) + csrw('mip', 0x22n)),
  {
    name: 'MIE set takes effect at once',
    mode: 'M',
    setup: csrw('mie', SSIP) + csrw('mip', SSIP),
    code: 'csrsi mstatus, 8\nli a0, 1\nli a0, 2',
  },
  {
    name: 'SIE set takes effect at once',
    mode: 'S',
    setup: csrw('mideleg', SSIP) + csrw('mie', SSIP) + csrw('mip', SSIP),
    code: 'csrsi sstatus, 2\nli a0, 1\nli a0, 2',
  },
  {
    name: 'sip set takes effect at once',
    mode: 'S',
    setup: csrw('mideleg', SSIP) + csrw('mie', SSIP) + csrs('mstatus', SIE),
    code: 'csrsi sip, 2\nli a0, 1\nli a0, 2',
  },
  {
    name: 'mret enables interrupts',
    mode: 'M',
    setup: csrw('mie', SSIP) + csrw('mip', SSIP),
    code: `la t0, 1f\ncsrw mepc, t0\nli t0, ${(3n << 11n) | 0x80n}\ncsrs mstatus, t0\nmret\nnop\n1: li a0, 1\nli a0, 2`,
  },
  {
    name: 'MIE without anything pending',
    mode: 'M',
    setup: csrs('mstatus', MIE) + csrw('mie', 0xaaan & ~0x80n),
    code: 'li a0, 4',
  },
];

const modified = (mpp: bigint): string => csrs('mstatus', MPRV | (mpp << 11n));
/** Not here: that MPRV ends when M-mode does, which QEMU 7.2 leaves out (Privileged 3.1.6.1). */
const privilegeModified: Scenario[] = [
  {
    name: 'MPRV, S, translated load',
    code: `${modified(1n)}${load(PAGES + 8n)}`,
    setup: map(0n, all) + poke(frame(0n) + 8n, 0x77n),
  },
  { name: 'MPRV, S, page fault', code: `${modified(1n)}${load(PAGES + 0x1000n)}`, setup: map(0n, all) },
  { name: 'MPRV, U, supervisor page', code: `${modified(0n)}${store(PAGES)}`, setup: map(0n, all) },
  { name: 'MPRV, U, user page', code: `${modified(0n)}${store(PAGES)}`, setup: map(0n, (all | U) & ~D) },
  { name: 'MPRV, M', code: `${modified(3n)}${load(frame(0n))}`, setup: poke(frame(0n), 0x55n) },
  { name: 'MPRV stays with mret to M', code: `${modified(3n)}la t0, 1f\ncsrw mepc, t0\nmret\n1: li a0, 1`, setup: '' },
].map((scenario) => ({ ...scenario, mode: 'M', paging: true }));

/** Protects frame 0 by entry 0 with this configuration (NAPOT, 4 KiB). */
const protect = (config: bigint, address = frame(0n), size = 0x1000n): string =>
  csrw('pmpaddr0', (address >> 2n) | (size / 8n - 1n)) + csrw('pmpcfg0', config);
const NAPOT = 0x18n;
const [pmpR, pmpW, pmpX, pmpL] = [1n, 2n, 4n, 0x80n];
const protection: Scenario[] = [
  ...[0n, pmpR, pmpR | pmpW, pmpX, pmpR | pmpX, pmpR | pmpW | pmpX].flatMap((rights) =>
    Object.entries(accesses).flatMap(([kind, go]): Scenario[] => {
      const setup = poke(frame(0n), 0x00100073n) + protect(NAPOT | rights);
      return [
        ...inAllModes(`PMP ${rights}: ${kind}`, go(frame(0n)), setup),
        {
          name: `PMP ${rights}: ${kind}, translated`,
          mode: 'S',
          paging: true,
          setup: setup + map(0n, all),
          code: go(PAGES),
        },
      ];
    }),
  ),
  ...inAllModes(
    'PMP: TOR',
    load(frame(0n)),
    csrw('pmpaddr0', frame(0n) >> 2n) + csrw('pmpaddr1', frame(1n) >> 2n) + csrw('pmpcfg0', 0x0800n),
  ),
  ...inAllModes(
    'PMP: beside TOR',
    load(frame(1n)),
    csrw('pmpaddr0', frame(0n) >> 2n) + csrw('pmpaddr1', frame(1n) >> 2n) + csrw('pmpcfg0', 0x0800n),
  ),
  {
    name: 'PMP: NA4, four bytes beside',
    mode: 'S',
    setup: csrw('pmpaddr0', frame(0n) >> 2n) + csrw('pmpcfg0', 0x10n),
    code: `li t0, ${frame(0n) + 4n}\nlw a0, 0(t0)`,
  },
  {
    name: 'PMP: NA4, the four bytes',
    mode: 'S',
    setup: csrw('pmpaddr0', frame(0n) >> 2n) + csrw('pmpcfg0', 0x10n),
    code: `li t0, ${frame(0n)}\nlw a0, 0(t0)`,
  },
  {
    name: 'PMP: NA4, in part',
    mode: 'S',
    setup: csrw('pmpaddr0', frame(0n) >> 2n) + csrw('pmpcfg0', 0x17n),
    code: load(frame(0n)),
  },
  {
    name: 'PMP: table unreadable',
    mode: 'S',
    paging: true,
    setup: map(0n, all) + protect(NAPOT, 0x80102000n),
    code: load(PAGES),
  },
];
/** Locked entries cannot be undone: last. */
const locked: Scenario[] = [
  { name: 'PMP: locked, store in M-mode', mode: 'M', setup: protect(NAPOT | pmpL | pmpR), code: store(frame(0n)) },
  { name: 'PMP: locked, load in M-mode', mode: 'M', setup: '', code: load(frame(0n)) },
  { name: 'PMP: locked configuration stays', mode: 'M', setup: '', code: 'csrw pmpcfg0, x0\ncsrr a0, pmpcfg0' },
  { name: 'PMP: locked address stays', mode: 'M', setup: '', code: 'csrw pmpaddr0, x0\ncsrr a0, pmpaddr0' },
];

export const trapScenarios: readonly Scenario[] = [
  ...instructions,
  ...csrAccesses,
  ...access,
  ...pageFaults,
  ...pageCrossing,
  ...delegated,
  ...interrupts,
  ...privilegeModified,
  ...protection,
  ...locked,
];
