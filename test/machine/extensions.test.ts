/** Extensions that a machine has or has not: whole programs, from the instruction to its effect. */
import assert from 'node:assert/strict';
import { assembleSource } from '../../src/isa/assemble';
import type { ExtensionSwitches, SwitchableExtension } from '../../src/isa/extensions';
import { CSR } from '../../src/machine/csr-numbers';
import type { Hart } from '../../src/machine/hart';
import { Machine } from '../../src/machine/machine';
import { isaString } from '../../src/machine/isa-string';
import type { PagingScheme } from '../../src/machine/paging';
import { makeSatp, sv39, sv48, sv57 } from '../../src/machine/paging';
import { makeEntry } from '../../src/machine/pte';
import { MSTATUS } from '../../src/machine/status';
import { INSTRUCTIONS_PER_TICK } from '../../src/machine/time';
import { cpuNode } from '../support/fdt';
import { FLAT_BASE, flatMachine } from '../support/flat-program';

const ILLEGAL = 2n;
const [LOAD_PAGE, STORE_PAGE] = [13n, 15n];
const [S, U] = [1, 0] as const;
const RW = 0xc7; // D, A, W, R, V
const A_AND_D = 0xc0;
const X = 0x08;
const USER = 0x10;
const [T0, A0, A1, A2] = [5, 10, 11, 12];

const DATA = 0x80100000;
const ROOT = 0x80200000;
const N = 1n << 63n;

interface Started {
  readonly machine: Machine;
  readonly hart: Hart;
}

/** A machine that stands at `code`, which ends in a breakpoint exception. */
function start(code: string, extensions: ExtensionSwitches = {}): Started {
  const { bytes } = assembleSource(`${code}\n  nop\n  ebreak`, FLAT_BASE);
  const { machine } = flatMachine(bytes, extensions);
  const [hart] = machine.harts;
  hart.csrs.write(CSR.pmpaddr0, (1n << 54n) - 1n);
  hart.csrs.write(CSR.pmpcfg0, 0x1fn);
  return { machine, hart };
}

/** Runs until the first trap. @returns its cause and value: cause 3 is the end of the code */
function run({ machine, hart }: Started): { cause: bigint; tval: bigint } {
  hart.onTrap = (trap) => {
    seen = { cause: BigInt(trap.cause), tval: trap.tval };
    return 'stop';
  };
  let seen = { cause: -1n, tval: 0n };
  assert.equal(machine.run(1000).kind, 'stopped');
  return seen;
}
const DONE = 3n;

const lettersOf = (letters: string): number =>
  [...letters].reduce((bits, c) => bits | (1 << (c.charCodeAt(0) - 65)), 0);

/** An instruction of each extension. */
const examples: Partial<Record<SwitchableExtension, string>> = {
  Zba: 'sh1add a0, a1, a2',
  Zbb: 'clz a0, a1',
  Zbs: 'bset a0, a1, a2',
  Zicond: 'czero.eqz a0, a1, a2',
  Zicbom: 'cbo.flush (a1)',
  Zicboz: 'cbo.zero (a1)',
  Svinval: 'sinval.vma a1, a2',
};

