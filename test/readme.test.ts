// README.md tells of every launch setting, option, function breakpoint, view and command, and of none that is not there.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RUN_OPTIONS } from '../src/cli/option-table';
import { EXIT_KINDS } from '../src/hypervisor/exit-record';
import type { JsonSchema } from '../src/protocol/fields';
import { launchSchema } from '../src/protocol/launch-contributions';

const ROOT = join(__dirname, '..');
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** The rows of the table with this head, cell by cell. */
function table(head: string): string[][] {
  const start = readme.indexOf(`\n| ${head} |`);
  assert.ok(start >= 0, `there is a table "${head}"`);
  const [text] = readme.slice(start + 1).split('\n\n');
  const rows = text.split('\n').slice(2);
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const codes = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code);
const propertiesOf = (schema: JsonSchema | undefined): Readonly<Record<string, JsonSchema>> => schema?.properties ?? {};

describe('README.md', () => {
  it('has each launch setting once, with its default', () => {
    const { properties } = launchSchema();
    const { machine, hypervisor, guests, ...others } = properties!;
    const settings = new Map<string, JsonSchema>([
      ...Object.entries({ ...others, guests }),
      ...Object.entries(propertiesOf(guests.items as JsonSchema)).map(([name, one]) => [`… ${name}`, one] as const),
      ...Object.entries(propertiesOf(machine)).map(([name, one]) => [`machine.${name}`, one] as const),
      ...Object.entries(propertiesOf(hypervisor)).map(([name, one]) => [`hypervisor.${name}`, one] as const),
    ]);
    const rows = table('setting');
    const named = rows.flatMap(([name]) => codes(name).map((code) => (name.startsWith('…') ? `… ${code}` : code)));
    assert.deepEqual(named.sort(), [...settings.keys()].sort());
    for (const [name, , told] of rows) {
      for (const code of codes(name)) {
        const standard = settings.get(name.startsWith('…') ? `… ${code}` : code)!.default;
        if (typeof standard === 'object' || standard === undefined) continue;
        assert.ok(told.startsWith(`\`${String(standard)}\``), `${name}: ${told} is ${String(standard)}`);
      }
    }
  });

  it('has each option of hypocaust run once', () => {
    const named = table('option of `run`').flatMap(([name]) => codes(name).map((code) => code.split(' ')[0].slice(2)));
    const options = RUN_OPTIONS.flatMap((option) => ('help' in option ? [option.name as string] : []));
    assert.deepEqual(named.sort(), options.sort());
  });

  it('has each function breakpoint on the hypervisor once', () => {
    const named = table('function breakpoint').flatMap(([name]) => codes(name));
    assert.deepEqual(named.sort(), EXIT_KINDS.map(({ kind }) => `hypervisor.${kind}`).sort());
  });

  it('tells of each view, and of commands by their titles', () => {
    const { contributes } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    for (const { name } of contributes.views.debug) assert.ok(readme.includes(`**${name}**`), name);
    const titles = contributes.commands.map(({ title }: { title: string }) => title);
    for (const title of ['Translate Address…', 'Why Did It Fault?']) {
      assert.ok(titles.includes(title) && readme.includes(`*${title}*`), title);
    }
  });

  it('leads to files that are there, and to headings', () => {
    const headings = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
      text.toLowerCase().replace(/[^a-z0-9]+/g, '-'),
    );
    for (const [, target] of readme.matchAll(/\]\(([^)]+)\)/g)) {
      if (target.startsWith('#')) assert.ok(headings.includes(target.slice(1)), target);
      else assert.ok(existsSync(join(ROOT, target)), target);
    }
    for (const [, script] of readme.matchAll(/`(scripts\/[\w./-]+)`/g))
      assert.ok(existsSync(join(ROOT, script)), script);
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    for (const [, name] of readme.matchAll(/npm run ([\w:-]+)/g)) assert.ok(name in scripts, name);
  });
});
