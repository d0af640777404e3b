/** Prints `N passed, N failed` as the run's last line, for scripts that read the outcome. */
import type { Reporter, TestModule } from 'vitest/node';

export class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandledErrors.length;
    let skipped = 0;
    for (const module of modules) {
      let ranHere = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        ranHere++;
        if (state === 'passed') passed++;
        else if (state === 'failed') failed++;
        else skipped++;
      }
      // A file that could not be loaded has no tests of its own but is a failure.
      if (ranHere === 0 && module.state() === 'failed') failed++;
    }
    if (skipped > 0) process.stdout.write(`${skipped} skipped\n`);
    process.stdout.write(`${passed} passed, ${failed} failed\n`);
  }
}

// Vitest loads a reporter by its default export.
// biome-ignore lint/style/noDefaultExport: required by the reporter contract.
export default ClosingLineReporter;
