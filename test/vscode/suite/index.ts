/** Entry of the suite that runs inside the extension host: VS Code calls `run`. */
import Mocha from 'mocha';
import CountingReporter from '../../support/counting-reporter.cjs';
import * as activation from './activation';
import * as consoles from './consoles';
import * as debugging from './debugging';
import * as launching from './launching';

/** Each file defines its tests by mocha's globals when it is called. */
const files = [activation, launching, debugging, consoles];

export function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, color: false, reporter: CountingReporter });
  mocha.suite.emit(Mocha.Suite.constants.EVENT_FILE_PRE_REQUIRE, globalThis, 'suite', mocha);
  for (const { define } of files) define();
  return new Promise((done, failed) => {
    mocha.run((failures) => (failures === 0 ? done() : failed(new Error(`${failures} tests failed`))));
  });
}
