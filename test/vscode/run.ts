/**
 * Runs the suite in a real VS Code's extension host. Which one: the executable that VSCODE_EXECUTABLE names; with `--download`
 * the desktop build that @vscode/test-electron downloads; otherwise a server of ours, shown in Chromium.
 */
import { build } from 'esbuild';
import { join } from 'node:path';
import { runTests } from '@vscode/test-electron';
import { findChromium } from '../../scripts/vscode-server.mjs';
import { skipAll } from '../support/skip-all';

const ROOT = join(__dirname, '..', '..');
const SUITE = join(ROOT, 'out', 'test', 'vscode', 'suite.js');
const WRAPPER = join(ROOT, 'scripts', 'vscode-in-browser.mjs');

/** The extension host loads CommonJS; mocha stays outside the bundle, because it finds its parts by path. */
async function bundleSuite(): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['test/vscode/suite/index.ts'],
    outfile: SUITE,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['vscode', 'mocha'],
    sourcemap: true,
  });
}

async function main(): Promise<void> {
  const downloads = process.argv.includes('--download');
  const given = process.env.VSCODE_EXECUTABLE;
  if (!downloads && !given && !findChromium()) {
    skipAll('the vscode tests need Chromium; run scripts/install-debian-packages.sh');
    return;
  }
  await bundleSuite();
  await runTests({
    ...(downloads ? {} : { vscodeExecutablePath: given ?? WRAPPER }),
    extensionDevelopmentPath: ROOT,
    extensionTestsPath: SUITE,
    launchArgs: [join(ROOT, 'samples', 'teaching-kernel')],
  });
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
