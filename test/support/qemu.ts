/** Runs a guest in QEMU (`qemu-system-riscv64 -machine virt`) and drives its console; always with a time limit. */
import type { ChildProcessByStdio } from 'node:child_process';
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { GuestConsole } from './guest-console';

export interface QemuOptions {
  /** Path of the QEMU executable, from `requireTool('qemu-system-riscv64', this)`. */
  executable: string;
  /** Path of the image that `-kernel` loads. */
  kernel: string;
  /** Firmware: `default` is OpenSBI, `none` starts the kernel in M-mode at 0x80000000, anything else is a path. */
  bios?: string;
  /** Size of the RAM as QEMU writes it. */
  memory?: string;
  /** Further arguments. */
  arguments?: readonly string[];
  /** Seconds after which the machine is stopped and all waiting ends with an error. */
  timeoutSeconds?: number;
}

interface Waiter {
  readonly pattern: RegExp;
  readonly resolve: (text: string) => void;
  readonly reject: (error: Error) => void;
}

/** A running QEMU. */
export class Qemu implements GuestConsole {
  /** Settles when QEMU has ended, with its exit code, or null when it was stopped by `stop` or the time limit. */
  readonly exit: Promise<number | null>;

  private text = '';
  private passed = 0;
  private waiter: Waiter | undefined;
  private end: string | undefined;
  private readonly process: ChildProcessByStdio<Writable, Readable, Readable>;

  constructor(options: QemuOptions) {
    const { executable, kernel, bios = 'default', memory = '128M', timeoutSeconds = 60 } = options;
    const machine = ['-machine', 'virt', '-m', memory, '-bios', bios, '-kernel', kernel];
    const console = ['-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-no-reboot'];
    this.process = spawn(executable, [...machine, ...console, ...(options.arguments ?? [])], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const timer = setTimeout(
      () => this.kill(`QEMU was stopped after ${timeoutSeconds} seconds`),
      timeoutSeconds * 1000,
    );
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding('latin1');
      stream.on('data', (text: string) => this.receive(text));
    }
    this.process.stdin.on('error', () => undefined); // typed after the end: nobody reads it
    this.exit = new Promise((resolve, reject) => {
      this.process.on('error', (error) => {
        this.fail(`QEMU cannot be started: ${error.message}`);
        clearTimeout(timer);
        reject(error);
      });
      this.process.on('close', (code) => {
        clearTimeout(timer);
        this.fail(`QEMU ended with exit code ${code}`);
        resolve(code);
      });
    });
    this.exit.catch(() => undefined); // reported by waitFor, too
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

  /** Ends QEMU, if it still runs, and waits until it has ended. */
  async stop(): Promise<void> {
    this.kill('QEMU was stopped');
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
