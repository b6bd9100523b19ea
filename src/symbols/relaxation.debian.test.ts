/** Linker relaxation leaves ranges of assembly units too long; the next unit must not suffer. */
import assert from 'node:assert/strict';
import { CompiledPrograms } from '../../test/support/compiled-programs';
import { requireTool } from '../../test/support/tools';
import { SymbolFile } from './program';

describe('symbols behind a relaxed assembly unit', function () {
  this.timeout(60_000);
  const programs = new CompiledPrograms();
  after(() => programs.dispose());

  for (const dwarf of ['-gdwarf-4', '-gdwarf-5']) {
    it(`are those of the unit itself (${dwarf})`, function () {
      const gcc = requireTool('riscv64-unknown-elf-gcc', this);
      const { bytes } = programs.compile(gcc, dwarf, '-O0', 'start.S', 'main.c', 'library.c');
      const file = SymbolFile.open(bytes);
      for (const { name, low, declaration } of file.allFunctions()) {
        assert.equal(file.findFunction(low)?.name, name);
        if (!declaration) continue;
        assert.equal(file.lineFor(low)?.file, declaration.file, name);
        assert.deepEqual(file.inlineChain(low).at(-1)?.name, name);
      }
    });
  }
});
