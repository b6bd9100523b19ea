/** Runs the harts' code: memory, registers, TLBs and the generated interpreter, behind one plain interface. */
import type { StateTransfer } from './state-transfer';
import { instructionBuckets, makeDecoder } from '../isa/decode';
import { switchableExtensions } from '../isa/extensions';
import type { GeneratedDecoder } from './code-cache';
import { CodeCache } from './code-cache';
import type { DataAccess, WatchedRange } from './data-watch';
import { DataWatch } from './data-watch';
import { writeEncodings } from './encodings';
import { HartContext } from './hart-context';
import { HartState, RegisterViews } from './hart-state';
import type { EngineHost } from './host';
import { STORE } from './host';
import { generateInterpreter } from './interpreter';
import * as at from './layout';
import { accessKinds } from './misaligned';
import { MemoryImages } from './memory-images';
import type { MemoryImage } from './memory-images';
import { PageInfo } from './page-info';
import { PhysicalMemory } from './physical-memory';
import { TRACE_LIMIT } from './record';
import { SlowPath } from './slow-path';
import { StoredCsrs } from './stored-csrs';
import type { Technique } from './techniques';
import { Tlbs } from './tlb';
import { TraceDecoder } from './trace-decoder';
import type { TranslationService } from './translator/translation-service';
import type { Thresholds, TranslatorRoom } from './translator/translator';
import { Translator } from './translator/translator';

const WASM_PAGE = 0x10000;
const PAGE_SIZE = 0x1000;
/**
 * Instructions after which generated code is left and entered again: a WebAssembly function is replaced by its optimised
 * version only where it is called.
 */
const STRETCH = 0x100000;
/** What a machine may have executed: below, each further instruction counts. Years. */
const MOST_EXECUTED = 2 ** 52;
/** The most that fits beside the engine's own structures in a 32-bit WebAssembly memory. */
export const MAX_RAM_BYTES = 0x100000000 - at.RAM;

/**
 * When code is translated to WebAssembly: after it was jumped to so often, or never. 'eager' is for tests: nearly all code
 * that is executed twice runs translated.
 */
export type TranslatorMode = 'off' | 'on' | 'eager';
const translationThresholds: Readonly<Record<TranslatorMode, Thresholds>> = {
  off: { jumps: 0x7fff_ffff, entries: 0 },
  on: { jumps: 20_000, entries: 200_000 },
  eager: { jumps: 1, entries: 3 },
};

/** Hears of bytes that are about to be written; `isInstruction`: an instruction stores them. */
export type StoreListener = (hpa: number, length: number, isInstruction: boolean) => void;

export interface EngineOptions {
  /** Size of DRAM in bytes, a multiple of 64 KiB; it costs host memory only where it is touched. */
  readonly ramBytes: number;
  /** What the machine's instructions belong to; all that there is unless given. */
  readonly extensions?: ReadonlySet<string>;
  /** 'on' unless given. */
  readonly translator?: TranslatorMode | Thresholds;
  /** Translates beside the thread that runs the engine; that does it itself unless given. */
  readonly translation?: TranslationService;
  /** How much translated code is kept. */
  readonly translatorRoom?: TranslatorRoom;
  /** Techniques to do without, for measurements. */
  readonly without?: ReadonlySet<Technique>;
}

/** The generated functions. They interpret the first instruction: where a stretch happens to begin is no jump. */
interface Interpreter extends GeneratedDecoder {
  run(): void;
  runExact(): void;
}

/** Of all engines: what the host has optimised for one serves the next. */
let interpreterModule: WebAssembly.Module | undefined;

export class Engine {
  /** DRAM, by HPA. */
  readonly memory: PhysicalMemory;
  /** The running hart's registers. */
  readonly state: HartState;
  /** What generated code may do with CSRs. */
  readonly csrs: StoredCsrs;

  private readonly wasmMemory: WebAssembly.Memory;
  private readonly view: DataView;
  private readonly tlbs: Tlbs;
  private readonly contexts: HartContext[];
  private readonly hosts: EngineHost[] = [];
  private current: HartContext;
  private readonly pageInfo: PageInfo;
  private readonly code: CodeCache;
  private readonly translator: Translator;
  private slowPath: SlowPath | undefined;
  private interpreter: Interpreter | undefined;
  private finished = 0;
  /** Instructions of the current stretch, and those of the slice that come after it. */
  private slice = 0;
  private rest = 0;
  private isRunning = false;
  /** The count of instructions at which `time` was what CLOCK_TIME says. */
  private clockSince = 0;
  /** HPAs of pages whose stores the host wants to see, each with its listener. */
  private readonly watched = new Map<number, StoreListener>();
  private readonly dataWatch: DataWatch;
  private readonly images: MemoryImages;
  private observing = false;
  /** Memory is brought back as it was: nobody stores. */
  private restoring = false;

