#!/usr/bin/env node
// Bundles the extension, the debug adapter and the command-line program into dist/. `--watch` rebuilds on each change.
import { context } from 'esbuild';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const watch = process.argv.includes('--watch');

/** The three programs. Each stands alone: nothing is loaded from node_modules at run time. */
const bundles = [
  { entry: 'src/extension/extension.ts', output: 'dist/extension.js', external: ['vscode'] },
  { entry: 'src/adapter/main.ts', output: 'dist/adapter.js' },
  { entry: 'src/cli/main.ts', output: 'dist/cli.js', banner: '#!/usr/bin/env node' },
];

const contexts = [];
for (const { entry, output, external = [], banner } of bundles) {
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
  } catch {
    process.exitCode = 1; // esbuild has printed what is wrong.
  }
  await Promise.all(contexts.map((bundle) => bundle.dispose()));
}
