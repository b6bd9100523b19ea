// Mocha's spec reporter, which also writes the counts and what failed to the file that HYPOCAUST_TEST_COUNTS names (see
// scripts/test.mjs).
const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

module.exports = class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = runner.stats;
      const reasons = this.failures.map((test) => `${test.fullTitle()}: ${test.err?.message ?? 'no reason given'}`);
      const file = process.env.HYPOCAUST_TEST_COUNTS;
      if (file) writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending, reasons }));
    });
  }
};
