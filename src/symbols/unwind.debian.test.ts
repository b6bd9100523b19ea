/** Compares call-frame rows with readelf's, and stacks and variables of a running program with gdb's. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompiledPrograms, outputOf } from '../../test/support/compiled-programs';
import type { CompiledProgram } from '../../test/support/compiled-programs';
import { requireTool } from '../../test/support/tools';
import type { Location, ReadMemory, StackFrame, Variable } from './model';
import { SymbolFile } from './program';
import type { CfaRule, RegisterRule } from './unwind/frame-row';

const VARIANTS = [
  ['-gdwarf-4', '-O0'],
  ['-gdwarf-5', '-Og'],
  ['-gdwarf-4', '-O2'],
  ['-gdwarf-5', '-O2'],
  ['-gdwarf-5', '-Os', '-fno-omit-frame-pointer'],
  ['-gdwarf-5', '-O2', '-fasynchronous-unwind-tables'],
];
const FUNCTIONS = [
  ...['main', 'walk', 'visit_one', 'leaf', 'big_frame', 'library_sum', 'variable_frame', 'check', 'library_dispatch'],
  ...['assembly_caller', 'library_fill'],
];
const STEPS = 20;
const hex = (value: bigint): string => `0x${value.toString(16)}`;

describe('unwinding against the GNU tools', function () {
  this.timeout(120_000);
  const programs = new CompiledPrograms();
  let gcc: string;
  before(function () {
    gcc = requireTool('riscv64-unknown-elf-gcc', this);
  });
  after(() => programs.dispose());

  for (const variant of VARIANTS) {
    describe(variant.join(' '), () => {
      let program: CompiledProgram;
      let stops: Stop[] | undefined;
      before(() => {
        program = programs.compile(gcc, ...variant);
      });

      function recordedStops(context: Mocha.Context): Stop[] {
        const gdb = requireTool('gdb-multiarch', context);
        const qemu = requireTool('qemu-system-riscv64', context);
        return (stops ??= record(gdb, qemu, program));
      }

      it('has the rows that readelf interprets', function () {
        const readelf = requireTool('riscv64-unknown-elf-readelf', this);
        const file = SymbolFile.open(program.bytes);
        const rows = interpretedRows(outputOf(readelf, ['--debug-dump=frames-interp', program.path]));
        assert.ok(rows.length > 20);
        for (const { address, rules } of rows) assert.deepEqual(rowRules(file, address), rules, hex(address));
        assert.deepEqual(file.warnings, []);
      });

      it('finds the stacks that gdb finds, by call-frame information', function () {
        const file = SymbolFile.open(program.bytes);
        const ways = compareStacks(file, recordedStops(this));
        assert.ok(ways.has('cfi'));
      });

      it('finds them without call-frame information', function () {
        const objcopy = requireTool('riscv64-unknown-elf-objcopy', this);
        const bare = without(objcopy, program, '--remove-section=.debug_frame', '--remove-section=.eh_frame');
        const ways = compareStacks(bare, recordedStops(this));
        assert.ok(!ways.has('cfi') && ways.has('prologue'));
      });

      it('locates variables where gdb finds their values', function () {
        const { compared, known } = compareVariables(SymbolFile.open(program.bytes), recordedStops(this));
        assert.ok(compared > 150);
        assert.ok(known > compared / 3, `${known} of ${compared} known`);
      });
    });
  }

  it('follows the frame pointers of a program without symbols', function () {
    const objcopy = requireTool('riscv64-unknown-elf-objcopy', this);
    const gdb = requireTool('gdb-multiarch', this);
    const qemu = requireTool('qemu-system-riscv64', this);
    const program = programs.compile(gcc, '-gdwarf-5', '-O0');
    const stripped = without(objcopy, program, '--strip-all', '--remove-section=.eh_frame');
    // In a prologue and in an epilogue the chain is not in order; in the body it is.
    const stops = record(gdb, qemu, program);
    const inBodies = stops.filter(({ registers, frames }) => {
      const file = SymbolFile.open(program.bytes);
      const row = file.unwindRow(BigInt(frames[0]!.pc));
      return row?.cfa?.kind === 'register' && row.cfa.register === 8 && registers.length > 0;
    });
    assert.ok(inBodies.length > 60);
    const ways = compareStacks(stripped, inBodies);
    assert.deepEqual([...ways].sort(), ['frame-pointer', 'start']);
  });
});

// Rows

interface Row {
  readonly address: bigint;
  readonly rules: Record<string, string>;
}

/** Rows of all functions in readelf's notation, without registers that have no rule. */
function interpretedRows(text: string): Row[] {
  const rows: Row[] = [];
  let columns: string[] = [];
  let isFunction = false;
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    if (line.includes(' CIE ') || line.includes(' FDE ')) {
      isFunction = line.includes(' FDE ');
      columns = ['CFA'];
      const start = /pc=([0-9a-f]+)\.\./.exec(line);
      // A function without instructions of its own has its first row only, which is not shown.
      if (start) rows.push({ address: BigInt(`0x${start[1]}`), rules: { CFA: 'sp+0' } });
    } else if (words[0] === 'LOC') {
      columns = words.slice(1);
    } else if (isFunction && /^[0-9a-f]{16}$/.test(words[0] ?? '')) {
      const entries = columns.map((column, index): [string, string] => [column, words[index + 1]!]);
      const rules = Object.fromEntries(entries.filter(([, rule]) => rule !== 'u'));
      const address = BigInt(`0x${words[0]}`);
      if (rows.at(-1)?.address === address) rows.pop();
      rows.push({ address, rules });
    }
  }
  return rows;
}

