/** What a worker translates for one machine: requests on their way, and what becomes of the answers. */
import type { CodePage } from '../code-cache';
import type { Wanted } from './code-snapshot';
import { buffersOf, SnapshotTaker } from './code-snapshot';
import * as at from '../layout';
import type { LiveCode, LiveParts } from './live-code';
import type { RegionWish } from './region-module';
import type {
  TranslatedBatch,
  TranslationAnswer,
  TranslationChannel,
  TranslationReceiver,
  TranslationService,
  TranslationSetup,
} from './translation-service';
import type { Arrival } from './translator';

const REGISTERS = 32;
/**
 * Requests on their way at most: enough for the worker to have something to do until the machine looks again. Others wait here,
 * where it is known which of them gets hotter: with all of them under way, a boot's hottest code would come after all that is warm.
 */
const MOST_POSTED = 12;
/** Places that wait here at most. */
const MOST_CANDIDATES = 2048;

/** A wish that has no index yet. */
export type OpenWish = Omit<RegionWish, 'index'>;

/** A place where a region is to begin, before it is asked for. */
interface Candidate {
  readonly wish: OpenWish;
  readonly record: number;
  readonly code: LiveCode;
  /** Those of the moment when the place became hot. */
  readonly registers: BigInt64Array<ArrayBuffer>;
}

interface Waiting {
  readonly id: number;
  readonly wish: RegionWish;
  readonly record: number;
  readonly taker: SnapshotTaker;
}

export interface BackgroundEvents {
  /** Regions of one module have arrived; there is at least one. */
  arrived(module: WebAssembly.Module, bytes: number, arrivals: readonly Arrival[]): void;
  /** An index for a region; undefined: there is none. */
  index(): number | undefined;
  /** How often the region at this record was entered since it is to be a large one. */
  entriesSinceGrowing(record: number): number;
  /** This index is not needed. */
  released(index: number): void;
}

/** Answers count only for code that has stayed as it was since the request: whatever becomes void is cancelled. */
export class BackgroundTranslation implements TranslationReceiver {
  private channel: TranslationChannel | undefined;
  private hasFailed = false;
  /** By their records. */
  private readonly candidates = new Map<number, Candidate>();
  private readonly waiting = new Map<number, Waiting>();
  private readonly byPage = new Map<CodePage, Set<Waiting>>();
  private lastId = 0;
  private lastBatch = 0;

  /** @param setup is asked for when the first request is made */
  constructor(
    private readonly service: TranslationService,
    private readonly setup: () => TranslationSetup,
    private readonly live: LiveParts,
    private readonly events: BackgroundEvents,
  ) {}

  /** Whether requests are taken. */
  accepts(): boolean {
    return this.channel?.accepts() ?? false;
  }

  /** Asks for a region that begins at the hart's pc, where this record is. @returns whether it is on its way, or will be */
  request(code: LiveCode, wish: OpenWish, record: number): boolean {
    const { heats, buffer } = this.live;
    if (this.hasFailed) return false;
    this.channel ??= this.service.open(this.setup(), this);
    if (!this.channel.accepts()) return false;
    if (this.candidates.size >= MOST_CANDIDATES) {
      heats.reset(record);
      return true;
    }
    heats.wait(record);
    const registers = new BigInt64Array(buffer, at.X_REGISTERS, REGISTERS).slice();
    this.candidates.set(record, { wish, record, code, registers });
    this.postHottest();
    return true;
  }

  /** Another region has the code at this record. */
  cover(record: number): void {
    if (this.candidates.get(record)?.wish.isLarge !== false) return;
    this.candidates.delete(record);
    this.live.heats.coolWaiting(record);
  }

  private postHottest(): void {
    while (this.waiting.size < MOST_POSTED) {
      const candidate = this.hottest();
      const index = candidate && this.events.index();
      if (index === undefined) return;
      this.candidates.delete(candidate!.record);
      this.post(candidate!, index);
    }
  }

