/** Which of the process's threads the system's scheduler prefers, where it knows priorities of threads. */
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Nice values: V8's own threads optimise what runs anyway; the worker makes what will run much faster. */
const NICE = { compiler: 14, translator: 3 } as const;
const THREADS = '/proc/self/task';

/**
 * Lets the thread that runs the machine go first where there are fewer processors than threads: V8 has four threads that
 * compile and collect garbage, and on two processors they would take a fifth of a boot's time from it. To be called by that thread
 * before it makes others, since these begin with its priority. Elsewhere than on Linux nothing happens.
 */
export function preferThisThread(): void {
  if (process.platform !== 'linux') return;
  for (const thread of threads()) if (thread !== process.pid) makeNice(thread, NICE.compiler);
}

/** Gives the calling thread, a worker that translates, its place between the machine's and V8's own. */
export function becomeTranslator(): void {
  // On Linux 0 is the thread, elsewhere the whole process.
  if (process.platform === 'linux') makeNice(0, NICE.translator);
}

function threads(): number[] {
  try {
    return readdirSync(THREADS).map(Number);
  } catch {
    return [];
  }
}

function makeNice(thread: number, nice: number): void {
  try {
    setPriority(thread, nice);
  } catch {
    // It has ended, or the system forbids it: then priorities stay as they are.
  }
}