const NAMES = [
  'zero',
  'ra',
  'sp',
  'gp',
  'tp',
  't0',
  't1',
  't2',
  's0',
  's1',
  'a0',
  'a1',
  'a2',
  'a3',
  'a4',
  'a5',
  'a6',
  'a7',
];
const registerName = (register: number): string =>
  NAMES[register] ?? (register < 28 ? `s${register - 16}` : `t${register - 25}`);

function rowRules(file: SymbolFile, address: bigint): Record<string, string> {
  const row = file.unwindRow(address);
  assert.ok(row?.cfa, `${hex(address)} has no row`);
  assert.ok(row.low <= address && address < row.high);
  const rules: Record<string, string> = { CFA: cfaText(row.cfa) };
  for (const [register, rule] of row.registers)
    if (rule.kind !== 'undefined') rules[registerName(register)] = ruleText(rule);
  return rules;
}

function cfaText(rule: CfaRule): string {
  return rule.kind === 'expression' ? 'exp' : `${registerName(rule.register)}+${rule.offset}`;
}

function ruleText(rule: RegisterRule): string {
  if (rule.kind === 'offset') return `c${rule.offset < 0n ? '' : '+'}${rule.offset}`;
  if (rule.kind === 'same') return 's';
  return rule.kind;
}

// Stacks

interface Stop {
  readonly pc: string;
  readonly registers: readonly string[];
  /** The stack, from a little below the stack pointer, and the program's code and data; bytes in hexadecimal. */
  readonly memory: readonly { readonly start: string; readonly bytes: string }[];
  readonly frames: readonly {
    readonly pc: string;
    readonly name: string;
    readonly inlined: boolean;
    readonly variables: Readonly<Record<string, string | null>>;
  }[];
}

function record(gdb: string, qemu: string, { path }: CompiledProgram): Stop[] {
  const machine = '-machine virt -m 128M -bios none -display none -serial null -monitor none -S -gdb stdio';
  const script = join(process.cwd(), 'test', 'fixtures', 'symbols', 'record-frames.py');
  const commands = [
    `set $qemu="${qemu} ${machine} -kernel ${path}"`,
    `set $steps=${STEPS}`,
    `set $functions="${FUNCTIONS.join(' ')}"`,
    `source ${script}`,
  ];
  const output = outputOf(gdb, ['-q', '-batch', '-nx', ...commands.flatMap((command) => ['-ex', command]), path]);
  const stops = output.split('\n').filter((line) => line.startsWith('{'));
  assert.ok(stops.length > 120, 'gdb recorded too little');
  return stops.map((line) => JSON.parse(line) as Stop);
}

/** The program without some of its sections. */
function without(objcopy: string, { path }: CompiledProgram, ...options: string[]): SymbolFile {
  const output = `${path}.${options.length}.bare`;
  execFileSync(objcopy, [...options, path, output]);
  return SymbolFile.open(readFileSync(output));
}

function memoryOf({ memory }: Stop): ReadMemory {
  const regions = memory.map(({ start, bytes }) => ({ start: BigInt(start), bytes: Buffer.from(bytes, 'hex') }));
  return (address, size) => {
    for (const { start, bytes } of regions) {
      const offset = Number(address - start);
      if (offset >= 0 && offset + size <= bytes.length) return bytes.subarray(offset, offset + size);
    }
    return undefined;
  };
}

