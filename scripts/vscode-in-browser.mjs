#!/usr/bin/env node
// Looks like a VS Code executable to @vscode/test-electron: takes the folder and the two --extension…Path= options, opens
// the workbench in Chromium, prints what the tests print, and exits with their code.
import { chromium } from 'playwright-core';
import { chromiumOptions, startServer } from './vscode-server.mjs';

/** Longest time that a whole test run may take. */
const LIMIT_MS = Number(process.env.HYPOCAUST_VSCODE_LIMIT_MS ?? 240_000);

/** What the server and the workbench say of themselves: modules and a network that are not there, connections. */
const NOISE = new RegExp(
  '@vscode/spdlog|native-watchdog|ENOTFOUND|Service Worker|github-authentication|onnection token|Creating a socket|' +
    '^\\[(reconnection|AgentHost|AccountPolicy)|Updating additional builtin',
);

const args = process.argv.slice(2);
const option = (name) => args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const folder = args.find((arg) => !arg.startsWith('-')) ?? process.cwd();

const server = await startServer({ log: (line) => process.env.HYPOCAUST_VSCODE_LOG && console.error(line) });
let browser;
let code = 1;
try {
  browser = await chromium.launch(chromiumOptions());
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  const finished = new Promise((done, failed) => {
    setTimeout(() => failed(new Error(`the tests did not end within ${LIMIT_MS / 1000} s`)), LIMIT_MS).unref();
    page.once('crash', () => failed(new Error('the page crashed')));
    void page.exposeFunction('codeAutomationExit', done);
  });
  await page.exposeFunction('codeAutomationLog', (type, messages) => {
    if (messages.some((message) => NOISE.test(String(message)))) return;
    (type === 'warn' || type === 'error' ? console.error : console.log)(...messages);
  });
  await page.goto(server.url(folder, option('extensionTestsPath'), option('extensionDevelopmentPath')));
  try {
    code = await finished;
  } catch (error) {
    await page.screenshot({ path: process.env.HYPOCAUST_VSCODE_SCREENSHOT ?? 'out/vscode-test-failure.png' });
    throw error;
  }
} catch (error) {
  console.error(String(error));
} finally {
  await browser?.close();
  await server.stop();
}
process.exit(code);
