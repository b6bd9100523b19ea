// Hover texts, as a user reads them.
import assert from 'node:assert/strict';
import { csrByName, csrs, decodeFields } from './csrs';
import { decode } from './decode';
import { csrHover, instructionHover, mnemonicHover } from './hover';
import { compressedInstructions, instructions } from './table';
import { aliases } from './aliases';

function hover(word: number): string[] {
  const decoded = decode(word);
  assert.ok(decoded);
  return instructionHover(decoded, 0x80200000n).split('\n');
}

function csr(name: string, value?: bigint): string[] {
  const found = csrByName(name);
  assert.ok(found);
  return csrHover(found, value).split('\n');
}

describe('instructionHover', () => {
  it('explains a 16-bit instruction by its expansion', () => {
    assert.deepEqual(hover(0x1101), [
      'add sp,sp,-32 = c.addi sp,-32 = addi sp,sp,-32',
      'Sets rd to rs1 plus a constant.',
      'rd = rs1 + imm',
      'rd is sp (x2)',
      'rs1 is sp (x2)',
      'imm is -32 (-0x20)',
    ]);
  });

  it('explains a branch with its target', () => {
    assert.deepEqual(hover(0xfe050ce3), [
      'beqz a0,0x801ffff8 = beq a0,zero,0x801ffff8',
      'Branches to the target if rs1 equals rs2.',
      'if rs1 == rs2: pc = pc + imm',
      'rs1 is a0 (x10)',
      'rs2 is zero (x0)',
      'the target is 0x801ffff8, 8 bytes back',
    ]);
  });

  it('explains a CSR instruction with the CSR', () => {
    const lines = hover(0x18051073);
    assert.equal(lines[0], 'csrw satp,a0 = csrrw zero,satp,a0');
    assert.ok(lines.includes('satp: The page table in use: translation scheme, address space, root page.'));
  });

  it('names a CSR that the machine has not', () => {
    assert.ok(hover(0x60002573).includes('this machine has no CSR hstatus (0x600)'));
    assert.ok(hover(0x7ff02573).includes('CSR 0x7ff does not exist'));
  });

  it('explains memory accesses, atomics and fences', () => {
    assert.equal(hover(0x00812083)[2], 'rd = sext32(memory32[rs1 + imm])');
    assert.equal(hover(0x00113423)[2], 'memory64[rs1 + imm] = rs2');
    assert.equal(hover(0x06b6252f)[2], 'rd = memory32[rs1]; memory32[rs1] = memory + rs2');
    assert.deepEqual(hover(0x0130000f).slice(2), [
      'earlier accesses: memory writes',
      'later accesses: memory reads, memory writes',
    ]);
  });
});

describe('mnemonicHover', () => {
  it('knows every instruction and alias', () => {
    for (const { name } of [...instructions, ...aliases.filter(({ of }) => !of.startsWith('c.'))]) {
      assert.ok(mnemonicHover(name), name);
    }
    assert.equal(mnemonicHover('nonsense'), undefined);
  });

  it('explains aliases, orderings and 16-bit forms', () => {
    assert.equal(mnemonicHover('sext.w')?.split('\n')[0], 'sext.w rd,rs1: another name of addiw with imm = 0 (I)');
    assert.equal(mnemonicHover('amoadd.d.aq')?.split('\n')[0], 'amoadd.d.aq rd,rs2,(rs1) (A)');
    assert.equal(mnemonicHover('c.lwsp')?.split('\n')[0], 'c.lwsp rd,imm(rs1): 16-bit form of lw (I)');
  });
});

describe('csrHover', () => {
  it('lists the fields of a CSR', () => {
    assert.deepEqual(csr('satp'), [
      'satp (supervisor CSR 0x180)',
      'The page table in use: translation scheme, address space, root page.',
      'MODE (bits 63:60): The translation scheme.',
      'ASID (bits 59:44): The address space identifier.',
      'PPN (bits 43:0): The physical page number of the root page table.',
    ]);
  });

  it('explains a value', () => {
    assert.deepEqual(csr('scause', 15n), [
      'scause = 0xf (supervisor CSR 0x142)',
      'Why the last trap into S-mode happened.',
      'Interrupt = exception: The trap was an interrupt, not an exception.',
      'Code = Store/AMO page fault: What caused the trap.',
    ]);
  });
});

describe('explanations', () => {
  /** One sentence: it begins with a capital letter or a name in small ones, and has its only full stop at the end. */
  const SENTENCE = /^[A-Za-z][^\n]{12,}[^.\s]\.$/;
  const assertSentence = (summary: string, where: string): void => {
    assert.match(summary, SENTENCE, where);
    assert.doesNotMatch(summary.slice(0, -1), /\. [A-Z]/, where);
  };

  it('every instruction has one, 16-bit forms included', () => {
    for (const { name, summary } of [...instructions, ...compressedInstructions.map((form) => form.expandsTo)]) {
      assertSentence(summary, name);
    }
    for (const { name } of [...instructions, ...compressedInstructions]) {
      assert.ok(
        mnemonicHover(name)
          ?.split('\n')
          .some((line) => SENTENCE.test(line)),
        name,
      );
    }
  });

  it('no two instructions have the same', () => {
    assert.equal(new Set(instructions.map(({ summary }) => summary)).size, instructions.length);
  });

  it('every CSR and every field has one, and the hover shows them all', () => {
    for (const one of csrs) {
      assertSentence(one.summary, one.name);
      const lines = csrHover(one).split('\n');
      for (const { name, summary } of one.fields) {
        assertSentence(summary, `${one.name}.${name}`);
        assert.ok(
          lines.some((line) => line.startsWith(`${name} (`) && line.endsWith(summary)),
          `${one.name}.${name}`,
        );
      }
    }
  });

  it('every value of every field is said in words', () => {
    for (const one of csrs) {
      for (const field of one.fields) {
        const most = 1n << BigInt(Math.min(field.high - field.low + 1, 8));
        for (let value = 0n; value < most; value++) {
          const shown = decodeFields(one, value << BigInt(field.low)).find((decoded) => decoded.field === field);
          assert.ok(shown && shown.value === value && shown.text.length > 0 && !shown.text.includes('undefined'));
        }
      }
    }
  });
});
