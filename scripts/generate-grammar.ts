/**
 * Writes `syntaxes/riscv-asm.tmLanguage.json`: the mnemonics, CSRs and registers come from the instruction set's tables,
 * the rest of GNU assembler syntax stands here. With `--check`, changes nothing and fails when the file is not up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aliases } from '../src/isa/aliases';
import { csrs } from '../src/isa/csrs';
import type { Instruction } from '../src/isa/instruction';
import { floatRegisterNames, registerNames } from '../src/isa/registers';
import { compressedInstructions, instructions } from '../src/isa/table';

const FILE = join(__dirname, '..', 'syntaxes', 'riscv-asm.tmLanguage.json');

/** A TextMate rule, as far as this grammar needs. */
interface Rule {
  readonly name?: string;
  readonly match?: string;
  readonly begin?: string;
  readonly end?: string;
  readonly captures?: Readonly<Record<string, { readonly name: string }>>;
  readonly beginCaptures?: Readonly<Record<string, { readonly name: string }>>;
  readonly patterns?: readonly Rule[];
  readonly include?: string;
}

/** Pseudo-instructions that the assembler expands into several, or relaxes, and that so are in no table. */
const MACRO_INSTRUCTIONS = [
  ...['la', 'lla', 'lga', 'li', 'call', 'tail', 'jump', 'fence.i'],
  ...['la.tls.ie', 'la.tls.gd', 'sext.b', 'sext.h', 'zext.h', 'zext.w'],
];

/** Instructions that change the flow of control: highlighted as such. */
const FLOW_ALIASES = ['call', 'tail', 'jump'];

const VECTOR_REGISTERS = 'v(?:[12]?[0-9]|3[01])';

/** Directives of the GNU assembler, by what they do. */
const SECTION_DIRECTIVES = [
  'section',
  'text',
  'data',
  'bss',
  'rodata',
  'sdata',
  'sbss',
  'pushsection',
  'popsection',
  'previous',
  'subsection',
];
const DATA_DIRECTIVES = [
  ...['byte', '2byte', '4byte', '8byte', 'half', 'short', 'hword', 'word', 'int', 'long', 'dword', 'quad', 'octa'],
  ...[
    'float',
    'single',
    'double',
    'ascii',
    'asciz',
    'string',
    'zero',
    'space',
    'skip',
    'fill',
    'sleb128',
    'uleb128',
    'incbin',
  ],
  ...['dtprelword', 'dtpreldword', 'insn'],
];
const SYMBOL_DIRECTIVES = [
  ...[
    'global',
    'globl',
    'local',
    'weak',
    'hidden',
    'protected',
    'internal',
    'type',
    'size',
    'equ',
    'set',
    'equiv',
    'eqv',
  ],
  ...['comm', 'lcomm', 'symver', 'weakref', 'extern'],
];
const CONTROL_DIRECTIVES = [
  ...[
    'if',
    'ifdef',
    'ifndef',
    'ifnotdef',
    'ifb',
    'ifnb',
    'ifc',
    'ifnc',
    'ifeq',
    'ifne',
    'ifge',
    'ifgt',
    'ifle',
    'iflt',
  ],
  ...['else', 'elseif', 'endif', 'macro', 'endm', 'exitm', 'purgem', 'rept', 'endr', 'irp', 'irpc', 'include', 'end'],
  ...['altmacro', 'noaltmacro', 'err', 'error', 'warning', 'print'],
];
const OTHER_DIRECTIVES = [
  ...['align', 'balign', 'p2align', 'org', 'option', 'attribute', 'file', 'line', 'loc', 'ident', 'variant_cc'],
  'cfi_[a-z_]+',
];

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** One of these words exactly; the longest first, because alternatives are tried in order. */
function anyOf(words: Iterable<string>): string {
  const sorted = [...new Set(words)].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  return `(?:${sorted.map(escape).join('|')})`;
}

const changesFlow = ({ format, name }: Instruction): boolean =>
  format === 'B' || format === 'J' || name === 'jalr' || /^(ecall|ebreak|[ms]ret|wfi)$/.test(name);