describe('extensions of the machine', () => {
  for (const [extension, code] of Object.entries(examples)) {
    it(`${extension}: its instructions are illegal unless it is on`, () => {
      const prepared = (on: boolean) => {
        const started = start(code, { [extension]: on });
        started.hart.state.setX(A1, BigInt(DATA));
        return started;
      };
      assert.equal(run(prepared(false)).cause, ILLEGAL);
      assert.equal(run(prepared(true)).cause, DONE);
    });
  }

  it('are in the device tree when they are on', () => {
    const isa = (extensions: ExtensionSwitches) =>
      isaString(new Machine({ memoryBytes: 1 << 20, extensions }).extensions);
    assert.match(isa({}), /^rv64ima.*_zihintpause_zba_zbb_zbs/);
    assert.doesNotMatch(isa({}), /svinval|svnapot|svpbmt|zicbo|zicond/);
    assert.match(isa({ Zicboz: true, Zbb: false, Svnapot: true }), /_zicboz_zihintpause_zba_zbs.*_svnapot$/);
  });

  it('and the largest page-table format are what a booted program finds in the device tree', () => {
    const { machine } = flatMachine(assembleSource('nop', FLAT_BASE).bytes, { Zicond: true, Zbs: false });
    const address = Number(machine.harts[0].state.x(A1));
    const end = Number(FLAT_BASE) + machine.memory.size;
    const cpu = cpuNode(machine.memory.bytes(address, end - address));
    assert.equal(cpu('riscv,isa'), isaString(machine.extensions));
    assert.match(cpu('riscv,isa'), /_zicond_.*_zbb_sstc$/);
    assert.equal(cpu('mmu-type'), 'riscv,sv57');
  });

  it('show their letters in misa, where they have one', () => {
    const { hart } = start('nop');
    assert.equal(hart.csrs.read(CSR.misa), (2n << 62n) | BigInt(lettersOf('ACDFIMSU')));
  });

  it('bring the fields of menvcfg', () => {
    const written = (extensions: ExtensionSwitches) => {
      const { hart } = start('nop', extensions);
      hart.csrs.write(CSR.menvcfg, 0xffff_ffff_ffff_ffffn);
      return hart.csrs.read(CSR.menvcfg).toString(16);
    };
    assert.equal(written({ Sstc: false }), '1');
    assert.equal(written({ Sstc: false, Zicbom: true }), '71');
    assert.equal(written({ Sstc: false, Zicboz: true }), '81');
    assert.equal(written({ Sstc: false, Svpbmt: true, Svadu: true }), '6000000000000001');
  });

  it('computes as the tables say', () => {
    const started = start('rev8 a0, a1\n  orc.b a1, a1\n  rolw a2, a2, a2');
    started.hart.state.setX(A1, 0x0102_0304_0500_0708n);
    started.hart.state.setX(A2, 0x8000_0001n);
    assert.equal(run(started).cause, DONE);
    assert.equal(started.hart.state.x(A0), 0x0807_0005_0403_0201n);
    assert.equal(started.hart.state.x(A1), 0xffff_ffff_ff00_ffffn);
    assert.equal(started.hart.state.x(A2), 3n);
  });
});

describe('cache-block instructions', () => {
  const on = { Zicbom: true, Zicboz: true };

  it('cbo.zero clears the 64 bytes that hold the address, and no others', () => {
    const started = start('cbo.zero (a1)', on);
    started.machine.memory.load(DATA, new Uint8Array(256).fill(0xff));
    started.hart.state.setX(A1, BigInt(DATA + 64 + 17));
    assert.equal(run(started).cause, DONE);
    const bytes = [...started.machine.memory.bytes(DATA, 256)];
    assert.deepEqual(
      bytes.map((byte, i) => (byte === 0xff ? -1 : i)).filter((i) => i >= 0),
      Array.from({ length: 64 }, (_, i) => 64 + i),
    );
  });

  it('fault as stores do, with the address as it was given', () => {
    for (const code of ['cbo.zero (a1)', 'cbo.clean (a1)', 'cbo.inval (a1)']) {
      const started = start(code, on);
      const { hart } = started;
      hart.csrs.write(CSR.menvcfg, 0xf1n);
      map(started.machine, sv39, BigInt(DATA), DATA, 0);
      enter(started, S, sv39);
      hart.state.setX(A1, BigInt(DATA + 5));
      assert.deepEqual(run(started), { cause: STORE_PAGE, tval: BigInt(DATA + 5) }, code);
    }
    const outside = start('cbo.zero (a1)', on);
    outside.hart.state.setX(A1, 0x70n);
    assert.deepEqual(run(outside), { cause: 7n, tval: 0x70n });
  });

  it('a page that may only be read can be cleaned, and not zeroed', () => {
    for (const [code, cause] of [
      ['cbo.clean (a1)', DONE],
      ['cbo.zero (a1)', STORE_PAGE],
    ] as const) {
      const started = start(code, on);
      started.hart.csrs.write(CSR.menvcfg, 0xf1n);
      map(started.machine, sv39, BigInt(DATA), DATA, 0x43);
      enter(started, S, sv39);
      started.hart.state.setX(A1, BigInt(DATA));
      assert.equal(run(started).cause, cause, code);
    }
  });

  it('are illegal in S-mode and U-mode unless menvcfg and senvcfg allow them', () => {
    const gates = { 'cbo.zero': 0x80n, 'cbo.clean': 0x40n, 'cbo.flush': 0x40n, 'cbo.inval': 0x10n };
    for (const [name, bit] of Object.entries(gates)) {
      for (const [mode, menvcfg, senvcfg, legal] of [
        [S, 0n, bit, false],
        [S, bit, 0n, true],
        [U, bit, 0n, false],
        [U, 0n, bit, false],
        [U, bit, bit, true],
      ] as const) {
        const started = start(`${name} (a1)`, on);
        const { hart } = started;
        hart.csrs.write(CSR.menvcfg, menvcfg);
        hart.csrs.write(CSR.senvcfg, senvcfg);
        hart.state.setX(A1, BigInt(DATA));
        hart.privilege = mode;
        assert.equal(run(started).cause, legal ? DONE : ILLEGAL, `${name} in mode ${mode}`);
      }
    }
  });
});