  /** @throws RangeError when the size of DRAM is not possible */
  constructor(options: EngineOptions) {
    const { ramBytes } = options;
    if (ramBytes <= 0 || ramBytes % WASM_PAGE !== 0 || ramBytes > MAX_RAM_BYTES) {
      throw new RangeError(
        `DRAM of ${ramBytes} bytes is not possible: use a multiple of 64 KiB up to ${MAX_RAM_BYTES}.`,
      );
    }
    const pages = (at.RAM + ramBytes) / WASM_PAGE;
    this.wasmMemory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { buffer } = this.wasmMemory;
    this.view = new DataView(buffer);
    this.state = new HartState(new RegisterViews(buffer));
    this.csrs = new StoredCsrs(buffer);
    this.tlbs = new Tlbs(buffer);
    new Uint8Array(buffer, at.ACCESS_KINDS).set(accessKinds());
    const around = {
      buffer,
      tlbs: this.tlbs,
      executed: () => this.executed,
      redirect: () => this.redirect(),
    };
    this.contexts = Array.from({ length: at.MAX_HARTS }, (_, index) => new HartContext(index, around));
    this.current = this.contexts[0];
    this.current.run();
    const without: ReadonlySet<Technique> = options.without ?? new Set();
    const mode = without.has('translator') ? 'off' : (options.translator ?? 'on');
    const thresholds = typeof mode === 'string' ? translationThresholds[mode] : mode;
    const extensions = new Set<string>(options.extensions ?? switchableExtensions);
    const decode = makeDecoder(extensions);
    const fuses = !without.has('fusion');
    writeEncodings(buffer, instructionBuckets(extensions), fuses);
    const service = without.has('background-translation') ? undefined : options.translation;
    this.pageInfo = new PageInfo(buffer);
    this.code = new CodeCache(buffer, this.pageInfo, new TraceDecoder(buffer, decode, fuses), -thresholds.jumps, {
      onNewPage: (hpa) => {
        if (this.pageInfo.isStorable(hpa)) this.flushTlb();
      },
      onDrop: (page) => this.translator.dropPage(page),
      onFlush: () => {
        this.translator.flush();
        this.flushTlb();
      },
    });
    const { state, tlbs, code, csrs } = this;
    this.translator = new Translator(
      {
        memory: this.wasmMemory,
        state,
        tlbs,
        code,
        csrs,
        decode,
        extensions: [...extensions],
        without,
        room: options.translatorRoom,
        service,
      },
      thresholds,
    );
    this.memory = new PhysicalMemory(buffer, ramBytes, (hpa, length) => this.written(hpa, length));
    this.images = new MemoryImages(this.memory, this.pageInfo);
    this.dataWatch = new DataWatch((hpa, length) => this.memory.bytes(hpa, length).slice());
  }

  /** The state of hart 0 to 7. Hart 0 is the one that runs at first. */
  context(hart: number): HartContext {
    return this.contexts[hart];
  }

  /** The hart that runs. */
  get running(): HartContext {
    return this.current;
  }

  /** Makes another hart the one that runs; not from a callback. Its reservation is void: others may have stored to it. */
  switchTo(hart: number): void {
    if (hart === this.current.index) return;
    this.current.park();
    this.current = this.contexts[hart];
    this.current.run();
    this.state.clearReservation();
    this.attached().slowPath.host = this.hosts[hart];
  }

  /** Connects what answers for a hart what the engine cannot. To be called once for each, hart 0 first, before `run`. */
  attach(host: EngineHost, hart = 0): void {
    this.hosts[hart] = host;
    if (this.slowPath) return;
    const { buffer } = this.wasmMemory;
    const { state, memory, tlbs, code, watched, dataWatch, pageInfo, translator } = this;
    this.slowPath = new SlowPath({ buffer, state, memory, tlbs, code, watched, dataWatch, pageInfo, translator }, host);
    const { table } = translator;
    interpreterModule ??= new WebAssembly.Module(generateInterpreter());
    const instance = new WebAssembly.Instance(interpreterModule, {
      engine: { memory: this.wasmMemory, regions: table, ...this.slowPath.imports },
    });
    this.interpreter = instance.exports as unknown as Interpreter;
    code.generated = this.interpreter;
    translator.floatHelpers = instance.exports as WebAssembly.ModuleImports;
  }

