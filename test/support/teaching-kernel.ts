/** Drives the teaching kernel through all commands of its prompt, on any machine, and knows what it should print. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GuestConsole } from './guest-console';

const repository = join(__dirname, '..', '..');

/** The folder that a user opens. */
export const teachingKernelFolder = join(repository, 'samples', 'teaching-kernel');
export const teachingKernel = join(teachingKernelFolder, 'kernel.elf');

/** The first words that the kernel prints; what comes before is the firmware's. */
export const firstLine = 'Teaching kernel: hello';
export const prompt = /^kernel> /m;

/** Every command whose output is the same on every machine: all but `i` (info), and `q`, which ends the transcript. */
const commands = ['h', 'm', 'n', 'w', 'f', 'c', 'u', 'r', 'm', 'null', 'no such command', ''];

const transcriptFile = join(repository, 'test', 'samples', 'teaching-kernel.transcript.txt');

/**
 * Boots the kernel to its prompt, gives all commands and powers off. Answers the normalised transcript.
 * The machine must have 128 MiB of RAM, or the lines that speak of memory differ.
 */
export async function driveTeachingKernel(console: GuestConsole): Promise<string> {
  await console.waitFor(prompt);
  for (const command of commands) {
    console.send(`${command}\r`);
    await console.waitFor(prompt);
  }
  console.send('q\r');
  await console.waitFor(/Good bye\.\r\n/);
  return normaliseTranscript(console.output);
}

/**
 * What the kernel wrote, without the firmware's banner and carriage returns. Without an sfence.vma a hart may use the old
 * page or the new one; the transcript accepts both.
 */
export function normaliseTranscript(output: string): string {
  const start = output.indexOf(firstLine);
  if (start < 0) throw new Error(`The kernel has printed nothing; the console shows:\n${output}`);
  return output
    .slice(start)
    .replaceAll('\r', '')
    .replace(
      /(?<=without sfence\.vma: reading gives )(1111, from the old|2222, from the new)/g,
      '1111 or 2222, from the old or new',
    );
}

/** Compares with the golden transcript. With UPDATE_GOLDEN=1 in the environment, writes that anew. */
export function assertTranscript(transcript: string): void {
  if (process.env.UPDATE_GOLDEN) writeFileSync(transcriptFile, transcript);
  assert.equal(transcript, readFileSync(transcriptFile, 'utf8'));
}