describe('Svinval', () => {
  it('obeys the rules of SFENCE.VMA, of which TVM does not concern the fences', () => {
    for (const [code, mode, tvm, cause] of [
      ['sinval.vma a1, a2', S, false, DONE],
      ['sinval.vma a1, a2', S, true, ILLEGAL],
      ['sinval.vma a1, a2', U, false, ILLEGAL],
      ['sfence.w.inval', S, true, DONE],
      ['sfence.inval.ir', S, true, DONE],
      ['sfence.w.inval', U, false, ILLEGAL],
      ['sfence.inval.ir', U, false, ILLEGAL],
    ] as const) {
      const started = start(code, { Svinval: true });
      if (tvm) started.hart.csrs.write(CSR.mstatus, BigInt(MSTATUS.TVM));
      started.hart.privilege = mode;
      assert.equal(run(started).cause, cause, `${code} in mode ${mode}`);
    }
  });

  it('sinval.vma makes a change of the page table take effect', () => {
    const started = start('ld a0, 0(a1)\n  sd a2, 0(t0)\n  sinval.vma a1, zero\n  ld a2, 0(a1)', { Svinval: true });
    const { machine, hart } = started;
    const leaf = map(machine, sv39, BigInt(DATA), DATA, RW);
    map(machine, sv39, BigInt(leaf), leaf, RW);
    machine.memory.write64(DATA, 1n);
    machine.memory.write64(DATA + 0x1000, 2n);
    enter(started, S, sv39);
    hart.state.setX(A1, BigInt(DATA));
    hart.state.setX(A2, makeEntry(DATA + 0x1000, RW));
    hart.state.setX(T0, BigInt(leaf));
    assert.equal(run(started).cause, DONE);
    assert.deepEqual([hart.state.x(A0), hart.state.x(A2)], [1n, 2n]);
  });
});

