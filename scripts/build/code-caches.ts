// Usage: code-caches.ts DIST KERNEL. Runs each part as a user's start does and writes V8's code cache beside it.
import { writeFileSync } from 'node:fs';
import { enableHostFeatures } from '../../src/adapter/host-features';
import type * as runPart from '../../src/cli/run';
import { compilePart } from './part-loader.cjs';

const [folder, kernel] = process.argv.slice(2);

async function main(): Promise<void> {
  // A cache is for the flags that V8 has when it is made.
  enableHostFeatures();
  const run = compilePart(folder, 'run.js');
  for (const mode of [['--bare'], []]) {
    await (run.exports as typeof runPart).run([...mode, '--expect', 'Type h for help', kernel]);
  }
  for (const { filename, script } of [run, compilePart(folder, 'serve.js'), compilePart(folder, 'statistics.js')]) {
    writeFileSync(`${filename}.cache`, script.createCachedData());
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
