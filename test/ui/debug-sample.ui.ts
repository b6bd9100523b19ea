// What a person sees who debugs the sample kernel: the whole way through the workbench, with a screenshot at the end.
import assert from 'node:assert/strict';
import { basename, join } from 'node:path';
import { findChromium } from '../../scripts/vscode-server.mjs';
import { findMarker } from '../support/markers';
import { requireTool } from '../support/tools';
import { Workbench } from './workbench';

const ROOT = join(__dirname, '..', '..');
const SAMPLE = join(ROOT, 'samples', 'teaching-kernel');
/** With UPDATE_SCREENSHOT=1, the picture that README.md shows is taken anew. */
const SCREENSHOT = join(ROOT, process.env.UPDATE_SCREENSHOT ? 'docs/images' : 'out', 'debugging.png');
/** Where the sample studies a forgotten SFENCE.VMA (STUDY_ADDRESS in its sources). */
const STUDIED = '0x30000000';

describe('debugging the sample kernel in the workbench', () => {
  let workbench: Workbench;

  before(async function () {
    if (!findChromium()) requireTool('chromium', this);
    workbench = await Workbench.open(SAMPLE);
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot(join(ROOT, 'out', 'ui-test-failure.png'));
  });

  after(() => workbench?.close());

  it('starts with F5, and shows the console in a terminal', async () => {
    const { path, line } = findMarker(SAMPLE, 'missing-sfence');
    await workbench.openFile(basename(path), line);
    await workbench.page.keyboard.press('F9');
    await workbench.page.locator('.codicon-debug-breakpoint').first().waitFor();
    await workbench.page.keyboard.press('F5');
    await workbench.terminalShows('Type h for help.\nkernel>');
  });

  it('sends what is typed to the guest, and stops at the breakpoint', async () => {
    await workbench.typeInTerminal('f\r');
    await workbench.terminalShows('kernel> f');
    await workbench.page.locator('.debug-top-stack-frame-line').first().waitFor();
    await workbench.page.locator('.debug-call-stack .monaco-list-row', { hasText: 'missing_sfence' }).waitFor();
  });

  it('shows in the tree that the shadow entry is stale', async () => {
    await workbench.widenSideBar(680);
    for (const title of ['Watch', 'Breakpoints']) await workbench.foldView(title);
    const view = await workbench.view('Shadow Page Tables');
    await workbench.enlargeView('Shadow Page Tables', 250);
    for (const { address, agreement } of [
      { address: '0x80200000', agreement: /agrees/ },
      { address: STUDIED, agreement: /stale/ },
    ]) {
      await workbench.command('Hypocaust: Go to Guest-Virtual Address…');
      await workbench.answer(address);
      const row = view.locator('.monaco-list-row.selected', { hasText: address });
      await row.waitFor();
      assert.match((await row.getAttribute('aria-label')) ?? '', agreement);
      await view.locator('.message', { hasText: `${address} → GPA` }).waitFor();
    }
  });

  it('shows the variables of the function', async () => {
    const variables = await workbench.view('Variables');
    const locals = variables.locator('.monaco-list-row', { hasText: 'Locals' });
    if ((await locals.getAttribute('aria-expanded')) === 'false') await locals.click();
    await variables.locator('.monaco-list-row', { hasText: 'new_page' }).waitFor();
  });

  it('explains the entry when the mouse rests on it', async () => {
    await workbench.page.locator('.monaco-list-row', { hasText: STUDIED }).last().hover();
    await workbench.page.locator('.workbench-hover', { hasText: 'shadow entry, vS' }).waitFor();
    await workbench.page.waitForTimeout(500); // it fades in
  });

  it('saves the screenshot', async () => {
    await workbench.screenshot(SCREENSHOT);
  });

  it('goes on, and ends when the guest powers off', async () => {
    await workbench.page.keyboard.press('F5');
    await workbench.terminalShows('After sfence.vma: reading gives 2222.');
    await workbench.typeInTerminal('q\r');
    await workbench.terminalShows('The debug session has ended.');
    await workbench.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
  });
});
