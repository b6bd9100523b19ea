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

/**
 * Functions and classes of modules that take long to load, and that only some runs need. A name that is imported and is not
 * listed here is an error of the build.
 */
const lazyNames = {
  // Makes its tables when it is loaded.
  fflate: { functions: ['unzlibSync'] },
  'node:crypto': { functions: ['createHash'] },
  'node:dgram': { functions: ['createSocket'] },
  'node:net': { functions: ['connect', 'createServer'] },
  'node:worker_threads': { classes: ['Worker'] },
};

/** An esbuild plugin: these modules are loaded when something of them is first used. */
export const lazyModules = {
  name: 'lazy-modules',
  setup(bundle) {
    bundle.onResolve({ filter: new RegExp(`^(${Object.keys(lazyNames).join('|')})$`) }, ({ kind, path }) =>
      kind === 'import-statement' ? { path, namespace: 'lazy' } : undefined,
    );
    bundle.onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => {
      const { functions = [], classes = [] } = lazyNames[path];
      const module = `require('${path}')`;
      const lines = [
        ...functions.map((name) => `export const ${name} = (...args) => ${module}.${name}(...args);`),
        ...classes.map(
          (name) => `export const ${name} = function (...args) { return new (${module}.${name})(...args); };`,
        ),
      ];
      return { contents: lines.join('\n'), resolveDir: process.cwd() };
    });
  },
};