describe('page tables', () => {
  for (const scheme of [sv39, sv48, sv57]) {
    it(`${scheme.name} translates its whole address range, and faults beyond`, () => {
      const highest = BigInt.asUintN(64, -(1n << BigInt(scheme.vaBits - 1)));
      const started = start('ld a0, 0(a1)\n  ld a2, 0(a2)', {});
      map(started.machine, scheme, highest, DATA, RW);
      started.machine.memory.write64(DATA, 77n);
      enter(started, S, scheme);
      started.hart.state.setX(A1, highest);
      started.hart.state.setX(A2, highest - 8n);
      assert.deepEqual(run(started), { cause: LOAD_PAGE, tval: highest - 8n });
      assert.equal(started.hart.state.x(A0), 77n);
    });
  }

  it('A and D fault where Svade says so, until Svadu is asked to set them', () => {
    const load = (extensions: ExtensionSwitches, menvcfg?: bigint): bigint => {
      const started = start('ld a0, 0(a1)', extensions);
      if (menvcfg !== undefined) started.hart.csrs.write(CSR.menvcfg, menvcfg);
      map(started.machine, sv39, BigInt(DATA), DATA, RW & ~A_AND_D);
      enter(started, S, sv39);
      started.hart.state.setX(A1, BigInt(DATA));
      return run(started).cause;
    };
    const ADUE = 1n << 61n;
    assert.equal(load({}), DONE);
    assert.equal(load({ Svade: true }), LOAD_PAGE);
    assert.equal(load({ Svade: true }, ADUE), LOAD_PAGE);
    assert.equal(load({ Svadu: true }), DONE);
    assert.equal(load({ Svadu: true }, 0n), LOAD_PAGE);
    assert.equal(load({ Svade: true, Svadu: true }), LOAD_PAGE);
    assert.equal(load({ Svade: true, Svadu: true }, ADUE), DONE);
  });

  it('Svnapot: one entry, repeated, maps 64 KiB; other patterns, other levels and a machine without it fault', () => {
    const load = (entry: bigint, va: number, extensions: ExtensionSwitches) => {
      const started = start('ld a0, 0(a1)', extensions);
      started.machine.memory.write64(DATA + 0x5000, 55n);
      started.machine.memory.write64(map(started.machine, sv39, BigInt(va), DATA, RW), entry);
      enter(started, S, sv39);
      started.hart.state.setX(A1, BigInt(va));
      const { cause } = run(started);
      return cause === DONE ? started.hart.state.x(A0) : -cause;
    };
    const napot = makeEntry(DATA + 0x8000, RW) | N;
    assert.equal(load(napot, 0x40005000, { Svnapot: true }), 55n);
    assert.equal(load(napot, 0x40005000, {}), -LOAD_PAGE);
    assert.equal(load(makeEntry(DATA, RW) | N, 0x40005000, { Svnapot: true }), -LOAD_PAGE);
    assert.equal(load(makeEntry(DATA + 0x4000, RW) | N, 0x40005000, { Svnapot: true }), -LOAD_PAGE);
  });

  it('Svpbmt: memory types are taken while menvcfg.PBMTE is set; type 3 is reserved', () => {
    const load = (type: bigint, extensions: ExtensionSwitches, menvcfg: bigint): bigint => {
      const started = start('ld a0, 0(a1)', extensions);
      started.hart.csrs.write(CSR.menvcfg, menvcfg);
      const at = map(started.machine, sv39, BigInt(DATA), DATA, RW);
      started.machine.memory.write64(at, makeEntry(DATA, RW) | (type << 61n));
      enter(started, S, sv39);
      started.hart.state.setX(A1, BigInt(DATA));
      return run(started).cause;
    };
    const PBMTE = 1n << 62n;
    for (const type of [0n, 1n, 2n]) assert.equal(load(type, { Svpbmt: true }, PBMTE), DONE);
    assert.equal(load(3n, { Svpbmt: true }, PBMTE), LOAD_PAGE);
    assert.equal(load(1n, { Svpbmt: true }, 0n), LOAD_PAGE);
    assert.equal(load(1n, {}, PBMTE), LOAD_PAGE);
  });
});

