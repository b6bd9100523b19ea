// Decoding in generated code: byte for byte what the decoder in TypeScript makes.
import assert from 'node:assert/strict';
import { Random } from '../../test/support/random';
import { instructionBuckets, makeDecoder } from '../isa/decode';
import { switchableExtensions } from '../isa/extensions';
import { compressedInstructions, instructions } from '../isa/table';
import { Module } from '../wasm/module';
import type { GeneratedDecoder } from './code-cache';
import { writeEncodings } from './encodings';
import * as at from './layout';
import { RECORD_SIZE, TRACE_LIMIT } from './record';
import { defineRecordFunctions } from './record-code';
import { RecordWriter } from './record-writer';
import { TraceDecoder } from './trace-decoder';

const WASM_PAGE = 0x10000;
const PAGE_SIZE = 0x1000;
const HALFWORDS = PAGE_SIZE / 2;
const FIRST_HEAT = -7;
const HEATS = at.RECORDS / 4 + at.HEAT_OFFSET;

function generate(memory: WebAssembly.Memory): GeneratedDecoder {
  const module = new Module();
  module.importMemory('engine', 'memory', at.RAM / WASM_PAGE, WASM_PAGE);
  const { decodeTrace, decodeScratch } = defineRecordFunctions(module);
  module.export('decodeTrace', decodeTrace);
  module.export('decodeScratch', decodeScratch);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { engine: { memory } });
  return instance.exports as unknown as GeneratedDecoder;
}

/** A memory with one page of code, of which the first slot table is. */
class Side {
  readonly memory = new WebAssembly.Memory({ initial: at.RAM / WASM_PAGE + 1, maximum: at.RAM / WASM_PAGE + 1 });
  readonly words = new Int32Array(this.memory.buffer);

  constructor() {
    this.words[at.FIRST_HEAT / 4] = FIRST_HEAT;
    this.words[at.CODE_PAGES / 4] = at.RAM;
    this.words[at.PAGE_INFO / 4] = at.CODE;
  }

  /** Another page: nothing is decoded. */
  load(page: Uint16Array): void {
    new Uint16Array(this.memory.buffer, at.RAM, HALFWORDS).set(page);
    this.words.fill(0, at.SLOT_TABLES / 4, (at.SLOT_TABLES + at.SLOT_TABLE_SIZE) / 4);
    this.nextRecord = at.RECORDS;
  }

  get nextRecord(): number {
    return this.words[at.NEXT_RECORD / 4];
  }

  set nextRecord(address: number) {
    this.words[at.NEXT_RECORD / 4] = address;
  }

  bytes(from: number, length: number): Buffer {
    return Buffer.from(this.memory.buffer, from, length);
  }
}

class Comparison {
  private readonly reference = new Side();
  private readonly tested = new Side();
  private readonly decoder: TraceDecoder;
  private readonly writer: RecordWriter;
  private readonly generated: GeneratedDecoder;

  constructor(extensions: readonly string[], fuses: boolean) {
    const present = new Set(extensions);
    const decode = makeDecoder(present);
    this.decoder = new TraceDecoder(this.reference.memory.buffer, decode, fuses);
    this.writer = new RecordWriter(this.reference.memory.buffer, decode);
    writeEncodings(this.tested.memory.buffer, instructionBuckets(present), fuses);
    this.generated = generate(this.tested.memory);
  }

  /** Decodes a page from each of its halfwords, or from these, in that order. */
  page(page: Uint16Array, starts: Iterable<number> = page.keys()): void {
    const { reference, tested } = this;
    reference.load(page);
    tested.load(page);
    for (const start of starts) {
      const first = this.decoder.decode(at.SLOT_TABLES, at.RAM, 2 * start);
      assert.equal(this.generated.decodeTrace(at.SLOT_TABLES, 2 * start), first);
      if (tested.nextRecord !== reference.nextRecord) this.compareRecords(page, first);
    }
    this.compareRecords(page, at.RECORDS);
    this.compare(at.SLOT_TABLES, at.SLOT_TABLE_SIZE);
    this.compare(HEATS, (reference.nextRecord - at.RECORDS) / 4);
    assert.equal(tested.nextRecord, reference.nextRecord);
  }

  scratch(word: number, offset: number): void {
    const { reference, tested, writer } = this;
    writer.write(at.SCRATCH_RECORDS, offset, word, 0);
    writer.writeMarker(at.SCRATCH_RECORDS + RECORD_SIZE, 'end', offset + writer.length);
    assert.equal(this.generated.decodeScratch(word, offset), at.SCRATCH_RECORDS);
    const [made, expected] = [tested, reference].map((side) => side.bytes(at.SCRATCH_RECORDS, 2 * RECORD_SIZE));
    assert.ok(made.equals(expected), `0x${(word >>> 0).toString(16)} becomes ${made.toString('hex')}`);
  }

