// package.json's contributions fit together, and what they name is packaged.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..');
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

interface Manifest {
  readonly main: string;
  readonly icon: string;
  readonly contributes: {
    readonly languages: readonly { readonly id: string; readonly configuration: string }[];
    readonly grammars: readonly { readonly path: string; readonly language: string }[];
    readonly breakpoints: readonly { readonly language: string }[];
    readonly commands: readonly { readonly command: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string; readonly when: string }[]>>;
    readonly views: Readonly<Record<string, readonly { readonly id: string; readonly icon: string }[]>>;
    readonly viewsWelcome: readonly { readonly view: string }[];
  };
}

describe('package.json', () => {
  const manifest = JSON.parse(read('package.json')) as Manifest;
  const { contributes } = manifest;

  it('names files that exist and are packaged', () => {
    const named = [
      ...[manifest.icon, manifest.main],
      ...contributes.languages.map(({ configuration }) => configuration),
      ...contributes.grammars.map(({ path }) => path),
      ...Object.values(contributes.views).flatMap((views) => views.map(({ icon }) => icon)),
    ].filter((path) => !path.startsWith('$('));
    const packaged = read('.vscodeignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => new RegExp(`^${line.slice(1).replace(/\./g, '\\.').replace(/\*/g, '[^/]*')}$`));
    for (const path of named.map((name) => name.replace(/^\.\//, ''))) {
      assert.ok(path.startsWith('dist/') || existsSync(join(ROOT, path)), `${path} does not exist`);
      assert.ok(
        packaged.some((pattern) => pattern.test(path)),
        `${path} is not packaged`,
      );
    }
  });

  it('is packed for npm with all programs and their parts', () => {
    const [{ files }] = JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT, encoding: 'utf8' }),
    ) as readonly [{ readonly files: readonly { readonly path: string }[] }];
    const packed = files.map(({ path }) => path);
    for (const name of readdirSync(join(ROOT, 'dist')).filter((file) => file.endsWith('.js'))) {
      assert.ok(packed.includes(`dist/${name}`), `dist/${name} is not packed`);
    }
  });

  it('has menus, views and welcome texts for what it contributes, only', () => {
    const commands = new Set(contributes.commands.map(({ command }) => command));
    for (const { command } of Object.values(contributes.menus).flat()) assert.ok(commands.has(command), command);
    const views = new Set(Object.values(contributes.views).flatMap((list) => list.map(({ id }) => id)));
    for (const { view } of contributes.viewsWelcome) assert.ok(views.has(view), view);
    const languages = new Set(contributes.languages.map(({ id }) => id));
    for (const { language } of contributes.grammars) assert.ok(languages.has(language), language);
  });

  it('takes breakpoints in C, C++, Rust and assembly', () => {
    const languages = contributes.breakpoints.map(({ language }) => language);
    for (const language of ['c', 'cpp', 'rust', 'riscv-asm']) assert.ok(languages.includes(language), language);
  });

  it('comes with a lock file that works with any registry', () => {
    assert.doesNotMatch(read('package-lock.json'), /"resolved": *"http/);
  });
});
