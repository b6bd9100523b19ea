/** The hypervisor for S-mode that is a guest itself, and what it prints wherever it runs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const fixtures = join(__dirname, '..', 'fixtures');

export const nestedHypervisor = join(fixtures, 'nested.elf');
export const nestedTranscript = readFileSync(join(fixtures, 'nested.transcript.txt'), 'utf8');

/** What it printed, without what the firmware did before. */
export function nestedOutput(output: string): string {
  return output.slice(Math.max(0, output.indexOf('hypervisor: starts'))).replaceAll('\r', '');
}