  /** Whether the page was decoded by generated code. */
  decodesAlone(change: (side: Side) => void): boolean {
    this.tested.load(new Uint16Array(HALFWORDS));
    change(this.tested);
    return this.generated.decodeTrace(at.SLOT_TABLES, 0) !== 0;
  }

  private compareRecords(page: Uint16Array, from: number): void {
    const { reference, tested } = this;
    for (let record = from; record < reference.nextRecord; record += RECORD_SIZE) {
      const [made, expected] = [tested, reference].map((side) => side.bytes(record, RECORD_SIZE));
      if (made.equals(expected)) continue;
      const offset = expected.readUInt16LE(2) & ~1;
      const word = page[offset / 2] | (page[offset / 2 + 1] << 16);
      const text = `0x${(word >>> 0).toString(16)} at 0x${offset.toString(16)}`;
      assert.fail(`${text} becomes ${made.toString('hex')} instead of ${expected.toString('hex')}`);
    }
  }

  private compare(from: number, length: number): void {
    assert.ok(this.tested.bytes(from, length).equals(this.reference.bytes(from, length)));
  }
}

/** Pages of these 32-bit words. */
function* pagesOf(words: readonly number[]): Iterable<Uint16Array> {
  for (let i = 0; i < words.length; i += PAGE_SIZE / 4) {
    const page = new Uint32Array(PAGE_SIZE / 4);
    page.set(words.slice(i, i + PAGE_SIZE / 4));
    yield new Uint16Array(page.buffer);
  }
}

describe('decoding in generated code', function () {
  this.timeout(20_000);
  const random = new Random(12);
  const everything = new Comparison(switchableExtensions, true);
  const least = new Comparison([], false);

  it('makes the reference’s records of all 16-bit words', () => {
    const short = Uint16Array.from({ length: 0x10000 }, (_, word) => word).filter((word) => (word & 3) !== 3);
    for (let i = 0; i < short.length; i += HALFWORDS) everything.page(short.slice(i, i + HALFWORDS));
  });

  it('makes them of each 32-bit instruction, with all kinds of operands, and of those that differ from one in a bit', () => {
    const words = instructions.flatMap(({ match, mask }) =>
      Array.from({ length: 96 }, (_, i) => {
        const word = match | (random.next() & ~mask);
        return i < 32 ? match ^ (1 << i) : i < 64 ? word ^ (1 << (i - 32)) : word;
      }),
    );
    for (const page of pagesOf(words)) {
      everything.page(page);
      least.page(page);
    }
  });

  it('makes them of any words, from any place, in any order', () => {
    const frequent = instructions.filter(({ action }) => ['compute', 'load', 'store', 'branch'].includes(action.k));
    const common = [...frequent, ...compressedInstructions];
    for (let round = 0; round < 40; round++) {
      const page = new Uint16Array(HALFWORDS);
      for (let i = 0; i < HALFWORDS;) {
        const entry = random.pick(common);
        const word = round % 4 === 0 ? random.next() : entry.match | (random.next() & ~entry.mask);
        page[i++] = word;
        if ((word & 3) === 3 && i < HALFWORDS) page[i++] = word >>> 16;
      }
      const starts = Array.from({ length: HALFWORDS }, () => random.below(HALFWORDS));
      everything.page(page, starts);
      least.page(page, starts);
    }
  });

  it('ends traces at the page’s end, where something is decoded, and after so many instructions', () => {
    const nops = new Uint16Array(HALFWORDS).fill(0x0001);
    everything.page(nops, [HALFWORDS - 1, HALFWORDS - 3, HALFWORDS - TRACE_LIMIT, HALFWORDS - 2 * TRACE_LIMIT, 0]);
    const whole = new Uint16Array(HALFWORDS).fill(0xffff);
    everything.page(whole, [HALFWORDS - 1]);
  });

  it('makes them of words that are executed once', () => {
    for (let i = 0; i < 20_000; i++) {
      const { match, mask } = random.pick(instructions);
      const word = i % 2 === 0 ? random.next() | 3 : match | (random.next() & ~mask);
      everything.scratch(word, 2 * random.below(HALFWORDS));
    }
    for (let word = 0; word < 0x10000; word++) if ((word & 3) !== 3) everything.scratch(word, 0);
  });

  it('leaves a page with breakpoints, one that sleeps, and what there is no room for', () => {
    assert.ok(everything.decodesAlone(() => undefined));
    assert.ok(!everything.decodesAlone(({ words }) => (words[at.CODE_PAGES / 4] = 0)));
    assert.ok(
      !everything.decodesAlone(({ words }) => ((words[at.CODE_PAGES / 4] = at.RAM), (words[at.PAGE_INFO / 4] = 0))),
    );
    const room = TRACE_LIMIT * RECORD_SIZE;
    const full = (address: number) => (side: Side) => {
      side.words[at.PAGE_INFO / 4] = at.CODE;
      side.nextRecord = address;
    };
    assert.ok(!everything.decodesAlone(full(at.RECORDS_END - room + RECORD_SIZE)));
    assert.ok(everything.decodesAlone(full(at.RECORDS_END - room)));
  });
});