/** Maps one page, below tables from ROOT on that are made as needed. @returns the address of the leaf entry */
function map(machine: Machine, scheme: PagingScheme, va: bigint, address: number, bits: number): number {
  const { memory } = machine;
  let table = ROOT;
  for (let level = scheme.levels - 1; ; level--) {
    const entryAddress = table + 8 * Number((va >> BigInt(12 + 9 * level)) & 511n);
    if (level === 0) {
      memory.write64(entryAddress, makeEntry(address, bits));
      return entryAddress;
    }
    if (memory.read64(entryAddress) === 0n) {
      const used = Number(memory.read64(ROOT - 8)) + 1;
      memory.write64(ROOT - 8, BigInt(used));
      memory.write64(entryAddress, makeEntry(ROOT + used * 0x1000, 1));
    }
    table = Number((memory.read64(entryAddress) >> 10n) & 0xfffffffffffn) * 4096;
  }
}

/** On in S- or U-mode with paging; the page that holds the code is mapped onto itself. */
function enter({ machine, hart }: Started, mode: 0 | 1, scheme: PagingScheme): void {
  map(machine, scheme, FLAT_BASE, Number(FLAT_BASE), RW | X | (mode === U ? USER : 0));
  hart.csrs.write(CSR.satp, makeSatp(scheme, ROOT));
  hart.privilege = mode;
}

describe('Sstc', () => {
  const STCE = 1n << 63n;

  it('stimecmp needs menvcfg.STCE and mcounteren.TM outside M-mode', () => {
    for (const [mode, menvcfg, mcounteren, cause] of [
      [3, 0n, 0n, DONE],
      [S, STCE, 2n, DONE],
      [S, 0n, 2n, ILLEGAL],
      [S, STCE, 5n, ILLEGAL],
      [U, STCE, 7n, ILLEGAL],
    ] as const) {
      const started = start('csrw stimecmp, a1\n  csrr a0, stimecmp');
      started.hart.csrs.write(CSR.menvcfg, menvcfg);
      started.hart.csrs.write(CSR.mcounteren, mcounteren);
      started.hart.state.setX(A1, 0xffff_ffff_ffff_fffen);
      started.hart.privilege = mode;
      assert.equal(run(started).cause, cause, `mode ${mode}`);
    }
    assert.equal(run(start('csrr a0, stimecmp', { Sstc: false })).cause, ILLEGAL);
  });

  it('the supervisor timer interrupt comes at the exact instruction, and WFI waits for it', () => {
    for (const code of ['1: addi a0, a0, 1\n  j 1b', '1: wfi\n  j 1b']) {
      const started = start(code);
      const { machine, hart } = started;
      hart.csrs.write(CSR.mideleg, 0x222n);
      hart.csrs.write(CSR.menvcfg, STCE);
      hart.csrs.write(CSR.stimecmp, 7n);
      hart.csrs.write(CSR.mie, 0x20n);
      hart.csrs.write(CSR.mstatus, BigInt(MSTATUS.SIE));
      hart.privilege = S;
      const traps: { cause: number; time: bigint; instructions: number }[] = [];
      hart.onTrap = ({ cause }) => {
        traps.push({ cause, time: machine.time, instructions: machine.instructions });
        return 'stop';
      };
      while (traps.length === 0) machine.run(1000);
      assert.equal(traps[0].cause, 5);
      assert.equal(traps[0].time, 7n);
      if (code.includes('addi')) assert.equal(traps[0].instructions, 7 * INSTRUCTIONS_PER_TICK);
    }
  });

  it('decides about STIP, which software then cannot set or clear', () => {
    const { machine, hart } = start('1: j 1b');
    const pending = () => hart.csrs.read(CSR.mip) & 0x20n;
    hart.csrs.write(CSR.mip, 0x20n);
    assert.equal(pending(), 0x20n);
    hart.csrs.write(CSR.stimecmp, 5n);
    hart.csrs.write(CSR.menvcfg, STCE);
    hart.csrs.write(CSR.mip, 0x20n);
    assert.equal(pending(), 0n);
    machine.run(5 * INSTRUCTIONS_PER_TICK);
    assert.equal(pending(), 0x20n);
    hart.csrs.write(CSR.mip, 0n);
    assert.equal(pending(), 0x20n);
    hart.csrs.write(CSR.stimecmp, 1000n);
    assert.equal(pending(), 0n);
  });
});
