// Loads a part of a program from its file; goes into the programs. V8 takes the code cache beside the file only if it was
// made by the same version of V8 for a file of this length; without it, the part is compiled.
const { readFileSync } = require('node:fs');
const { wrap } = require('node:module');
const { join } = require('node:path');
const { Script } = require('node:vm');

/** @returns what the part exports, and its script and file */
function compilePart(folder, name) {
  const filename = join(folder, name);
  let cachedData;
  try {
    cachedData = readFileSync(`${filename}.cache`);
  } catch {
    // Packages have none.
  }
  // esbuild writes nothing but ASCII.
  const script = new Script(wrap(readFileSync(filename, 'latin1')), { filename, cachedData });
  const part = { exports: {} };
  script.runInThisContext()(part.exports, require, part, filename, folder);
  return { filename, script, exports: part.exports };
}

module.exports = { compilePart, loadPart: (folder, name) => compilePart(folder, name).exports };
