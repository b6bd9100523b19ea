/** Translates code in a worker of Node.js, which starts when the first machine has hot code. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type {
  TranslationAnswer,
  TranslationChannel,
  TranslationReceiver,
  TranslationRequest,
  TranslationService,
  TranslationSetup,
} from '../engine/translator/translation-service';

/** The worker's program, beside the program that this is part of. */
const PROGRAM = 'translation-worker.js';

/** Requests of all machines that are declined before the worker is started: small programs have no more hot code than that. */
const FIRST_REQUESTS = 16;

/** What the worker is told, several things at a time. Machines have numbers, which never come again. */
export type ToWorker =
  | { readonly kind: 'open'; readonly machine: number; readonly setup: TranslationSetup }
  | { readonly kind: 'request'; readonly machine: number; readonly request: TranslationRequest }
  | { readonly kind: 'close'; readonly machine: number };

/** What it says: that it is there, and its answers. */
export type FromWorker = 'ready' | { readonly machine: number; readonly answer: TranslationAnswer };

/** The process's worker; undefined where its program is not, as when the sources run without being bundled. */
export function translationThread(): TranslationThread | undefined {
  thread ??= existsSync(join(__dirname, PROGRAM)) ? new TranslationThread(join(__dirname, PROGRAM)) : undefined;
  return thread;
}
let thread: TranslationThread | undefined;

export class TranslationThread implements TranslationService {
  private worker: Worker | undefined;
  private isReady = false;
  private hasFailed = false;
  private lastMachine = 0;
  private requests = 0;
  /** What is told when the machine next lets the host do something: to wake the worker costs more than a request. */
  private untold: ToWorker[] = [];
  private transfer: ArrayBuffer[] = [];
  /** Weak, so that machines can go; then the worker forgets them. */
  private readonly receivers = new Map<number, WeakRef<TranslationReceiver>>();
  private readonly gone = new FinalizationRegistry<number>((machine) => {
    this.receivers.delete(machine);
    this.tell({ kind: 'close', machine });
  });

  /** @param program path of the worker's program */
  constructor(private readonly program: string) {}

  open(setup: TranslationSetup, receiver: TranslationReceiver): TranslationChannel {
    const machine = ++this.lastMachine;
    this.receivers.set(machine, new WeakRef(receiver));
    this.gone.register(receiver, machine);
    if (this.hasFailed) queueMicrotask(() => receiver.fail());
    this.tell({ kind: 'open', machine, setup });
    return {
      accepts: () => this.accepts(),
      post: (request, transfer) => this.tell({ kind: 'request', machine, request }, transfer),
    };
  }

  /** A guest with much code is about to boot: the worker starts now, and is there when code gets hot. */
  prepare(): void {
    if (!this.worker && !this.hasFailed) this.start();
  }

  private accepts(): boolean {
    if (++this.requests === FIRST_REQUESTS) setImmediate(() => this.prepare());
    return this.isReady;
  }

  private tell(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    if (this.hasFailed) return;
    if (this.untold.length === 0) queueMicrotask(() => this.tellAll());
    this.untold.push(message);
    this.transfer.push(...transfer);
  }

  private tellAll(): void {
    const { worker, untold, transfer } = this;
    if (!worker || untold.length === 0) return;
    [this.untold, this.transfer] = [[], []];
    worker.postMessage(untold, transfer);
  }

  private start(): void {
    let worker: Worker;
    try {
      worker = new Worker(this.program, { name: 'translation' });
    } catch {
      this.fail();
      return;
    }
    worker.on('message', (message: FromWorker) => this.hear(message));
    // Whatever ends it: the machines translate their code themselves.
    worker.on('error', () => this.fail());
    worker.on('exit', () => this.fail());
    // The process ends without waiting for it.
    worker.unref();
    this.worker = worker;
    this.tellAll();
  }

  private hear(message: FromWorker): void {
    if (message === 'ready') this.isReady = true;
    else this.receivers.get(message.machine)?.deref()?.receive(message.answer);
  }

  private fail(): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.worker = undefined;
    this.untold = [];
    this.transfer = [];
    for (const receiver of this.receivers.values()) receiver.deref()?.fail();
  }
}
