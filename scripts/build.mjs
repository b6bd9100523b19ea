#!/usr/bin/env node
// Bundles the extension, the debug adapter and the command-line program into dist/. `--watch` rebuilds on each change.
// What makes the programs start fast: parts that are loaded when they are needed, each with V8's code cache
// (build/parts.mjs), and what is computed here once and for all, or
// loaded late (build/precomputed.mjs).
import { context } from 'esbuild';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dropCodeCaches, loadParts, makeCodeCaches } from './build/parts.mjs';
import { lazyModules, precomputedInterpreter } from './build/precomputed.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const watch = process.argv.includes('--watch');

/** The parts: modules that programs import with `import()`. */
const parts = [
  { entry: 'src/cli/run.ts', output: 'dist/run.js' },
  { entry: 'src/adapter/serve.ts', output: 'dist/serve.js' },
  { entry: 'src/cli/statistics.ts', output: 'dist/statistics.js' },
  { entry: 'src/adapter/translation-program.ts', output: 'dist/translation-program.js' },
];

/** The programs, and their parts. They stand alone: nothing is loaded from node_modules at run time. */
const bundles = [
  { entry: 'src/extension/extension.ts', output: 'dist/extension.js', external: ['vscode'] },
  { entry: 'src/adapter/main.ts', output: 'dist/adapter.js' },
  { entry: 'src/adapter/translation-worker.ts', output: 'dist/translation-worker.js', lazy: [] },
  { entry: 'src/cli/main.ts', output: 'dist/cli.js', banner: '#!/usr/bin/env node' },
  ...parts,
];

dropCodeCaches(root, parts);
const contexts = [];
for (const { entry, output, external = [], banner, lazy = [lazyModules] } of bundles) {
  contexts.push(
    await context({
      absWorkingDir: root,
      entryPoints: [entry],
      outfile: output,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      external,
      banner: banner ? { js: banner } : undefined,
      plugins: [loadParts(root, parts), precomputedInterpreter(root), ...lazy],
      // Names stay as they are, for stack traces.
      minifyWhitespace: true,
      minifySyntax: true,
      sourcemap: true,
      // The sources are not shipped: the maps are for stack traces, and for debugging this repository.
      sourcesContent: false,
      legalComments: 'eof',
      logLevel: process.argv.includes('--quiet') ? 'warning' : 'info',
    }),
  );
}

if (watch) {
  // The task in .vscode/tasks.json knows by this line that the bundles are there.
  await Promise.all(contexts.map((bundle) => bundle.rebuild().catch(() => undefined)));
  await Promise.all(contexts.map((bundle) => bundle.watch()));
  console.log('build: watching');
} else {
  try {
    await Promise.all(contexts.map((bundle) => bundle.rebuild()));
    makeCodeCaches(root);
  } catch {
    process.exitCode = 1; // esbuild has printed what is wrong.
  }
  await Promise.all(contexts.map((bundle) => bundle.dispose()));
}
