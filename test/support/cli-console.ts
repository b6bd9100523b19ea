/** `hypocaust run` in a process of its own: the built command, driven by its console. */
import { join } from 'node:path';
import { ProcessConsole } from './process-console';

const CLI = join(__dirname, '..', '..', 'dist', 'cli.js');

export class CliConsole extends ProcessConsole {
  /** @param args those after `run` */
  constructor(args: readonly string[], timeoutSeconds: number) {
    super('hypocaust', [process.execPath, CLI, 'run', ...args], timeoutSeconds);
  }
}
