/** Headers of line-number programs, versions 2 to 5 (DWARF 5, 6.2.4): parameters, directories, files. */
import { ByteReader } from '../byte-reader';
import { LNCT } from './constants';
import { readForm, skipForm } from './forms';
import type { UnitFormat } from './forms';
import type { Unit } from './unit';

export interface LineFile {
  readonly name: string;
  /** Index into the directories; 0 is the compilation directory. */
  readonly directory: number;
}

export interface LineHeader extends UnitFormat {
  readonly minimumInstructionLength: number;
  readonly maximumOperations: number;
  readonly defaultIsStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Operand counts of the standard opcodes, by opcode. */
  readonly operandCounts: readonly number[];
  /** Number 0 is the compilation directory: in version 5 as the table states it, before as an empty string. */
  readonly directories: readonly string[];
  /** By the file numbers that rows use. Before version 5 they start at 1, and 0 means the unit's own file. */
  readonly files: (LineFile | undefined)[];
  /** Offsets in `.debug_line` of the program. */
  readonly programStart: number;
  readonly programEnd: number;
}

/** Reads the header at `offset` of `.debug_line`, for `unit`. @throws DwarfError when it is damaged. */
export function readLineHeader(unit: Unit, offset: number): LineHeader {
  const whole = new ByteReader(unit.sections.get('line'), '.debug_line', offset);
  const { length, is64 } = whole.initialLength();
  const reader = whole.sub(length);
  const version = reader.u16();
  if (version < 2 || version > 5) reader.fail(`line table version ${version} is not supported`);
  if (version >= 5) {
    const addressSize = reader.u8();
    const segmentSize = reader.u8();
    if (addressSize !== 8 || segmentSize !== 0) reader.fail('the line table has unsuitable addresses');
  }
  const headerLength = reader.offset(is64);
  const programStart = reader.position + headerLength;
  const minimumInstructionLength = reader.u8();
  const maximumOperations = version >= 4 ? reader.u8() : 1;
  const defaultIsStatement = reader.u8() !== 0;
  const lineBase = reader.i8();
  const lineRange = reader.u8();
  const opcodeBase = reader.u8();
  const operandCounts = [0];
  for (let opcode = 1; opcode < opcodeBase; opcode++) operandCounts.push(reader.u8());
  const format: UnitFormat = { version, is64 };
  const names = version >= 5 ? readEntryLists(unit, reader, format) : readNameLists(unit, reader);
  if (programStart > reader.end) reader.fail('the line table ends within its header');
  return {
    ...format,
    minimumInstructionLength,
    maximumOperations: Math.max(1, maximumOperations),
    defaultIsStatement,
    lineBase,
    lineRange,
    opcodeBase,
    operandCounts,
    ...names,
    programStart,
    programEnd: reader.end,
  };
}

/** Directories and files of versions 2 to 4: two lists, each ended by an empty name. */
function readNameLists(unit: Unit, reader: ByteReader): Pick<LineHeader, 'directories' | 'files'> {
  const directories = [''];
  for (let name = reader.string(); name !== ''; name = reader.string()) directories.push(name);
  const own = unit.name;
  const files: (LineFile | undefined)[] = [own === undefined ? undefined : { name: own, directory: 0 }];
  for (let name = reader.string(); name !== ''; name = reader.string()) files.push(readFileRest(reader, name));
  return { directories, files };
}

/** What follows a file's name in versions 2 to 4: directory, time, length. */
export function readFileRest(reader: ByteReader, name: string): LineFile {
  const directory = reader.uleb();
  reader.skipLeb();
  reader.skipLeb();
  return { name, directory };
}

function readEntryLists(unit: Unit, reader: ByteReader, format: UnitFormat): Pick<LineHeader, 'directories' | 'files'> {
  const directories = readEntries(unit, reader, format).map(({ name }) => name);
  return { directories, files: readEntries(unit, reader, format) };
}

/** A list of version 5: the fields of an entry, then the entries. */
function readEntries(unit: Unit, reader: ByteReader, format: UnitFormat): LineFile[] {
  const fields = Array.from({ length: reader.u8() }, () => ({ content: reader.uleb(), form: reader.uleb() }));
  const count = reader.uleb();
  if (count > reader.remaining || (count > 0 && fields.length === 0))
    reader.fail('the line table has too many entries');
  const entries: LineFile[] = [];
  for (let index = 0; index < count; index++) {
    let name = '';
    let directory = 0;
    for (const { content, form } of fields) {
      if (content === LNCT.path) name = readName(unit, reader, form, format);
      else if (content === LNCT.directoryIndex) directory = readIndex(reader, form, format);
      else skipForm(reader, form, format);
    }
    entries.push({ name, directory });
  }
  return entries;
}

function readName(unit: Unit, reader: ByteReader, form: number, format: UnitFormat): string {
  const value = readForm(reader, form, format, 0n);
  if (value.kind === 'string') return value.text;
  if (value.kind === 'string-offset') return unit.sections.string(value.section, value.offset);
  if (value.kind === 'string-index') return unit.indexedString(value.index);
  return reader.fail('a file name in the line table has an unsuitable form');
}

function readIndex(reader: ByteReader, form: number, format: UnitFormat): number {
  const value = readForm(reader, form, format, 0n);
  return value.kind === 'constant' ? Number(value.value) : reader.fail('a directory index has an unsuitable form');
}
