/**
 * Writes the parts of package.json that follow from `src/protocol/`: the launch configuration's schema and its snippets.
 * With `--check`, changes nothing and fails when package.json is not up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as prettier from 'prettier';
import { DEBUG_TYPE } from '../src/protocol/launch-configuration';
import { initialConfiguration, launchSchema, launchSnippets } from '../src/protocol/launch-contributions';

const FILE = join(__dirname, '..', 'package.json');

interface Manifest {
  contributes: { debuggers: Record<string, unknown>[] };
}

/** package.json's text with the generated parts as they ought to be. */
async function generate(text: string): Promise<string> {
  const manifest = JSON.parse(text) as Manifest;
  const contribution = manifest.contributes.debuggers.find(({ type }) => type === DEBUG_TYPE);
  if (contribution === undefined) throw new Error(`package.json contributes no debugger of type ${DEBUG_TYPE}`);
  contribution.configurationAttributes = { launch: launchSchema() };
  contribution.configurationSnippets = launchSnippets();
  contribution.initialConfigurations = [initialConfiguration('${workspaceFolder}/kernel.elf')];
  const options = await prettier.resolveConfig(FILE);
  return prettier.format(JSON.stringify(manifest), { ...options, filepath: FILE });
}

async function main(): Promise<void> {
  const before = readFileSync(FILE, 'utf8');
  const after = await generate(before);
  if (before === after) return;
  if (process.argv.includes('--check')) {
    console.error('package.json is not what src/protocol/ says; run `npm run generate`.');
    process.exitCode = 1;
    return;
  }
  writeFileSync(FILE, after);
}

void main();
