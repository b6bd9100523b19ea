/** A machine in a process of its own, whose console is the process's standard input and output; always with a time limit. */
import type { ChildProcessByStdio } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { GuestConsole } from './guest-console';

interface Waiter {
  readonly pattern: RegExp;
  readonly resolve: (text: string) => void;
  readonly reject: (error: Error) => void;
}

export class ProcessConsole implements GuestConsole {
  /** Settles when the process has ended, with its exit code, or null when it was stopped by `stop` or the time limit. */
  readonly exit: Promise<number | null>;

  private text = '';
  private passed = 0;
  private waiter: Waiter | undefined;
  private end: string | undefined;
  private readonly process: ChildProcessByStdio<Writable, Readable, Readable>;

  /**
   * @param name what messages call it
   * @param timeoutSeconds after so long the process is stopped, and all waiting ends with an error
   */
  constructor(
    private readonly name: string,
    command: readonly [executable: string, ...args: readonly string[]],
    timeoutSeconds: number,
  ) {
    const [executable, ...args] = command;
    this.process = spawn(executable, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const timer = setTimeout(
      () => this.kill(`${name} was stopped after ${timeoutSeconds} seconds`),
      timeoutSeconds * 1000,
    );
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding('latin1');
      stream.on('data', (text: string) => this.receive(text));
    }
    this.process.stdin.on('error', () => undefined); // typed after the end: nobody reads it
    this.exit = new Promise((resolve, reject) => {
      this.process.on('error', (error) => {
        this.fail(`${name} cannot be started: ${error.message}`);
        clearTimeout(timer);
        reject(error);
      });
      this.process.on('close', (code) => {
        clearTimeout(timer);
        this.fail(`${name} ended with exit code ${code}`);
        resolve(code);
      });
    });
    this.exit.catch(() => undefined); // reported by waitFor, too
  }

  /** Bytes of memory that the process has resident. */
  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'latin1');
    return Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1]) * 1024;
  }

  get output(): string {
    return this.text;
  }

  send(text: string): void {
    this.process.stdin.write(text, 'latin1');
  }

  waitFor(pattern: RegExp): Promise<string> {
    if (this.waiter) throw new Error('waitFor was called while another one is waiting');
    return new Promise((resolve, reject) => {
      this.waiter = { pattern, resolve, reject };
      this.check();
    });
  }

  /** Ends the process, if it still runs, and waits until it has ended. */
  async stop(): Promise<void> {
    this.kill(`${this.name} was stopped`);
    await this.exit.catch(() => null);
  }

  private kill(reason: string): void {
    this.fail(reason);
    this.process.kill('SIGKILL');
  }

  private receive(text: string): void {
    this.text += text;
    this.check();
  }

  private fail(reason: string): void {
    this.end ??= reason;
    this.check();
  }

  /** Answers the one who waits, if there is an answer. */
  private check(): void {
    const waiter = this.waiter;
    if (!waiter) return;
    const rest = this.text.slice(this.passed);
    const match = new RegExp(waiter.pattern, waiter.pattern.flags.replace('g', '')).exec(rest);
    if (match) {
      const length = match.index + match[0].length;
      this.passed += length;
      this.waiter = undefined;
      waiter.resolve(rest.slice(0, length));
    } else if (this.end !== undefined) {
      this.waiter = undefined;
      waiter.reject(new Error(`${this.end} before ${waiter.pattern} appeared in its output:\n${this.text}`));
    }
  }
}