  /**
   * Runs at most `budget` instructions from `state.pc`; an instruction that traps counts. Ends early when the host asks.
   * @returns how many instructions it attempted
   */
  run(budget: number): number {
    const { interpreter, slowPath } = this.attached();
    const before = this.finished;
    slowPath.exitRequested = slowPath.held = slowPath.redirected = false;
    this.rest = budget;
    this.slice = this.budget = 0;
    this.isRunning = true;
    try {
      while (!slowPath.exitRequested && this.nextStretch()) {
        if (this.budget >= TRACE_LIMIT) interpreter.run();
        else interpreter.runExact();
      }
    } finally {
      this.finished += this.slice - this.budget;
      this.isRunning = false;
    }
    return this.finished - before;
  }

  /** Executes one instruction, whether there is a breakpoint on it or not. @returns 0 when the host held it back */
  step(): number {
    const { slowPath } = this.attached();
    slowPath.ignoreBreakpoints = true;
    try {
      return this.run(1);
    } finally {
      slowPath.ignoreBreakpoints = false;
    }
  }

  /** Instructions attempted so far; exact also during callbacks, where the current one is not yet counted. */
  get executed(): number {
    return this.isRunning ? this.finished + this.slice - this.budget : this.finished;
  }

  /** Translated code that there is now. */
  get translated(): TranslatorRoom {
    return this.translator.used;
  }

  /** Calls back whenever so many instructions more were done by the slow path, during the last of them. */
  boundSlowPath(instructions: number, reached: () => void): void {
    this.attached().slowPath.bound = { instructions, reached };
  }

  /** From a callback: leave `run` before the next instruction. */
  requestExit(): void {
    this.attached().slowPath.exitRequested = true;
  }

  /** From a callback: the current instruction does not happen and does not count; leave `run` with pc at it. */
  holdInstruction(): void {
    const { slowPath } = this.attached();
    slowPath.exitRequested = slowPath.held = true;
  }

  /** From a callback: end the slice at most `remaining` instructions after the current one. */
  limitSlice(remaining: number): void {
    if (!this.isRunning) return;
    const excess = this.budget + this.rest - 1 - remaining;
    if (excess <= 0) return;
    const here = Math.max(0, excess - this.rest);
    this.rest -= excess - here;
    this.budget -= here;
    this.slice -= here;
    this.placeClock();
    this.redirect();
  }

  /**
   * Lets generated code read the CSR `time`: it was `time` (unsigned 64 bits) when so many instructions were executed, and goes
   * on by one each `rate` instructions.
   */
  setClock(time: bigint, executed: number, rate: number): void {
    this.view.setBigUint64(at.CLOCK_TIME, time, true);
    this.view.setFloat64(at.CLOCK_RATE, rate, true);
    this.clockSince = executed;
    this.placeClock();
  }

  /** Drops all translations of all harts. */
  flushTlb(): void {
    this.tlbs.flush();
    this.pageInfo.noneStorable();
    this.redirect();
  }

  /** Replaces the breakpoints: virtual addresses, in whatever address space is current when they are reached. */
  setBreakpoints(addresses: Iterable<bigint>): void {
    this.code.setBreakpoints(addresses);
  }

  /**
   * Has stores to the 4 KiB page of this HPA leave the fast path, and calls `listener` before each of them; it may call
   * `requestExit` to look at the memory once the instruction is done.
   */
  watchStores(hpa: number, listener: StoreListener): void {
    const page = hpa - (hpa % PAGE_SIZE);
    this.watched.set(page, listener);
    this.pageInfo.observeStores(page, true);
    this.flushTlb();
  }

  /** Stores to the page of this HPA are as fast as others again. */
  unwatchStores(hpa: number): void {
    const page = hpa - (hpa % PAGE_SIZE);
    if (this.watched.delete(page)) this.pageInfo.observeStores(page, false);
  }