/** All mnemonics, in two sorts. */
function mnemonics(): { readonly flow: readonly string[]; readonly other: readonly string[] } {
  const all = new Map<string, boolean>();
  for (const instruction of instructions) all.set(instruction.name, changesFlow(instruction));
  for (const { name, expandsTo } of compressedInstructions) all.set(name, changesFlow(expandsTo));
  for (const { name, of } of aliases) all.set(name, all.get(name) || (all.get(of) ?? false));
  for (const name of MACRO_INSTRUCTIONS) if (!all.has(name)) all.set(name, FLOW_ALIASES.includes(name));
  const names = [...all.keys()];
  return { flow: names.filter((name) => all.get(name)), other: names.filter((name) => !all.get(name)) };
}

/** A word of assembly begins here, or ends here: dots and dollars belong to words. */
const START = '(?<![\\w.$\\\\])';
const END = '(?![\\w.$])';

const directive = (names: readonly string[], scope: string): Rule => ({
  name: `${scope}.riscv`,
  match: `(?<![\\w$])\\.(?:${[...names].sort((a, b) => b.length - a.length).join('|')})${END}`,
});

function grammar(): object {
  const { flow, other } = mnemonics();
  const atomicOrder = '(?:\\.aqrl|\\.aq|\\.rl)?';
  const abiNames = [...registerNames, 'fp', ...registerNames.map((_, number) => `x${number}`)];
  const floatNames = floatRegisterNames.flatMap((name, number) => [name, `f${number}`]);
  const repository: Record<string, Rule> = {
    comments: {
      patterns: [
        { name: 'comment.block.riscv', begin: '/\\*', end: '\\*/' },
        { name: 'comment.line.double-slash.riscv', match: '//.*$' },
        { name: 'comment.line.number-sign.riscv', match: '#.*$' },
      ],
    },
    preprocessor: {
      patterns: [
        {
          // `#` and a keyword at the start of a line is the C preprocessor's; other text after `#` is a comment.
          begin: '^\\s*(#)\\s*(include)\\b',
          end: '(?=//|/\\*)|$',
          beginCaptures: {
            '1': { name: 'punctuation.definition.directive.riscv' },
            '2': { name: 'keyword.control.directive.include.riscv' },
          },
          patterns: [
            { name: 'string.quoted.other.lt-gt.include.riscv', match: '<[^>]*>' },
            { name: 'string.quoted.double.include.riscv', match: '"[^"]*"' },
          ],
        },
        {
          begin: '^\\s*(#)\\s*(define|undef)\\s+([A-Za-z_]\\w*)',
          end: '(?<!\\\\)$',
          beginCaptures: {
            '1': { name: 'punctuation.definition.directive.riscv' },
            '2': { name: 'keyword.control.directive.define.riscv' },
            '3': { name: 'entity.name.function.preprocessor.riscv' },
          },
          patterns: [
            { name: 'constant.character.escape.line-continuation.riscv', match: '\\\\$' },
            { include: '#code' },
          ],
        },
        {
          begin: '^\\s*(#)\\s*(ifdef|ifndef|if|elif|else|endif|error|warning|pragma|line)\\b',
          end: '(?<!\\\\)$',
          beginCaptures: {
            '1': { name: 'punctuation.definition.directive.riscv' },
            '2': { name: 'keyword.control.directive.conditional.riscv' },
          },
          patterns: [
            { name: 'constant.character.escape.line-continuation.riscv', match: '\\\\$' },
            { name: 'keyword.operator.defined.riscv', match: '\\bdefined\\b' },
            { include: '#code' },
          ],
        },
      ],
    },
    labels: {
      patterns: [
        {
          match: `${START}([A-Za-z_.$][\\w.$]*)\\s*(:)(?!:)`,
          captures: {
            '1': { name: 'entity.name.function.label.riscv' },
            '2': { name: 'punctuation.separator.label.riscv' },
          },
        },
        {
          match: '(?<![\\w.$])(\\d+)\\s*(:)',
          captures: {
            '1': { name: 'entity.name.function.label.local.riscv' },
            '2': { name: 'punctuation.separator.label.riscv' },
          },
        },
        { name: 'entity.name.function.label.reference.riscv', match: '(?<![\\w.$])\\d+[bf]\\b' },
      ],
    },
    directives: {
      patterns: [
        directive(SECTION_DIRECTIVES, 'keyword.other.directive.section'),
        directive(DATA_DIRECTIVES, 'storage.type.directive'),
        directive(SYMBOL_DIRECTIVES, 'storage.modifier.directive'),
        directive(CONTROL_DIRECTIVES, 'keyword.control.directive'),
        directive(OTHER_DIRECTIVES, 'keyword.other.directive'),
      ],
    },
    instructions: {
      patterns: [
        { name: 'keyword.control.instruction.riscv', match: `(?i)${START}${anyOf(flow)}${END}` },
        { name: 'support.function.instruction.riscv', match: `(?i)${START}${anyOf(other)}${atomicOrder}${END}` },
      ],
    },
    registers: {
      patterns: [
        { name: 'variable.language.register.riscv', match: `${START}${anyOf(abiNames)}${END}` },
        {
          name: 'variable.language.register.float.riscv',
          match: `${START}${anyOf(floatNames)}${END}`,
        },
        { name: 'variable.language.register.vector.riscv', match: `${START}(?:${VECTOR_REGISTERS})${END}` },
      ],
    },
    csrs: {
      patterns: [{ name: 'support.constant.csr.riscv', match: `${START}${anyOf(csrs.map(({ name }) => name))}${END}` }],
    },
    literals: {
      patterns: [
        {
          name: 'string.quoted.double.riscv',
          begin: '"',
          end: '"|$',
          patterns: [
            { name: 'constant.character.escape.riscv', match: '\\\\(?:[bfnrt"\\\\]|[0-7]{1,3}|[xX][0-9a-fA-F]+)' },
          ],
        },
        { name: 'constant.character.riscv', match: "'(?:\\\\.|[^\\\\'])'?" },
        { name: 'constant.numeric.hex.riscv', match: '\\b0[xX][0-9a-fA-F]+[uUlL]*\\b' },
        { name: 'constant.numeric.binary.riscv', match: '\\b0[bB][01]+\\b' },
        { name: 'constant.numeric.float.riscv', match: '\\b\\d+\\.\\d+(?:[eE][-+]?\\d+)?\\b' },
        { name: 'constant.numeric.octal.riscv', match: '\\b0[0-7]+[uUlL]*\\b' },
        { name: 'constant.numeric.decimal.riscv', match: '\\b\\d+[uUlL]*\\b' },
      ],
    },
    relocations: {
      patterns: [
        {
          name: 'support.function.relocation.riscv',
          match: '%(?:(?:pcrel|tprel|got_pcrel|tls_ie_pcrel|tls_gd_pcrel|tprel)_)?(?:hi|lo|add)\\b',
        },
      ],
    },
    macroParameters: {
      patterns: [{ name: 'variable.parameter.macro.riscv', match: '\\\\(?:[A-Za-z_]\\w*|@|\\(\\))' }],
    },
    macroDefinition: {
      patterns: [
        {
          match: '(?<![\\w$])(\\.macro)\\s+([A-Za-z_.$][\\w.$]*)',
          captures: {
            '1': { name: 'keyword.control.directive.riscv' },
            '2': { name: 'entity.name.function.macro.riscv' },
          },
        },
      ],
    },
    operators: {
      patterns: [
        { name: 'keyword.operator.riscv', match: '<<|>>|&&|\\|\\||[-+*/&|^~!=<>]' },
        { name: 'punctuation.separator.riscv', match: '[,;]' },
      ],
    },
    code: {
      patterns: [
        'comments',
        'macroDefinition',
        'labels',
        'directives',
        'literals',
        'relocations',
        'macroParameters',
        'instructions',
        'registers',
        'csrs',
        'operators',
      ].map((name) => ({ include: `#${name}` })),
    },
  };
  return {
    comment: 'Generated by scripts/generate-grammar.ts from src/isa/. Do not edit.',
    name: 'RISC-V Assembly',
    scopeName: 'source.asm.riscv',
    patterns: [{ include: '#preprocessor' }, { include: '#code' }],
    repository,
  };
}

const text = `${JSON.stringify(grammar(), undefined, 2)}\n`;
if (!process.argv.includes('--check')) {
  writeFileSync(FILE, text);
} else if (readFileSync(FILE, 'utf8') !== text) {
  console.error('syntaxes/riscv-asm.tmLanguage.json is not what src/isa/ says; run `npm run generate`.');
  process.exitCode = 1;
}
