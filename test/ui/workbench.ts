/** The VS Code workbench as a person uses it, for tests: opens a folder in a browser, types, clicks, and looks. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Locator, Page } from 'playwright-core';
import { chromiumOptions, startServer } from '../../scripts/vscode-server.mjs';

export class Workbench {
  private constructor(
    readonly page: Page,
    private readonly browser: Browser,
    private readonly server: Awaited<ReturnType<typeof startServer>>,
  ) {}

  /** @param development the extension's folder, instead of this repository */
  static async open(folder: string, development?: string): Promise<Workbench> {
    const server = await startServer({
      settings: {
        'workbench.colorTheme': 'Default Dark Modern',
        'terminal.integrated.gpuAcceleration': 'off', // the terminal's text is then in the page
      },
    });
    try {
      const browser = await chromium.launch(chromiumOptions());
      const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
      const workbench = new Workbench(page, browser, server);
      await page.goto(server.url(folder, undefined, development));
      await page.locator('.explorer-folders-view .monaco-list-row').first().waitFor({ timeout: 60_000 });
      return workbench;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.server.stop();
  }

  /** Runs a command of the palette by its full title. */
  async command(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    await this.choose(`>${title}`, title);
  }

  /** Opens a file of the folder at a line, both counted from one. */
  async openFile(name: string, line: number): Promise<void> {
    await this.page.keyboard.press('Control+P');
    await this.choose(`${name}:${line}`, name);
    await this.page.locator('.monaco-editor .view-lines').first().waitFor();
    await this.page.locator(`.margin .line-numbers:text-is("${line}")`).waitFor();
  }

  /** Types into the open quick pick and takes the entry that shows `row`. */
  async choose(text: string, row: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input[type=text]');
    await input.waitFor();
    await input.fill(text);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: row }).first().waitFor();
    await this.page.keyboard.press('Enter');
    // It closes, or the command's own question takes its place.
    const asked = this.page.locator('.quick-input-widget:not([inert]) input[type=text]');
    while ((await asked.isVisible()) && (await asked.inputValue()) === text) await this.page.waitForTimeout(50);
  }

  /** Types into an input box, such as a command's question, and accepts. */
  async answer(text: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input[type=text]');
    await input.waitFor();
    await input.fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** The view with this title in the side bar, opened. */
  async view(title: string): Promise<Locator> {
    const pane = this.page.locator('.pane', { has: this.page.locator(`.pane-header:has-text("${title}")`) });
    const header = pane.locator('.pane-header');
    await header.waitFor();
    if ((await header.getAttribute('aria-expanded')) === 'false') await header.click();
    return pane;
  }

  /** Folds a view of the side bar, to make room for the others. */
  async foldView(title: string): Promise<void> {
    const header = this.page.locator(`.pane-header:has-text("${title}")`).first();
    if ((await header.getAttribute('aria-expanded')) === 'true') await header.click();
  }

  /** Drags the side bar's edge so that it ends at `x` pixels. */
  async widenSideBar(x: number): Promise<void> {
    const { right, middle } = await this.box('.part.sidebar');
    await this.drag(right, middle, x, middle);
  }

  /** Drags the upper edge of a view of the side bar up. */
  async enlargeView(title: string, pixels: number): Promise<void> {
    const { left, top } = await this.box(`.pane-header:has-text("${title}")`);
    const edges = await this.page.locator('.part.sidebar .monaco-sash.horizontal:not(.disabled)').all();
    const heights = await Promise.all(edges.map(async (edge) => (await edge.boundingBox())?.y ?? 0));
    const edge = heights.sort((a, b) => Math.abs(a - top) - Math.abs(b - top))[0];
    await this.drag(left + 200, edge + 2, left + 200, edge - pixels);
  }

  private async box(selector: string): Promise<{ left: number; right: number; top: number; middle: number }> {
    const box = await this.page.locator(selector).boundingBox();
    if (!box) throw new Error(`${selector} is not shown.`);
    return { left: box.x, right: box.x + box.width, top: box.y, middle: box.y + box.height / 2 };
  }

  private async drag(fromX: number, fromY: number, toX: number, toY: number): Promise<void> {
    await this.page.mouse.move(fromX, fromY);
    await this.page.mouse.down();
    await this.page.mouse.move(toX, toY, { steps: 5 });
    await this.page.mouse.up();
  }

  /** The lines that the terminal in front shows. */
  async terminalText(): Promise<string> {
    const rows = await this.page.locator('.terminal-wrapper.active .xterm-rows > div').allTextContents();
    return rows.map((row) => row.replace(/\u00a0/g, ' ').trimEnd()).join('\n');
  }

  /** Waits until the terminal in front shows `text`. */
  async terminalShows(text: string): Promise<void> {
    const until = Date.now() + 30_000;
    while (!(await this.terminalText()).includes(text)) {
      if (Date.now() > until) {
        throw new Error(`The terminal does not show "${text}" but:\n${await this.terminalText()}`);
      }
      await this.page.waitForTimeout(50);
    }
  }

  /** Clicks into the terminal and types. */
  async typeInTerminal(text: string): Promise<void> {
    await this.page.locator('.terminal-wrapper.active .xterm').click();
    await this.page.keyboard.type(text, { delay: 30 });
  }

  async screenshot(path: string): Promise<void> {
    mkdirSync(dirname(path), { recursive: true });
    await this.page.screenshot({ path });
  }
}