  /** What was jumped to most since it became hot; or, where there is a region that shall become a large one, was entered most. */
  private hottest(): Candidate | undefined {
    const { heats } = this.live;
    let hottest: Candidate | undefined;
    let most = -1;
    for (const candidate of this.candidates.values()) {
      const { wish, record } = candidate;
      const jumps = wish.isLarge ? this.events.entriesSinceGrowing(record) : heats.jumpsWhileWaiting(record);
      if (jumps <= most) continue;
      most = jumps;
      hottest = candidate;
    }
    return hottest;
  }

  private post({ wish: openWish, record, code, registers }: Candidate, index: number): void {
    const wish = { ...openWish, index };
    const taker = new SnapshotTaker(this.live, code);
    const snapshot = { ...taker.first(wish.offset), registers };
    const waiting: Waiting = { id: ++this.lastId, wish, record, taker };
    this.waiting.set(waiting.id, waiting);
    this.listPages(waiting);
    this.channel!.post(
      { kind: 'region', id: waiting.id, wish, code: snapshot, seen: this.lastBatch },
      buffersOf(snapshot),
    );
  }

  receive(answer: TranslationAnswer): void {
    this.take(answer);
    this.postHottest();
  }

  private take(answer: TranslationAnswer): void {
    if (answer.kind === 'translated') {
      this.arrive(answer);
      return;
    }
    const waiting = this.waiting.get(answer.id);
    if (answer.kind === 'wanted') {
      this.answer(answer.id, waiting, answer.wanted);
      return;
    }
    if (!waiting) return;
    this.release(waiting);
    this.events.released(waiting.wish.index);
    const { heats } = this.live;
    if (!heats.isWaiting(waiting.record)) return;
    if (answer.kind === 'covered') heats.coolWaiting(waiting.record);
    else heats.freeze(waiting.record);
  }

  fail(): void {
    this.hasFailed = true;
    this.channel = undefined;
    this.cancelAll();
  }

  /** Of what waits for this page's code nothing shall come. */
  cancelPage(page: CodePage): void {
    for (const candidate of this.candidates.values()) if (candidate.code.first === page) this.drop(candidate);
    for (const waiting of this.byPage.get(page) ?? []) this.cancel(waiting);
  }

  /** Nothing of what waits shall come. */
  cancelAll(): void {
    for (const candidate of this.candidates.values()) this.drop(candidate);
    for (const waiting of this.waiting.values()) this.cancel(waiting);
  }

  private arrive({ batch, module, bytes, regions }: TranslatedBatch): void {
    this.lastBatch = Math.max(this.lastBatch, batch);
    const arrivals = regions.flatMap(({ id, pages, positions }, number): Arrival[] => {
      const waiting = this.waiting.get(id);
      if (!waiting) return [];
      this.release(waiting);
      const { wish, record, taker } = waiting;
      const used = new Map(pages.map((delta) => [delta, taker.pages.get(delta)!]));
      return [{ wish, record, pages: used, positions, number }];
    });
    if (arrivals.length > 0) this.events.arrived(module, bytes, arrivals);
  }

  /** Sends what a request lacks, as far as the hart still has its code mapped where it was. */
  private answer(id: number, waiting: Waiting | undefined, wanted: Wanted): void {
    if (!waiting) {
      this.channel!.post({ kind: 'more', id }, []);
      return;
    }
    const more = waiting.taker.more(wanted);
    this.listPages(waiting);
    this.channel!.post({ kind: 'more', id, more }, buffersOf(more));
  }

  private listPages(waiting: Waiting): void {
    for (const page of waiting.taker.pages.values()) {
      const users = this.byPage.get(page) ?? new Set();
      this.byPage.set(page, users.add(waiting));
    }
  }

  private drop({ record }: Candidate): void {
    this.candidates.delete(record);
    if (this.live.heats.isWaiting(record)) this.live.heats.reset(record);
  }

  /** Its index is free, and its record may be asked for again. */
  private cancel(waiting: Waiting): void {
    this.release(waiting);
    this.events.released(waiting.wish.index);
    if (this.live.heats.isWaiting(waiting.record)) this.live.heats.reset(waiting.record);
  }

  private release(waiting: Waiting): void {
    this.waiting.delete(waiting.id);
    for (const page of waiting.taker.pages.values()) {
      const users = this.byPage.get(page);
      users?.delete(waiting);
      if (users?.size === 0) this.byPage.delete(page);
    }
  }
}
