// The assembler: single instructions, programs, and its messages.
import assert from 'node:assert/strict';
import { assemble, assembleProgram, assembleSource } from './assemble';
import { decode } from './decode';
import { evaluate } from './evaluate';

const BASE = 0x80000000n;

const word = (text: string, address?: bigint): string => assemble(text, address).word.toString(16);

/** The program's bytes as 32-bit words in hexadecimal. */
function words(source: string): string[] {
  const bytes = assembleProgram(source, BASE);
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(i * 4, true).toString(16));
}

const constants = [
  0n,
  1n,
  -1n,
  2047n,
  2048n,
  -2048n,
  -2049n,
  0x7fffffffn,
  0x7ffff800n,
  0x80000000n,
  -0x80000000n,
  0xffffffffn,
]
  .concat([0x80200000n, 0x123456789abcdef0n, 0x7fffffffffffffffn, 0x8000000000000000n, 0xfffffffffffff000n])
  .concat([0xdeadbeefcafebaben, 0x0000800000000000n, 0x8000000000000001n, 0xffffffff80000000n, 0x7ffffffffffff800n]);

/** What a0 holds after instructions that use no other register. */
function run(program: readonly string[]): bigint {
  let a0 = 0n;
  for (const text of program) {
    const decoded = decode(parseInt(text, 16));
    assert.ok(decoded?.instruction.action.k === 'compute');
    const x = (): bigint => (decoded.rs1 === 0 ? 0n : a0);
    a0 = evaluate(decoded.instruction.action.value, { x, imm: BigInt(decoded.imm), pc: 0n, old: 0n });
  }
  return a0;
}

describe('assemble', () => {
  const golden: Record<string, string> = {
    'addi a0, a0, -1': 'fff50513',
    'add a0,a0,5': '550513',
    'li a0, 5': '500513',
    'lw a0, (sp)': '12503',
    'lw a0, 8+4(sp)': 'c12503',
    'sd ra, -8(x2)': 'fe113c23',
    'lui a0, 0xfffff': 'fffff537',
    ret: '8067',
    'jalr ra, a0, 4': '4500e7',
    'jalr 4(a0)': '4500e7',
    'csrw satp, a0': '18051073',
    'csrr a0, 0xf14': 'f1402573',
    'csrr a0, hstatus': '60002573',
    'csrsi sstatus, 2': '10016073',
    'amoadd.w.aqrl a0, a1, (a2)': '6b6252f',
    'lr.w.aq a0, 0(a1)': '1405a52f',
    'fence rw, rw': '330000f',
    fence: 'ff0000f',
    'fence.tso': '8330000f',
    'sfence.vma a0': '12050073',
    'sfence.vma x0, a1': '12b00073',
    'c.lwsp a0, 8(sp)': '4522',
    'c.addi16sp sp, -64': '7139',
    'c.nop': '1',
    'c.ebreak': '9002',
  };
  for (const [text, expected] of Object.entries(golden)) {
    it(text, () => assert.equal(word(text), expected));
  }

  it('takes absolute branch targets', () => {
    assert.equal(word('j 0x80000100', BASE), '1000006f');
    assert.equal(word('beqz a0, 0x80000000', BASE + 8n), 'fe050ce3');
    assert.equal(word('c.j 0x80000000', BASE + 2n), 'bffd');
  });

  const mistakes: Record<string, RegExp> = {
    'foo a0': /There is no instruction "foo"/,
    'addi a0': /Expected "," at the end/,
    'addi a0, a1, 5000': /addi cannot hold the constant or distance 5000/,
    'add a0, a0, 5000': /addi cannot hold the constant or distance 5000/,
    'addi a0, a1, 1 2': /Expected the end of the instruction before "2"/,
    'slliw a0, a0, 32': /slliw cannot hold/,
    'beq a0, a1, 3': /beq cannot hold/,
    'j 0x200000': /jal cannot hold/,
    'lw a0, 4(foo)': /Expected "\)"|Expected a register/,
    'addi a0, a1, label': /There is no symbol "label"/,
    'c.addi4spn a0, sp, 0': /c.addi4spn cannot encode/,
    'c.lw a0, 2(a1)': /c.lw cannot encode/,
    'c.and t0, a0': /c.and cannot encode/,
    'csrwi satp, 32': /not within 0 to 31/,
    'csrr a0, 4096': /CSR numbers are 0 to 4095/,
    'fence wr, r': /in this order/,
  };
  for (const [text, expected] of Object.entries(mistakes)) {
    it(`refuses ${text}`, () => assert.throws(() => assemble(text), expected));
  }
});

describe('assembleProgram', () => {
  it('resolves labels in both directions, with comments and several statements on a line', () => {
    assert.deepEqual(
      words(`
        start: li a0, 3        # count
        loop:  addi a0, a0, -1; bnez a0, loop // again
               beqz a0, end
               nop
        end:   j start
      `),
      ['300513', 'fff50513', 'fe051ee3', '50463', '13', 'fedff06f'],
    );
  });

  it('resolves numbered labels', () => {
    assert.deepEqual(words('1: j 1f\n j 1b\n1: j 1b'), ['80006f', 'ffdff06f', '6f']);
  });

  it('lays out data', () => {
    const { bytes, symbols } = assembleSource(
      `
      SIZE = 2 * 4
      .byte 1, 'a', -1
      .ascii "x#;\\n"
      .align 3
      here: .dword here + SIZE
      .half 0x1234
      .skip 1, 0xff
      .balign 4
      .word 1 << 4 | 3
      .asciz "z"
      `,
      BASE,
    );
    assert.equal(symbols.get('here'), BASE + 8n);
    assert.equal(symbols.get('SIZE'), 8n);
    assert.equal(
      Buffer.from(bytes).toString('hex'),
      '0161ff78233b0a00' + '1000008000000000' + '3412ff00' + '13000000' + '7a00',
    );
  });

  it('reaches symbols with auipc and the rest', () => {
    // x is 0x1800 bytes beyond the base: 0x1000 and 0x800, of which the second counts as -0x800.
    assert.deepEqual(words('la a0, x\n call x\n tail x\n .skip 0x17e8\nx:'), [
      ...['2517', '80050513'],
      ...['1097', '7f8080e7'],
      ...['1317', '7f030067'],
      ...Array.from({ length: 0x17e8 / 4 }, () => '0'),
    ]);
  });

  it('loads constants of any size', () => {
    for (const value of constants) {
      assert.equal(run(words(`li a0, ${value}`)), BigInt.asUintN(64, value), `li a0, ${value}`);
    }
  });

  it('names the line of a mistake', () => {
    assert.throws(() => assembleProgram('nop\n\n addi a0, a0, oops', BASE), /Line 3: There is no symbol "oops"/);
    assert.throws(() => assembleProgram('a: nop\na: nop', BASE), /Line 2: The symbol "a" is already defined/);
    assert.throws(() => assembleProgram('.foo 3', BASE), /Line 1: There is no directive "\.foo"/);
    assert.throws(() => assembleProgram('.skip 1 << 40', BASE), /Line 1: The size/);
  });
});