function unwindStop(file: SymbolFile, stop: Stop): StackFrame[] {
  const frames = file.unwindStack(BigInt(stop.pc), stop.registers.map(BigInt), memoryOf(stop));
  // gdb ends its stacks with main.
  const last = frames.findIndex(({ lookupPc }) => file.symbolAt(lookupPc)?.name === 'main');
  return last < 0 ? frames : frames.slice(0, last + 1);
}

/** Asserts equal program counters in all frames; returns the methods that were used. */
function compareStacks(file: SymbolFile, stops: readonly Stop[]): Set<string> {
  const ways = new Set<string>();
  for (const stop of stops) {
    const frames = unwindStop(file, stop);
    for (const { how } of frames) ways.add(how);
    const machineFrames = stop.frames.filter(({ inlined }) => !inlined);
    // gdb goes wrong in an assembly function and gives up there, or comes to frames that are none.
    const assembly = machineFrames.findIndex(({ name }) => name === 'assembly_caller');
    const expected = machineFrames.slice(0, assembly < 0 ? undefined : assembly + 1).map(({ pc }) => hex(BigInt(pc)));
    const where = `${stop.frames[0]!.name} at ${hex(BigInt(stop.pc))}: ${frames.map(({ how }) => how).join(', ')}`;
    const found = frames.map(({ pc }) => hex(pc));
    const hasNames = file.findSymbol('main') !== undefined;
    assert.deepEqual(assembly < 0 && hasNames ? found : found.slice(0, expected.length), expected, where);
    if (hasNames) assert.equal(file.symbolAt(frames.at(-1)!.lookupPc)?.name, 'main', where);
  }
  return ways;
}

// Variables

/** Compares the scalar variables of all frames; `known` counts those that have a value. */
function compareVariables(file: SymbolFile, stops: readonly Stop[]): { compared: number; known: number } {
  let compared = 0;
  let known = 0;
  let recovered = 0;
  for (const stop of stops) {
    const readMemory = memoryOf(stop);
    const frames = unwindStop(file, stop);
    const levels = frames.flatMap((frame, index) =>
      file.inlineChain(frame.lookupPc).map((_, level) => ({ frame, caller: frames[index + 1], level })),
    );
    // Above an assembly function gdb's registers are wrong.
    const assembly = stop.frames.findIndex(({ name }) => name === 'assembly_caller');
    stop.frames.slice(0, assembly < 0 ? undefined : assembly).forEach((expected, index) => {
      const place = levels[index];
      if (!place) return;
      const { frame, caller, level } = place;
      const seen = new Set<string>();
      for (const variable of file.variablesInScope(frame.lookupPc, level)) {
        const wanted = expected.variables[variable.name];
        if (wanted === undefined || seen.has(variable.name)) continue;
        seen.add(variable.name);
        const { registers, cfa } = frame;
        const context = {
          pc: frame.lookupPc,
          registers,
          readMemory,
          ...(cfa !== undefined && { cfa }),
          ...(caller && { caller }),
        };
        const actual = scalarValue(variable, file.locate(variable, context), frame, readMemory);
        compared++;
        if (actual !== undefined) known++;
        const where = `${expected.name}.${variable.name} at ${hex(frame.pc)}, frame ${index}, stop at ${hex(BigInt(stop.pc))}`;
        // gdb does not follow every call site to a parameter that only the caller holds.
        if (wanted === null && actual !== undefined) recovered++;
        else assert.equal(actual?.toString(), wanted ?? undefined, where);
      }
      assert.deepEqual(
        [...seen].sort(),
        Object.keys(expected.variables).sort(),
        `${expected.name} at ${hex(frame.pc)}`,
      );
    });
  }
  assert.ok(recovered < compared / 20, `${recovered} of ${compared} known to us alone`);
  return { compared, known };
}

function scalarValue(
  { type }: Variable,
  location: Location,
  frame: StackFrame,
  readMemory: ReadMemory,
): bigint | undefined {
  let target = type;
  while (target && 'target' in target && target.kind !== 'pointer') target = target.target;
  const size = target?.size ?? 0;
  let raw: bigint | undefined;
  if (location.kind === 'register') raw = frame.registers[location.register];
  else if (location.kind === 'value') raw = location.value;
  else if (location.kind === 'memory') {
    const bytes = readMemory(location.address, size);
    if (bytes) raw = bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }
  if (raw === undefined) return undefined;
  const isSigned = target && 'isSigned' in target && target.isSigned;
  return isSigned ? BigInt.asIntN(8 * size, raw) : BigInt.asUintN(8 * size, raw);
}
