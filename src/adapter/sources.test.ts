// Paths of the debug information and files here.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sources } from './sources';

describe('sources', () => {
  let folder: string;
  let sources: Sources;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hypocaust-sources-'));
    for (const name of ['kernel/main.c', 'user/main.c', 'out/kernel.elf']) {
      mkdirSync(join(folder, name, '..'), { recursive: true });
      writeFileSync(join(folder, name), '');
    }
    sources = new Sources();
    sources.configure({}, [join(folder, 'out', 'kernel.elf')]);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('finds relative names from the program upward', () => {
    assert.equal(sources.locate('kernel/main.c'), join(folder, 'kernel', 'main.c'));
    assert.equal(sources.locate('kernel/other.c'), undefined);
  });

  it('finds what was built elsewhere by the longest end of the path', () => {
    assert.equal(sources.locate('/build/x/user/main.c'), join(folder, 'user', 'main.c'));
    assert.equal(sources.locate('/build/x/kernel/main.c'), join(folder, 'kernel', 'main.c'));
  });

  it('shows the path as it is when there is no such file', () => {
    assert.equal(sources.pathFor('/build/x/none.c'), '/build/x/none.c');
  });

  it('maps prefixes both ways, the longest first', () => {
    sources.configure({ '/build': '/nowhere', '/build/k': join(folder, 'kernel') }, []);
    assert.equal(sources.locate('/build/k/main.c'), join(folder, 'kernel', 'main.c'));
    assert.deepEqual(sources.namesOf(join(folder, 'kernel', 'main.c')), [
      join(folder, 'kernel', 'main.c'),
      '/build/k/main.c',
    ]);
    assert.deepEqual(sources.namesOf('/other/main.c'), ['/other/main.c']);
    sources.configure({ kernel: join(folder, 'user') }, []);
    assert.equal(sources.locate('kernelish/main.c'), undefined);
  });
});
