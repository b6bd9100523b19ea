/** What happened to watched data, in words: `balance changed from 3 to 4 by deposit() at bank.c:12.` */
import type { Type } from '../../../symbols/model';
import type { Value } from '../../expressions/evaluate';
import { integer } from '../../expressions/evaluate';
import { hex } from '../../format';
import type { SymbolSpace } from '../../symbol-space';
import type { Target } from '../../target';
import { resolveType, sizeOf } from '../../values/datum';
import type { Datum } from '../../values/datum';
import { datumText } from '../../values/datum-node';
import { constantPlace, unsignedOf } from '../../values/place';
import { DECIMAL } from '../../values/value-node';
import type { DataHit } from './watch-table';

/** The smallest part of the data that the access lies in. */
interface Part {
  /** As an expression: `accounts[2].balance`. */
  readonly name: string;
  readonly type: Type | undefined;
  readonly offset: number;
  readonly size: number;
}

/** What was written over what, or what was read: computed when asked for. */
export class HitValues {
  private readonly part: Part;

  constructor(private readonly hit: DataHit) {
    this.part = touchedPart(hit);
  }

  get name(): string {
    return this.part.name;
  }

  get isWrite(): boolean {
    return this.hit.parts.some(({ access }) => access.kind === 'store');
  }

  get byInstruction(): boolean {
    return this.hit.parts.some(({ access }) => access.byInstruction);
  }

  /** The bytes of the part after the access. */
  get after(): Uint8Array | undefined {
    return this.hit.read(this.part.offset, this.part.size);
  }

  /** And before it. */
  get before(): Uint8Array | undefined {
    const bytes = this.after?.slice();
    if (!bytes) return undefined;
    for (const { access, offset } of [...this.hit.parts].reverse()) {
      const start = offset - this.part.offset;
      access.before.forEach((byte, index) => {
        if (start + index >= 0 && start + index < bytes.length) bytes[start + index] = byte;
      });
    }
    return bytes;
  }

  /** As expressions see it. */
  value(bytes: Uint8Array | undefined): Value | undefined {
    if (!bytes) return undefined;
    if (this.part.type) return { kind: 'data', datum: this.datum(bytes) };
    return bytes.length <= 8 ? integer(unsignedOf(bytes)) : undefined;
  }

  text(bytes: Uint8Array, target: Target, symbols: SymbolSpace): string {
    if (!this.part.type) return bytes.length <= 8 ? hex(unsignedOf(bytes)) : byteText(bytes);
    const memory = target.memory('gva');
    const nameOf = (address: bigint): string | undefined => symbols.nameOf(address, memory);
    return datumText(this.datum(bytes), { memory, presentation: DECIMAL, nameOf });
  }

  private datum(bytes: Uint8Array): Datum {
    return { type: this.part.type, place: constantPlace(bytes), offset: 0 };
  }
}

/** Says what happened, first in a few words, then as a sentence. */
export function describeHit(hit: DataHit, target: Target, symbols: SymbolSpace): { title: string; text: string } {
  const values = new HitValues(hit);
  const { name, isWrite, before, after } = values;
  const by = values.byInstruction ? doer(target, symbols) : 'the page walk, a device or the hypervisor';
  const [old, now] = [before, after].map((bytes) => (bytes ? values.text(bytes, target, symbols) : '?'));
  if (!isWrite) return { title: `${name} was read: ${now}`, text: `${name} was read by ${by}; it is ${now}.` };
  if (old === now) {
    return { title: `${name} was written: ${now}`, text: `${name} was written by ${by} and is ${now} as before.` };
  }
  return { title: `${name}: ${old} → ${now}`, text: `${name} changed from ${old} to ${now} by ${by}.` };
}

/** The code at pc: `deposit() at bank.c:12`. */
function doer(target: Target, symbols: SymbolSpace): string {
  const { pc } = target;
  const memory = target.memory('gva');
  const line = symbols.lineAt(pc, memory);
  const name = symbols.functionAt(pc, memory)?.name;
  const at = line ? ` at ${line.file.split('/').pop()}:${line.line}` : ` at ${hex(pc)}`;
  return name ? `${name}()${at}` : `${symbols.nameOf(pc, memory) ?? 'the instruction'}${at}`;
}

const MOST_BYTES = 16;

function byteText(bytes: Uint8Array): string {
  const shown = [...bytes.subarray(0, MOST_BYTES)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return bytes.length > MOST_BYTES ? `${shown} …` : shown;
}

/** Nested types are few; a damaged program file may have them without end. */
const MOST_LEVELS = 32;

function touchedPart({ data, parts }: DataHit): Part {
  const { name, size, type } = data.data;
  const first = Math.max(0, Math.min(...parts.map(({ offset }) => offset)));
  const end = Math.min(size, Math.max(...parts.map(({ offset, access }) => offset + access.length)));
  if (!type) {
    return size <= 8
      ? { name, type, offset: 0, size }
      : { name: first === 0 ? name : `${name}+${hex(BigInt(first))}`, type, offset: first, size: end - first };
  }
  let part: Part = { name, type, offset: 0, size };
  for (let level = 0; level < MOST_LEVELS; level++) {
    const inner = innerPart(part, first, end);
    if (!inner) break;
    part = inner;
  }
  return part;
}

/** The one member or element that all the bytes from `first` to `end` lie in. */
function innerPart({ name, type, offset }: Part, first: number, end: number): Part | undefined {
  const resolved = resolveType(type);
  if (resolved?.kind === 'array') {
    const size = sizeOf(resolved.element);
    if (size === 0) return undefined;
    const index = Math.floor((first - offset) / size);
    const start = offset + index * size;
    return end <= start + size ? { name: `${name}[${index}]`, type: resolved.element, offset: start, size } : undefined;
  }
  if (resolved?.kind !== 'struct' || resolved.variants) return undefined;
  const covering = resolved.members.filter((member) => {
    const start = offset + member.offset;
    return member.bitSize === undefined && first >= start && end <= start + sizeOf(member.type);
  });
  const [member] = covering;
  // The members of a union all cover it.
  if (!member || covering.length > 1) return undefined;
  const inner = member.name === '' || member.isBaseClass ? name : `${name}.${member.name}`;
  return { name: inner, type: member.type, offset: offset + member.offset, size: sizeOf(member.type) };
}
