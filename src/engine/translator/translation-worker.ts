/** Translates code for machines that are elsewhere: what a worker of the host does with the messages that it gets. */
import { makeDecoder } from '../../isa/decode';
import type { Decode } from '../../isa/decode';
import { StoredCsrs } from '../stored-csrs';
import * as at from '../layout';
import type { PageSnapshot } from './code-snapshot';
import { SnapshotCode } from './code-snapshot';
import type { FoundRegion } from './region-module';
import { PAGE_SIZE } from './region';
import { RegionMaker } from './region-module';
import type { TranslatedRegion, TranslationAnswer, TranslationRequest, TranslationSetup } from './translation-service';

/**
 * A module gets no more regions when it has so many instructions: an instance of a module costs more than a function in it, but the
 * first region waits for the last one.
 */
const BATCH = 80;
/** Times that a request is made again because something is missing, at most. */
const MOST_QUESTIONS = 4;

type RegionRequest = Extract<TranslationRequest, { kind: 'region' }>;

/** One machine's translations. */
export class TranslationWorker {
  private readonly maker: RegionMaker;
  private readonly decode: Decode;
  private readonly csrs = new StoredCsrs(new ArrayBuffer(at.SLOT_TABLES));
  private readonly jumpTables: boolean;
  private readonly waiting: RegionRequest[] = [];
  /** Those for which something is wanted, and how often that was so. */
  private readonly asked = new Map<number, { readonly request: RegionRequest; readonly times: number }>();
  private batch = 0;
  /** Places that have been translated, each with the batch. */
  private readonly covered = new Map<number, number>();

  /** @param answer sends an answer */
  constructor(
    { memoryPages, without, extensions, csrs }: TranslationSetup,
    private readonly answer: (answer: TranslationAnswer) => void,
  ) {
    this.maker = new RegionMaker({ memoryPages, without: new Set(without) });
    this.decode = makeDecoder(new Set(extensions));
    for (const permission of csrs) this.csrs.permit(permission);
    this.jumpTables = !without.includes('jump-tables');
  }

  /** Takes a request. It is done by `work`, together with others that arrived. */
  add(request: TranslationRequest): void {
    if (request.kind === 'region') {
      this.waiting.push(request);
      return;
    }
    const { id, more } = request;
    const { request: first } = this.asked.get(id)!;
    if (!more) {
      this.asked.delete(id);
      return;
    }
    const pages = new Map([...first.code.pages, ...more.pages]);
    const data = new Map([...first.code.data, ...more.data]);
    this.waiting.push({ ...first, code: { ...first.code, pages, data } });
  }

  /** Translates some of what waits. @returns whether there is more */
  work(): boolean {
    const found: { readonly id: number; readonly found: FoundRegion<PageSnapshot> }[] = [];
    let instructions = 0;
    while (instructions < BATCH) {
      const request = this.waiting.shift();
      if (!request) break;
      const region = this.find(request);
      if (!region) continue;
      found.push({ id: request.id, found: region });
      for (const { steps } of region.region.blocks) instructions += steps.length;
    }
    if (found.length > 0) this.translate(found);
    return this.waiting.length > 0;
  }

  /** Finds the region, or says why there is none. */
  private find(request: RegionRequest): FoundRegion<PageSnapshot> | undefined {
    const { id, wish, code, seen } = request;
    const times = this.asked.get(id)?.times ?? 0;
    this.asked.delete(id);
    this.forget(seen);
    const first = code.pages.get(0)!;
    if (!wish.isLarge && this.covered.has(place(first, wish.offset))) {
      this.answer({ kind: 'covered', id });
      return undefined;
    }
    const source = new SnapshotCode(code, this.decode, (decoded) => this.csrs.useOf(decoded), this.jumpTables);
    const found = this.maker.find(source, wish);
    const { wanted } = source;
    if (wanted && times < MOST_QUESTIONS) {
      this.asked.set(id, { request, times: times + 1 });
      this.answer({ kind: 'wanted', id, wanted });
      return undefined;
    }
    if (!found) {
      this.answer({ kind: 'none', id });
      return undefined;
    }
    for (const { page, position } of found.region.blocks) {
      const snapshot = found.region.pages.get(page);
      if (snapshot) this.cover(place(snapshot, position - page * PAGE_SIZE));
    }
    return found;
  }

  private translate(batch: readonly { readonly id: number; readonly found: FoundRegion<PageSnapshot> }[]): void {
    const binary = this.maker.write(batch.map(({ found }) => found));
    const regions = batch.map(({ id, found: { region } }): TranslatedRegion => ({
      id,
      pages: [...region.pages.keys()],
      positions: [...new Set(region.blocks.map(({ position }) => position))],
    }));
    const module = new WebAssembly.Module(binary);
    this.answer({ kind: 'translated', batch: ++this.batch, module, bytes: binary.length, regions });
  }

  /** The oldest ones stay in front. */
  private cover(place: number): void {
    this.covered.delete(place);
    this.covered.set(place, this.batch + 1);
  }

  /** Forgets what the machine knew when it asked. */
  private forget(seen: number): void {
    for (const [place, batch] of this.covered) {
      if (batch > seen) return;
      this.covered.delete(place);
    }
  }
}

/** One number for a place in a page. */
const place = ({ slotTable }: PageSnapshot, offset: number): number => slotTable * PAGE_SIZE + offset;
