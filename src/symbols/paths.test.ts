import assert from 'node:assert/strict';
import { joinPath, matchPath, normalizePath, PathIndex } from './paths';

describe('paths of source files', () => {
  it('are joined and normalised', () => {
    assert.equal(joinPath('/build', 'main.c'), '/build/main.c');
    assert.equal(joinPath('/build', '/src/main.c'), '/src/main.c');
    assert.equal(joinPath('', 'main.c'), 'main.c');
    assert.equal(normalizePath('/a/./b//../c.c'), '/a/c.c');
    assert.equal(normalizePath('./kernel/main.c'), 'kernel/main.c');
    assert.equal(normalizePath('../x/../y.c'), '../y.c');
    assert.equal(normalizePath('/../y.c'), '/y.c');
    assert.equal(normalizePath('C:\\src\\main.c'), 'C:/src/main.c');
  });

  it('match by their last components', () => {
    const quality = (path: string, file: string): string | undefined => {
      const match = matchPath(path, file);
      return match && `${match.quality} ${match.components}`;
    };
    assert.equal(quality('/home/me/k/main.c', '/home/me/k/main.c'), 'exact 4');
    assert.equal(quality('/home/me/k/main.c', 'k/main.c'), 'exact 2');
    assert.equal(quality('main.c', '/build/k/main.c'), 'exact 1');
    assert.equal(quality('/home/me/k/main.c', '/build/k/main.c'), 'suffix 2');
    assert.equal(quality('/home/me/user/main.c', 'kernel/main.c'), undefined);
    assert.equal(quality('/home/me/k/main.c', '/home/me/k/Main.c'), undefined);
    assert.equal(quality('/home/me/k/src/main.c', '../src/main.c'), 'exact 2');
  });

  it('mean the file with the longest common end', () => {
    const index = new PathIndex(['kernel/main.c', 'user/main.c', 'kernel/trap.c', '/build/lib/x.c', '/other/lib/x.c']);
    assert.deepEqual(index.find('/work/user/main.c'), {
      kind: 'found',
      file: 'user/main.c',
      quality: 'exact',
      components: 2,
    });
    assert.deepEqual(index.find('main.c'), { kind: 'ambiguous', candidates: ['kernel/main.c', 'user/main.c'] });
    assert.deepEqual(index.find('/home/lib/x.c'), {
      kind: 'ambiguous',
      candidates: ['/build/lib/x.c', '/other/lib/x.c'],
    });
    assert.equal(index.find('/work/other/main.c').kind, 'unknown-file');
    assert.equal(index.find('nothing.c').kind, 'unknown-file');
  });
});
