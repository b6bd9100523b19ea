#!/usr/bin/env node
// Draws media/icon.png, as the extension's page shows it, from media/icon.svg.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { chromiumOptions } from './vscode-server.mjs';

const media = join(dirname(fileURLToPath(import.meta.url)), '..', 'media');

const browser = await chromium.launch(chromiumOptions());
const page = await browser.newPage({ viewport: { width: 256, height: 256 } });
await page.setContent(`<style>body { margin: 0 }</style>${readFileSync(join(media, 'icon.svg'), 'utf8')}`);
await page.screenshot({ path: join(media, 'icon.png'), omitBackground: true });
await browser.close();
