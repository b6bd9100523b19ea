// Parts of programs: what a program imports with `import()` is a file of its own beside it, with V8's code cache for it.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

const loader = 'scripts/build/part-loader.cjs';
const namespace = 'part';

/** An esbuild plugin: `import()` of a part's module loads the part. */
export function loadParts(root, parts) {
  const outputs = new Map(parts.map(({ entry, output }) => [join(root, entry.replace(/\.ts$/, '')), basename(output)]));
  return {
    name: 'parts',
    setup(build) {
      build.onResolve({ filter: /^\./ }, ({ kind, importer, path }) => {
        const output = kind === 'dynamic-import' && outputs.get(resolve(dirname(importer), path));
        return output ? { path: output, namespace } : undefined;
      });
      build.onLoad({ filter: /.*/, namespace }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(`./${loader}`)}).loadPart(__dirname, ${JSON.stringify(path)});`,
        resolveDir: root,
      }));
    },
  };
}

/** A cache must not outlive the file that it was made for. */
export function dropCodeCaches(root, parts) {
  for (const { output } of parts) rmSync(join(root, `${output}.cache`), { force: true });
}

/** Runs each part's usual start once in this Node.js, and keeps what V8 compiled. @throws Error when a start fails */
export function makeCodeCaches(root) {
  const kernel = join(root, 'samples', 'teaching-kernel', 'kernel.elf');
  const command = ['--import', 'tsx', join(root, 'scripts/build/code-caches.ts'), join(root, 'dist'), kernel];
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error('The code caches cannot be made.');
}