  /**
   * Replaces the watched bytes. `listener` learns of accesses to them when the instruction that made them is done: registers
   * and memory are as it leaves them, `state.pc` is still at it, and it may call `requestExit` to leave `run` behind it.
   * What traps on the way or is held back has made no access. Writes that no instruction makes (A and D bits, devices, the
   * machine's own) are told too, while `observe` runs; loads of that kind are not.
   */
  watchData(ranges: readonly WatchedRange[], listener: (accesses: readonly DataAccess[]) => void): void {
    for (const [page] of this.dataWatch.keptOut()) this.pageInfo.setWatch(page, 'none');
    this.dataWatch.set(ranges, listener);
    for (const [page, watch] of this.dataWatch.keptOut()) this.pageInfo.setWatch(page, watch);
    this.flushTlb();
  }

  /** Whether stores to the page that holds this byte of RAM are compared with watched bytes. */
  isWatched(hpa: number): boolean {
    return this.dataWatch.keepsOut(hpa - (hpa % PAGE_SIZE), STORE);
  }

  /** Does something in which all writes to watched bytes count, and tells of those that are not told yet. */
  observe<T>(action: () => T): T {
    const before = this.observing;
    this.observing = true;
    try {
      return action();
    } finally {
      this.observing = before;
      this.reportAccesses();
    }
  }

  /** Tells of accesses that are not told yet: those made outside instructions. */
  reportAccesses(): void {
    if (this.dataWatch.hasPending) this.dataWatch.report();
  }

  /** From a callback: does stores that belong to the running instruction. */
  storeForInstruction(stores: () => void): void {
    this.dataWatch.storing = true;
    stores();
    this.dataWatch.storing = false;
  }

  /** Adds the next stretch to what is left of the current one. @returns whether there is anything to do */
  private nextStretch(): boolean {
    if (this.rest > 0 && this.budget < TRACE_LIMIT) {
      const more = Math.min(this.rest, STRETCH);
      this.rest -= more;
      this.slice += more;
      this.budget += more;
      this.placeClock();
    }
    return this.budget > 0;
  }

  /** RAM as it is. Not to be called while code runs. */
  takeMemory(): MemoryImage {
    const image = this.images.take();
    this.flushTlb();
    return image;
  }

  /** Gives RAM what it was. Not to be called while code runs. */
  restoreMemory(image: MemoryImage): void {
    this.restoring = true;
    this.images.restore(image);
    this.restoring = false;
    this.flushTlb();
  }

  /** All but RAM, and the hart's registers. Not to be called while code runs. */
  transferState(state: StateTransfer): void {
    this.finished = state.integer(this.finished, MOST_EXECUTED);
  }

  private get budget(): number {
    return this.view.getInt32(at.BUDGET, true);
  }

  private set budget(value: number) {
    this.view.setInt32(at.BUDGET, value, true);
  }

  /** To be called when the count that remains says something else than before. */
  private placeClock(): void {
    this.view.setFloat64(at.CLOCK_START, this.finished + this.slice - this.clockSince, true);
  }

  private written(hpa: number, length: number): void {
    this.pageInfo.markDirty(hpa, length);
    if (this.code.invalidate(hpa, length)) this.redirect();
    if (this.watched.size > 0 && !this.restoring) this.tellStore(hpa, length);
    if (!this.dataWatch.isEmpty && (this.isRunning || this.observing)) this.dataWatch.writing(hpa, length);
  }

  /** Tells the listeners of all pages that are about to be written to. */
  private tellStore(hpa: number, length: number): void {
    const { storing } = this.dataWatch;
    if ((hpa % PAGE_SIZE) + length <= PAGE_SIZE) {
      this.watched.get(hpa - (hpa % PAGE_SIZE))?.(hpa, length, storing);
      return;
    }
    for (let at = hpa; at < hpa + length;) {
      const end = Math.min(hpa + length, at - (at % PAGE_SIZE) + PAGE_SIZE);
      this.watched.get(at - (at % PAGE_SIZE))?.(at, end - at, storing);
      at = end;
    }
  }

  private redirect(): void {
    if (this.slowPath) this.slowPath.redirected = true;
  }

  private attached(): { slowPath: SlowPath; interpreter: Interpreter } {
    const { slowPath, interpreter } = this;
    if (slowPath === undefined || interpreter === undefined) throw new Error('attach a host before running');
    return { slowPath, interpreter };
  }
}
