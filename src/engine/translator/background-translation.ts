/** What a worker translates for one machine: requests on their way, and what becomes of the answers. */
import type { CodePage } from '../code-cache';
import type { Wanted } from './code-snapshot';
import { buffersOf, SnapshotTaker } from './code-snapshot';
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

/** Requests on their way at most: each has some 50 KB of code with it. */
const MOST_WAITING = 256;

interface Waiting {
  readonly id: number;
  readonly wish: RegionWish;
  readonly record: number;
  readonly taker: SnapshotTaker;
}

export interface BackgroundEvents {
  /** Regions of one module have arrived; there is at least one. */
  arrived(module: WebAssembly.Module, bytes: number, arrivals: readonly Arrival[]): void;
  /** This index is not needed. */
  released(index: number): void;
}

/** Answers count only for code that has stayed as it was since the request: whatever becomes void is cancelled. */
export class BackgroundTranslation implements TranslationReceiver {
  private channel: TranslationChannel | undefined;
  private hasFailed = false;
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

  /** Asks for a region that begins at the hart's pc, where this record is. @returns whether it is on its way */
  request(code: LiveCode, wish: RegionWish, record: number): boolean {
    const { heats } = this.live;
    if (this.hasFailed) return false;
    this.channel ??= this.service.open(this.setup(), this);
    if (!this.channel.accepts()) return false;
    if (this.waiting.size >= MOST_WAITING) {
      this.events.released(wish.index);
      heats.reset(record);
      return true;
    }
    const taker = new SnapshotTaker(this.live, code);
    const snapshot = taker.first(wish.offset);
    const waiting: Waiting = { id: ++this.lastId, wish, record, taker };
    this.waiting.set(waiting.id, waiting);
    this.listPages(waiting);
    heats.wait(record);
    this.channel.post(
      { kind: 'region', id: waiting.id, wish, code: snapshot, seen: this.lastBatch },
      buffersOf(snapshot),
    );
    return true;
  }

  receive(answer: TranslationAnswer): void {
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
    for (const waiting of this.byPage.get(page) ?? []) this.cancel(waiting);
  }

  /** Nothing of what waits shall come. */
  cancelAll(): void {
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
