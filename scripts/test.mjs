#!/usr/bin/env node
// Runs groups of tests: `node scripts/test.mjs [--no-build] GROUP...`, or `all`. Names the groups that it left out, and ends
// with what failed and the sum of the counts of all groups.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const mocha = ['node_modules/mocha/bin/mocha.js', '--reporter', 'test/support/counting-reporter.cjs'];

/** `needs`: what a group wants besides Node and `npm ci`. */
const groups = {
  unit: {
    command: [
      ...mocha,
      ...['--ignore', '**/*.debian.test.ts', '--ignore', 'test/vscode/**', '--ignore', 'test/ui/**'],
      ...['src/**/*.test.ts', 'test/**/*.test.ts'],
    ],
  },
  debian: {
    needs: 'Debian packages: QEMU, a RISC-V compiler and binutils (scripts/install-debian-packages.sh)',
    command: [...mocha, '--timeout', '120000', 'src/**/*.debian.test.ts', 'test/**/*.debian.test.ts'],
  },
  guests: {
    needs: 'guests of other people from Debian packages, downloaded once, and the packages that the debian tests need',
    command: [...mocha, '--timeout', '300000', 'test/guests/**/*.guests.ts'],
  },
  vscode: {
    needs: 'Chromium, and a VS Code server that is downloaded once',
    command: ['--import', 'tsx', 'test/vscode/run.ts'],
  },
  ui: {
    needs: 'Chromium, and a VS Code server that is downloaded once',
    command: [...mocha, '--timeout', '180000', 'test/ui/**/*.ui.ts'],
  },
};

const args = process.argv.slice(2);
const wanted = args.includes('all') ? Object.keys(groups) : args.filter((arg) => !arg.startsWith('-'));
const unknown = wanted.filter((name) => !(name in groups));
if (wanted.length === 0 || unknown.length > 0) {
  console.error(`usage: test.mjs [--no-build] all | ${Object.keys(groups).join(' | ')} ...`);
  process.exit(2);
}

const node = (command, env = {}) =>
  spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }).status === 0;

// Tests of the whole path run the bundles.
if (!args.includes('--no-build') && !node(['scripts/build.mjs'])) process.exit(1);

const sum = { passed: 0, failed: 0, skipped: 0 };
const reasons = [];
let allRan = true;
const folder = mkdtempSync(join(tmpdir(), 'hypocaust-counts-'));
for (const name of wanted) {
  console.log(`\n== ${name} tests`);
  const file = join(folder, `${name}.json`);
  const ok = node(groups[name].command, { HYPOCAUST_TEST_COUNTS: file });
  let counts;
  try {
    counts = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    console.error(`The ${name} tests did not run to their end.`);
    counts = { passed: 0, failed: 1, skipped: 0, reasons: ['did not run to their end'] };
  }
  for (const key of Object.keys(sum)) sum[key] += counts[key];
  reasons.push(...(counts.reasons ?? []).map((reason) => `${name}: ${reason}`));
  allRan &&= ok;
}
rmSync(folder, { recursive: true });

for (const [name, { needs }] of Object.entries(groups)) {
  if (!wanted.includes(name))
    console.log(`Not run: ${name} tests (npm run test:${name})${needs ? `; they need ${needs}` : ''}.`);
}
// Again, since the end is what is read first.
if (reasons.length > 0) console.log(`\nFailed:\n${reasons.map((reason) => `- ${reason.slice(0, 1000)}`).join('\n')}`);
console.log(`\n${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = allRan && sum.failed === 0 ? 0 : 1;
