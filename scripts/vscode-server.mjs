#!/usr/bin/env node
// A real VS Code for the tests, without a desktop build: the server part of code-server, kept in a cache folder, driven
// through a browser. As a program: `vscode-server.mjs install` only fills the cache; `vscode-server.mjs FOLDER` serves
// FOLDER with this extension loaded and prints the address to open.
import { spawn, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const CODE_SERVER = '4.139.1';
/** The version of Node that this code-server wants. */
const NODE = '24';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'hypocaust');
const serverFolder = join(cache, `code-server-${CODE_SERVER}`);
const nodePackage = `node-linux-${process.arch}`;
const nodeFolder = join(cache, `node-${NODE}`);

/** What a test wants of the workbench: no welcome pages, no chat, nothing that asks or looks for news. */
const USER_SETTINGS = {
  'chat.disableAIFeatures': true,
  'debug.onTaskErrors': 'debugAnyway',
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

/** Runs npm quietly; on failure its output is in the error. */
function npm(args, cwd) {
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Fills `folder` by `make(temporaryFolder)`, at once or not at all; two processes may do so at the same time. */
function fill(folder, make) {
  if (existsSync(folder)) return;
  mkdirSync(cache, { recursive: true });
  const temporary = mkdtempSync(join(cache, 'new-'));
  try {
    make(temporary);
    if (!existsSync(folder)) renameSync(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Downloads the server and its Node into the cache, when they are not there. */
export function installServer() {
  fill(nodeFolder, (folder) => npm(['install', '--prefix', folder, `${nodePackage}@${NODE}`], folder));
  fill(serverFolder, (folder) => {
    console.error(`vscode-server: installing code-server ${CODE_SERVER} into ${cache} (once)`);
    npm(['pack', `code-server@${CODE_SERVER}`], folder);
    const archive = join(folder, `code-server-${CODE_SERVER}.tgz`);
    execFileSync('tar', ['-xzf', archive, '-C', folder, 'package/lib/vscode', 'package/package.json']);
    rmSync(archive);
    const vscode = join(folder, 'package', 'lib', 'vscode');
    rmSync(join(vscode, 'extensions', 'copilot'), { recursive: true, force: true });
    npm(['install', '--omit=dev', '--ignore-scripts'], vscode);
    rmSync(join(vscode, 'node_modules', '@github'), { recursive: true, force: true });
  });
}

function freePort() {
  return new Promise((done, failed) => {
    const probe = createServer();
    probe.once('error', failed);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

/**
 * Starts a server of its own, with an empty user profile in a temporary folder.
 * @param {{ settings?: object, log?: (line: string) => void }} options `settings` go on top of the ones above
 * @returns {Promise<{ origin: string, url: (folder: string, tests?: string, development?: string) => string, stop: () => Promise<void> }>}
 *   `url` is the page that opens `folder`, with the extension at `development` (this repository's unless told) and, if
 *   given, the test suite `tests`
 */
export async function startServer({ settings = {}, log = () => {} } = {}) {
  installServer();
  const profile = mkdtempSync(join(tmpdir(), 'hypocaust-vscode-'));
  mkdirSync(join(profile, 'data', 'User'), { recursive: true });
  writeFileSync(join(profile, 'data', 'User', 'settings.json'), JSON.stringify({ ...USER_SETTINGS, ...settings }));
  const port = await freePort();
  const node = join(nodeFolder, 'node_modules', nodePackage, 'bin', 'node');
  const server = spawn(
    node,
    [
      join(serverFolder, 'package', 'lib', 'vscode', 'out', 'server-main.js'),
      ...['--host', '127.0.0.1', '--port', String(port), '--without-connection-token'],
      ...['--accept-server-license-terms', '--telemetry-level', 'off', '--disable-workspace-trust'],
      ...['--server-data-dir', profile, '--extensions-dir', join(profile, 'ext')],
      '--enable-smoke-test-driver', // without it a built VS Code ignores the development payload
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: process.env },
  );
  const ended = new Promise((done) => server.once('exit', done));
  const stop = async () => {
    server.kill('SIGTERM');
    const patience = setTimeout(() => server.kill('SIGKILL'), 3000);
    await ended;
    clearTimeout(patience);
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    await new Promise((done, failed) => {
      let output = '';
      const read = (data) => {
        for (const line of String(data).split('\n')) if (line.trim()) log(line);
        if (output.includes('Web UI available')) return;
        output += data;
        if (output.includes('Web UI available')) done();
      };
      server.stdout.on('data', read);
      server.stderr.on('data', read);
      server.once('exit', (code) => failed(new Error(`the VS Code server ended with ${code}:\n${output}`)));
      setTimeout(() => failed(new Error(`the VS Code server did not start within 60 s:\n${output}`)), 60_000).unref();
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const authority = `127.0.0.1:${port}`;
  const remote = (path) => `vscode-remote://${authority}${pathToFileURL(resolve(path)).pathname}`;
  return {
    origin: `http://${authority}`,
    url: (folder, tests, development = root) => {
      const payload = [
        ['extensionDevelopmentPath', remote(development)],
        ...(tests ? [['extensionTestsPath', remote(tests)]] : []),
        ['skipWelcome', 'true'],
      ];
      const query = new URLSearchParams({ folder: resolve(folder), payload: JSON.stringify(payload) });
      return `http://${authority}/?${query}`;
    },
    stop,
  };
}

/** The file that `npm run test:all` and people's shells agree on to find Chromium. */
export function findChromium() {
  for (const name of [
    process.env.CHROMIUM,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ]) {
    if (name && existsSync(name)) return name;
  }
  return undefined;
}

/** How Chromium is started, for playwright-core. */
export const chromiumOptions = () => ({
  executablePath: findChromium(),
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});

async function main([folder]) {
  if (folder === undefined) {
    console.error('usage: vscode-server.mjs install | FOLDER');
    process.exitCode = 2;
  } else if (folder === 'install') {
    installServer();
  } else {
    const server = await startServer({ log: (line) => console.error(line) });
    console.log(`open ${server.url(folder)}`);
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void server.stop().then(() => process.exit()));
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) void main(process.argv.slice(2));
