/**
 * How code is translated beside the thread that runs the machine: what the host offers for it, and the messages. All of them
 * can be cloned (HTML, 2.7.3), so that a worker of any host can do it with `TranslationWorker`.
 */
import type { Technique } from '../techniques';
import type { CsrPermission } from '../stored-csrs';
import type { CodeSnapshot, SnapshotParts, Wanted } from './code-snapshot';
import type { RegionWish } from './region-module';

/** What the host offers: a worker, or several. */
export interface TranslationService {
  /** Begins the translation of one machine's code. */
  open(setup: TranslationSetup, receiver: TranslationReceiver): TranslationChannel;
}

/** The way to the worker. */
export interface TranslationChannel {
  /**
   * Asked before each request: whether it is taken. If not, the thread that runs the machine translates: while a worker starts, or
   * because there has been too little to translate for one. Once taken, all are.
   */
  accepts(): boolean;
  /** @param transfer buffers in the request that need not stay here */
  post(request: TranslationRequest, transfer: readonly ArrayBuffer[]): void;
}

/**
 * The way back. The service holds it weakly: it goes with the machine. It is never called while the machine runs, nor by
 * `open` and `post`.
 */
export interface TranslationReceiver {
  receive(answer: TranslationAnswer): void;
  /** The worker is gone: nothing more comes, and nothing more is to be posted. */
  fail(): void;
}

/** What all translations of a machine have in common. */
export interface TranslationSetup {
  /** Size of the engine's memory, in WebAssembly pages of 64 KiB. */
  readonly memoryPages: number;
  readonly without: readonly Technique[];
  readonly extensions: readonly string[];
  readonly csrs: readonly CsrPermission[];
}

export type TranslationRequest =
  | {
      readonly kind: 'region';
      /** The answer has it, too. */
      readonly id: number;
      readonly wish: RegionWish;
      readonly code: CodeSnapshot;
      /** The last batch that had arrived when the request was made. */
      readonly seen: number;
    }
  /** What an answer wanted; absent: the region is not needed any more. */
  | { readonly kind: 'more'; readonly id: number; readonly more?: SnapshotParts };

export type TranslationAnswer =
  /** More is to be known of the machine: a request of the kind 'more' must follow. */
  | { readonly kind: 'wanted'; readonly id: number; readonly wanted: Wanted }
  /** There is nothing to translate. */
  | { readonly kind: 'none'; readonly id: number }
  /** The place is in a region that was translated since `seen`, where it is not the beginning. */
  | { readonly kind: 'covered'; readonly id: number }
  | TranslatedBatch;

/** Regions in one module. */
export interface TranslatedBatch {
  readonly kind: 'translated';
  /** From 1 on. */
  readonly batch: number;
  readonly module: WebAssembly.Module;
  /** Length of the module. */
  readonly bytes: number;
  readonly regions: readonly TranslatedRegion[];
}

/** A region; its function has the name `exportedName` of its number in the batch. */
export interface TranslatedRegion {
  readonly id: number;
  /** The pages that it has code of, by their distance from the first. */
  readonly pages: readonly number[];
  /** Where its blocks begin: bytes from the start of the first page. */
  readonly positions: readonly number[];
}
