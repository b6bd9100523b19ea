// What bundles have that the sources compute or load at run time.
import { build } from 'esbuild';
import { join } from 'node:path';

/** An esbuild plugin: in place of the interpreter's generator stands the module that it generates. */
export function precomputedInterpreter(root) {
  const entry = join(root, 'src', 'engine', 'interpreter.ts');
  let generated;
  return {
    name: 'precomputed-interpreter',
    setup(bundle) {
      bundle.onStart(() => {
        generated = undefined;
      });
      bundle.onLoad({ filter: /engine[\\/]interpreter\.ts$/ }, async ({ path }) => {
        if (path !== entry) return undefined;
        generated = await generateInterpreter(root, entry);
        return {
          contents: `import bytes from 'interpreter.wasm'; export const generateInterpreter = () => bytes;`,
          watchFiles: generated.sources,
        };
      });
      bundle.onResolve({ filter: /^interpreter\.wasm$/ }, ({ path }) => ({ path, namespace: 'generated' }));
      bundle.onLoad({ filter: /.*/, namespace: 'generated' }, () => ({ contents: generated.bytes, loader: 'binary' }));
    },
  };
}

/** @returns the module's bytes, and the files that they depend on */
async function generateInterpreter(root, entry) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    format: 'cjs',
    target: 'node20',
    write: false,
    metafile: true,
  });
  const program = { exports: {} };
  new Function('module', 'exports', outputFiles[0].text)(program, program.exports);
  const sources = Object.keys(metafile.inputs).map((path) => join(root, path));
  return { bytes: program.exports.generateInterpreter(), sources };
}

/** An esbuild plugin: `fflate`, which makes its tables when it is loaded, is loaded when something is to be inflated. */
export const lazyInflate = {
  name: 'lazy-inflate',
  setup(bundle) {
    bundle.onResolve({ filter: /^fflate$/ }, ({ namespace, path }) =>
      namespace === 'lazy' ? undefined : { path, namespace: 'lazy' },
    );
    bundle.onLoad({ filter: /^fflate$/, namespace: 'lazy' }, () => ({
      contents: `export const unzlibSync = (...args) => require('fflate').unzlibSync(...args);`,
      resolveDir: process.cwd(),
    }));
  },
};
