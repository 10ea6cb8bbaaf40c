/** @file The last line of a test run: what passed and failed, after what was skipped. */

import type { Reporter, TestModule } from "vitest/node";

export default class Totals implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const totals = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      // A file that cannot be loaded has no tests of its own to fail.
      if (module.errors().length > 0) totals.failed++;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state !== "pending") totals[state]++;
      }
    }
    process.stdout.write(`\n${totals.skipped} skipped\n${totals.passed} passed, ${totals.failed} failed\n`);
  }
}
