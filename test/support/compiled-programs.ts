/** Compiles `test/fixtures/symbols` with the Debian cross compiler in the variants that debug information comes in. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SOURCES = join(process.cwd(), 'test', 'fixtures', 'symbols');
const COMMON = ['-march=rv64gc', '-mabi=lp64d', '-mcmodel=medany', '-ffreestanding', '-nostdlib', '-static'];
const LINK = ['-Wl,-Ttext=0x80000000', '-Wl,--build-id=none', '-Wl,-z,noexecstack', '-Wl,--no-warn-rwx-segments'];

export interface CompiledProgram {
  /** The compiler options that make the variant. */
  readonly name: string;
  readonly path: string;
  readonly bytes: Uint8Array;
}

export class CompiledPrograms {
  private readonly folder = mkdtempSync(join(tmpdir(), 'symbols-'));

  /** Compiles and links all sources of the folder; sources among the options give another order. */
  compile(gcc: string, ...options: string[]): CompiledProgram {
    const name = options.join(' ');
    const path = join(this.folder, `${name.replaceAll(/[^\w-]+/g, '_')}.elf`);
    const sources = options.some((option) => option.endsWith('.c')) ? [] : ['main.c', 'library.c', 'start.S'];
    execFileSync(gcc, [...COMMON, ...LINK, '-g', ...options, '-o', path, ...sources], { cwd: SOURCES });
    return { name, path, bytes: readFileSync(path) };
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a tool prints on its standard output. */
export function outputOf(tool: string, args: readonly string[], input?: string): string {
  return execFileSync(tool, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['pipe', 'pipe', 'ignore'],
    ...(input !== undefined && { input }),
  });
}
