// Usage: code-caches.ts DIST KERNEL. Runs each part as a user's start does and writes V8's code cache beside it.
import { readFileSync, writeFileSync } from 'node:fs';
import { enableHostFeatures } from '../../src/adapter/host-features';
import type * as translationPart from '../../src/adapter/translation-program';
import type * as runPart from '../../src/cli/run';
import { readProgram } from '../../src/debugger/program';
import type { TranslationService } from '../../src/engine/translator/translation-service';
import { Machine } from '../../src/machine/machine';
import { compilePart } from './part-loader.cjs';

const [folder, kernel] = process.argv.slice(2);

async function main(): Promise<void> {
  // A cache is for the flags that V8 has when it is made.
  enableHostFeatures();
  const run = compilePart(folder, 'run.js');
  for (const mode of [['--bare'], []]) {
    await (run.exports as typeof runPart).run([...mode, '--expect', 'Type h for help', kernel]);
  }
  const translation = compilePart(folder, 'translation-program.js');
  translateKernel(translation.exports as typeof translationPart);
  const others = [compilePart(folder, 'serve.js'), compilePart(folder, 'statistics.js')];
  for (const { filename, script } of [run, translation, ...others]) {
    writeFileSync(`${filename}.cache`, script.createCachedData());
  }
}

/** Has the kernel's code translated, much more of it than its run would ask for. */
function translateKernel({ TranslationWorker }: typeof translationPart): void {
  let work = () => {};
  const translation: TranslationService = {
    open: (setup, receiver) => {
      const worker = new TranslationWorker(setup, (answer) => receiver.receive(answer));
      work = () => {
        while (worker.work());
      };
      return { accepts: () => true, post: (request) => worker.add(request) };
    },
  };
  const machine = new Machine({ memoryBytes: 128 << 20, translator: { jumps: 20, entries: 200 }, translation });
  machine.boot({ program: readProgram(readFileSync(kernel)).boot, mode: 'supervisor' });
  for (let i = 0; i < 200; i++) {
    machine.run(10_000);
    work();
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
