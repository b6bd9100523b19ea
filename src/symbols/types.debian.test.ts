/** Compares types, and the program's global variables, with what gdb makes of them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { CompiledPrograms, outputOf } from '../../test/support/compiled-programs';
import { requireTool } from '../../test/support/tools';
import type { Type } from './model';
import { SymbolFile } from './program';

/** A type as gdb describes it; targets and members' types by name. */
interface Described {
  readonly kind: string;
  readonly size: number;
  readonly members?: readonly (readonly unknown[])[];
  readonly count?: number;
  readonly target?: string;
}

describe('types against gdb', function () {
  this.timeout(60_000);
  const programs = new CompiledPrograms();
  after(() => programs.dispose());

  for (const dwarf of ['-gdwarf-2', '-gdwarf-3', '-gdwarf-4', '-gdwarf-5']) {
    it(`agree in ${dwarf}`, function () {
      const gcc = requireTool('riscv64-unknown-elf-gcc', this);
      const gdb = requireTool('gdb-multiarch', this);
      const { path, bytes } = programs.compile(gcc, dwarf, '-gstrict-dwarf', '-O1');
      const file = SymbolFile.open(bytes);
      const globals = new Map([...file.globals()].map((variable) => [variable.name, variable]));
      assert.deepEqual([...globals.keys()].sort(), ['everything', 'head', 'sink', 'table']);

      const script = join(process.cwd(), 'test', 'fixtures', 'symbols', 'record-types.py');
      const commands = [`set $names="${[...globals.keys()].join(' ')}"`, `source ${script}`];
      const output = outputOf(gdb, ['-q', '-batch', '-nx', ...commands.flatMap((text) => ['-ex', text]), path]);
      const expected = JSON.parse(output) as { variables: Record<string, string>; types: Record<string, Described> };

      const described: Record<string, Described> = {};
      for (const [name, { type }] of globals)
        assert.equal(describeType(described, type), expected.variables[name], name);
      assert.deepEqual(described, expected.types);
      assert.deepEqual(file.warnings, []);
    });
  }
});

/** gdb writes some names its own way. */
function gdbName(type: Type | undefined): string {
  return (type?.name ?? 'void')
    .replace('long unsigned int', 'unsigned long')
    .replace('short unsigned int', 'unsigned short')
    .replaceAll(/(const|volatile) \[/g, '$1[');
}

/** Describes the type and all that it is made of, in gdb's way; returns its name. */
function describeType(described: Record<string, Described>, type: Type | undefined): string {
  const name = gdbName(type);
  if (described[name]) return name;
  const add = (entry: Described): Described => (described[name] = entry);
  if (!type) {
    // GNU C's void has a size.
    add({ kind: 'base', size: 1 });
    return name;
  }
  let target: Type | undefined = type;
  while (target && 'target' in target && target.kind !== 'pointer') target = target.target;
  switch (type.kind) {
    case 'typedef':
      add({ kind: 'typedef', size: type.size });
      add({ kind: 'typedef', size: type.size, target: describeType(described, target) });
      return name;
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'atomic': {
      // gdb sees a qualified type as a variant of the type itself.
      const plain: Record<string, Described> = { ...described };
      const base = describeType(plain, type.target);
      for (const [key, value] of Object.entries(plain)) if (key !== base) described[key] ??= value;
      described[name] = plain[base]!;
      return name;
    }
    case 'pointer':
    case 'function': {
      const entry = add({ kind: type.kind, size: type.kind === 'function' ? 1 : type.size });
      add({ ...entry, target: describeType(described, type.kind === 'pointer' ? type.target : type.result) });
      return name;
    }
    case 'array': {
      const entry = add({ kind: 'array', size: type.size, count: type.count ?? 1 });
      add({ ...entry, target: describeType(described, type.element) });
      return name;
    }
    case 'enum':
      add({ kind: 'enum', size: type.size, members: type.enumerators.map((each) => [each.name, String(each.value)]) });
      return name;
    case 'struct': {
      const kind = type.flavour === 'union' ? 'union' : 'struct';
      add({ kind, size: type.size });
      const members = type.members.map((member) => [
        member.name,
        describeType(described, member.type),
        8 * member.offset + (member.bitOffset ?? 0),
        member.bitSize ?? 0,
      ]);
      described[name] = { kind, size: type.size, members };
      return name;
    }
    default:
      add({ kind: 'base', size: type.size });
      return name;
  }
}
