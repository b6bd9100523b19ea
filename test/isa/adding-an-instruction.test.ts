// Follows docs/adding-an-instruction.md to the letter, on a copy of the sources, and uses the instruction that it adds.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Assemble from '../../src/isa/assemble';
import type * as Disassemble from '../../src/isa/disassemble';
import type * as Decode from '../../src/isa/decode';
import type * as Hover from '../../src/isa/hover';
import type * as IsaString from '../../src/machine/isa-string';
import type * as MachineModule from '../../src/machine/machine';
import type * as Table from '../../src/isa/table';
import { instructionByName } from '../../src/isa/table';
import type * as OperandCases from './operand-cases';
import type * as Check from './check';

const root = join(__dirname, '..', '..');
const NAME = 'pack';
const page = readFileSync(join(root, 'docs', 'adding-an-instruction.md'), 'utf8');

/** A change that the page asks for: a new file, or lines to put behind a line that is there. */
interface Change {
  readonly file: string;
  readonly kind: string;
  readonly code: string;
}

/** The page's code blocks, each with the file that the text before it names last. */
function changes(): Change[] {
  const found: Change[] = [];
  let file = '';
  for (const part of page.matchAll(/`((?:src|test)\/[\w/.-]+\.ts)`|^```(\w+)\n(.*?)^```$/gms)) {
    const [, named, kind, code] = part;
    if (named) file = named;
    else found.push({ file, kind, code });
  }
  return found;
}

/** Puts the lines of a diff that begin with `+` behind those that come before them. */
function patch(text: string, diff: string): string {
  let result = text;
  let before = '';
  for (const line of diff.trimEnd().split('\n')) {
    const content = `${line.slice(1)}\n`;
    if (line.startsWith('+')) {
      assert.equal(result.split(before).length, 2, `"${before}" is there once`);
      result = result.replace(before, () => before + content);
    }
    before = content;
  }
  return result;
}

describe('docs/adding-an-instruction.md', () => {
  let copy: string;
  let load: <Module>(path: string) => Module;

  before(() => {
    copy = mkdtempSync(join(tmpdir(), 'hypocaust-'));
    for (const folder of ['isa', 'wasm', 'engine', 'machine']) {
      cpSync(join(root, 'src', folder), join(copy, 'src', folder), { recursive: true });
    }
    cpSync(join(root, 'test', 'isa'), join(copy, 'test', 'isa'), { recursive: true });
    for (const { file, kind, code } of changes()) {
      const path = join(copy, file);
      assert.equal(existsSync(path), kind === 'diff', `${file} is ${kind === 'diff' ? 'there' : 'new'}`);
      writeFileSync(path, kind === 'diff' ? patch(readFileSync(path, 'utf8'), code) : code);
    }
    const from = createRequire(join(copy, 'test', 'isa', 'here.ts'));
    load = (path) => from(path);
  });

  after(() => rmSync(copy, { recursive: true }));

  it(`is about an instruction that is not there yet: ${NAME}`, () => assert.ok(!instructionByName.has(NAME)));

  it('changes one new file, one list and one list of expected values', () => {
    assert.deepEqual(
      changes().map(({ file, kind }) => `${kind} ${file}`),
      [
        'ts src/isa/zbkb.ts',
        ...['diff src/isa/switchable-extensions.ts', 'diff src/isa/switchable-extensions.ts'],
        'diff test/isa/expected/integer.ts',
      ],
    );
  });

  it('brings decoder, disassembler and assembler', () => {
    const { assemble } = load<typeof Assemble>('../../src/isa/assemble');
    const { disassembleWord } = load<typeof Disassemble>('../../src/isa/disassemble');
    const { decode } = load<typeof Decode>('../../src/isa/decode');
    // 0000100 01100 01011 100 01010 0110011
    const WORD = 0x08c5c533;
    assert.equal(assemble(`${NAME} a0, a1, a2`).word, WORD);
    assert.equal(disassembleWord(WORD, 0n).text, `${NAME} a0,a1,a2`);
    assert.equal(decode(WORD)?.instruction.extension, 'Zbkb');
  });

  it('brings the hover', () => {
    const { instructionHover, mnemonicHover } = load<typeof Hover>('../../src/isa/hover');
    const { decode } = load<typeof Decode>('../../src/isa/decode');
    assert.deepEqual(
      instructionHover(decode(0x08c5c533) ?? assert.fail(), 0n)
        .split('\n')
        .slice(0, 3),
      [
        `${NAME} a0,a1,a2`,
        'Sets rd to the low 32 bits of rs1, and above them the low 32 bits of rs2.',
        'rd = zext32(rs1) | (rs2 << 32)',
      ],
    );
    assert.match(mnemonicHover(NAME) ?? '', /^pack rd,rs1,rs2 \(Zbkb\)/);
  });

  it('brings a switch of the machine, which the device tree shows', () => {
    const { Machine } = load<typeof MachineModule>('../../src/machine/machine');
    const { isaString } = load<typeof IsaString>('../../src/machine/isa-string');
    const isa = (extensions: object) => isaString(new Machine({ memoryBytes: 1 << 20, extensions }).extensions);
    assert.match(isa({ Zbkb: true }), /_zba_zbb_zbkb_zbs/);
    assert.doesNotMatch(isa({}), /zbkb/);
  });

  it('brings the interpreter, which the generated cases try', () => {
    const { instructionByName: byName } = load<typeof Table>('../../src/isa/table');
    const { casesOf } = load<typeof OperandCases>('./operand-cases');
    const { checkAll } = load<typeof Check>('./check');
    checkAll(casesOf(byName.get(NAME) ?? assert.fail()));
  });

  it('and has one page', () => assert.ok(page.split('\n').length < 90));
});
