// The RISC-V assembly grammar, with the tokenizer that VS Code uses.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createOnigScanner, createOnigString, loadWASM } from 'vscode-oniguruma';
import { INITIAL, Registry, parseRawGrammar } from 'vscode-textmate';
import type { IGrammar } from 'vscode-textmate';
import { aliases } from '../../src/isa/aliases';
import { csrs } from '../../src/isa/csrs';
import { compressedInstructions, instructions } from '../../src/isa/table';

const ROOT = join(__dirname, '..', '..');
const GRAMMAR = join(ROOT, 'syntaxes', 'riscv-asm.tmLanguage.json');

let grammar: IGrammar;

before(async () => {
  await loadWASM(readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm')));
  const registry = new Registry({
    onigLib: Promise.resolve({ createOnigScanner, createOnigString }),
    loadGrammar: () => Promise.resolve(parseRawGrammar(readFileSync(GRAMMAR, 'utf8'), GRAMMAR)),
  });
  grammar = (await registry.loadGrammar('source.asm.riscv'))!;
});

/** The pieces of some lines with their innermost scope, without the trailing `.riscv`; plain text and blanks left out. */
function scopes(text: string): string[] {
  const found: string[] = [];
  let state = INITIAL;
  for (const line of text.split('\n')) {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
    state = ruleStack;
    // A string or block comment comes as several tokens of one scope.
    const pieces: { text: string; scope: string }[] = [];
    for (const { startIndex, endIndex, scopes } of tokens) {
      const scope = scopes.at(-1)!.replace(/\.riscv$/, '');
      const last = pieces.at(-1);
      if (last?.scope === scope) last.text += line.slice(startIndex, endIndex);
      else pieces.push({ text: line.slice(startIndex, endIndex), scope });
    }
    for (const { text, scope } of pieces) {
      if (text.trim() !== '' && scope !== 'source.asm') found.push(`${text.trim()} = ${scope}`);
    }
  }
  return found;
}

const CONTROL = 'keyword.control.instruction';
const INSTRUCTION = 'support.function.instruction';
const REGISTER = 'variable.language.register';
const LABEL = 'entity.name.function.label';

describe('RISC-V assembly grammar', () => {
  it('knows every mnemonic of the instruction set, and the aliases', () => {
    const names = [...instructions, ...compressedInstructions, ...aliases].map(({ name }) => name);
    for (const name of new Set(names)) {
      const [first] = scopes(`        ${name} x1, x2, x3`);
      assert.ok(first === `${name} = ${INSTRUCTION}` || first === `${name} = ${CONTROL}`, `${name}: ${first}`);
    }
  });

  it('knows every CSR', () => {
    for (const { name } of csrs) {
      assert.ok(scopes(`csrr a0, ${name}`).includes(`${name} = support.constant.csr`), name);
    }
  });

  it('tells instructions, registers, numbers and separators apart', () => {
    assert.deepEqual(scopes('loop:  addi sp, sp, -0x20   # make room'), [
      `loop = ${LABEL}`,
      ': = punctuation.separator.label',
      `addi = ${INSTRUCTION}`,
      `sp = ${REGISTER}`,
      ', = punctuation.separator',
      `sp = ${REGISTER}`,
      ', = punctuation.separator',
      '- = keyword.operator',
      '0x20 = constant.numeric.hex',
      '# make room = comment.line.number-sign',
    ]);
  });

  it('marks the flow of control, and local labels', () => {
    assert.deepEqual(scopes('1: beqz a0, 1b; call main; ret'), [
      `1 = ${LABEL}.local`,
      ': = punctuation.separator.label',
      `beqz = ${CONTROL}`,
      `a0 = ${REGISTER}`,
      ', = punctuation.separator',
      `1b = ${LABEL}.reference`,
      '; = punctuation.separator',
      `call = ${CONTROL}`,
      '; = punctuation.separator',
      `ret = ${CONTROL}`,
    ]);
  });

  it('takes whole words only', () => {
    assert.deepEqual(scopes('j add_one'), [`j = ${CONTROL}`]);
    assert.deepEqual(scopes('la t0, trap.ret'), [
      `la = ${INSTRUCTION}`,
      `t0 = ${REGISTER}`,
      ', = punctuation.separator',
    ]);
    assert.deepEqual(scopes('lr.w.aqrl a0, (a1)').slice(0, 2), [`lr.w.aqrl = ${INSTRUCTION}`, `a0 = ${REGISTER}`]);
  });

  it('knows directives, strings with escapes, and relocations', () => {
    assert.deepEqual(scopes('.section .text.boot, "ax"\n.asciz "a\\n\\"b"'), [
      '.section = keyword.other.directive.section',
      ', = punctuation.separator',
      '"ax" = string.quoted.double',
      '.asciz = storage.type.directive',
      '"a = string.quoted.double',
      '\\n\\" = constant.character.escape',
      'b" = string.quoted.double',
    ]);
    assert.ok(scopes('lui a0, %hi(symbol)').includes('%hi = support.function.relocation'));
    assert.ok(scopes('addi a0, a0, %pcrel_lo(1b)').includes('%pcrel_lo = support.function.relocation'));
    assert.ok(scopes('.cfi_def_cfa sp, 16').includes('.cfi_def_cfa = keyword.other.directive'));
  });

  it('knows macros and their parameters', () => {
    assert.deepEqual(scopes('.macro save reg, at'), [
      '.macro = keyword.control.directive',
      'save = entity.name.function.macro',
      ', = punctuation.separator',
    ]);
    assert.deepEqual(scopes('sd \\reg, \\at*8(sp)'), [
      `sd = ${INSTRUCTION}`,
      '\\reg = variable.parameter.macro',
      ', = punctuation.separator',
      '\\at = variable.parameter.macro',
      '* = keyword.operator',
      '8 = constant.numeric.decimal',
      `sp = ${REGISTER}`,
    ]);
  });

  it('tells the preprocessor from comments', () => {
    assert.deepEqual(scopes('#include "csr.h"'), [
      '# = punctuation.definition.directive',
      'include = keyword.control.directive.include',
      '"csr.h" = string.quoted.double.include',
    ]);
    assert.deepEqual(scopes('#define FRAME (32 * 8) /* bytes */').slice(0, 3), [
      '# = punctuation.definition.directive',
      'define = keyword.control.directive.define',
      'FRAME = entity.name.function.preprocessor',
    ]);
    assert.deepEqual(scopes('#ifdef __riscv_c'), [
      '# = punctuation.definition.directive',
      'ifdef = keyword.control.directive.conditional',
    ]);
    assert.deepEqual(scopes('# the frame'), ['# the frame = comment.line.number-sign']);
  });

  it('follows comments over lines, and leaves nothing open', () => {
    assert.deepEqual(scopes('/* one\n   two */ nop // three'), [
      '/* one = comment.block',
      'two */ = comment.block',
      `nop = ${INSTRUCTION}`,
      '// three = comment.line.double-slash',
    ]);
    assert.deepEqual(scopes('.ascii "not closed\nnop').at(-1), `nop = ${INSTRUCTION}`);
    assert.deepEqual(scopes('#define A \\\n  1\nnop').at(-1), `nop = ${INSTRUCTION}`);
  });
});
