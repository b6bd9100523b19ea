#!/usr/bin/env node
// `npm run demo` on a fresh clone, with Node alone: installs and builds what is missing, then runs the demonstration.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (error) console.error(`demo: cannot run ${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(join(root, 'node_modules', 'esbuild'))) {
  console.log('Installing the dependencies (npm ci) …');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}
run(process.execPath, ['scripts/build.mjs', '--quiet']);
run(process.execPath, ['dist/cli.js', 'demo', ...process.argv.slice(2)]);
