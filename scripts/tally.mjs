// Counts what ran over several runners, so that the last line of a run tells the whole of it.

export class Tally {
  passed = 0;
  failed = 0;
  skipped = 0;

  /** One step that either holds or does not. */
  async step(title, work) {
    const started = Date.now();
    process.stdout.write(`\n— ${title}\n`);
    try {
      const result = await work();
      const counts = typeof result === 'object' ? result : { passed: 1, failed: 0, skipped: 0 };
      this.add(counts);
      const bad = counts.failed > 0;
      process.stdout.write(`${bad ? 'FAILED' : 'ok'}: ${title} (${seconds(started)} s)\n`);
    } catch (error) {
      this.failed += 1;
      process.stdout.write(`FAILED: ${title} (${seconds(started)} s)\n${error.message}\n`);
    }
  }

  /** What everything after it needs: where it fails, the run ends here, with its closing line. */
  async need(title, work) {
    try {
      await work();
    } catch (error) {
      process.stdout.write(`FAILED: ${title}\n${error.message}\n`);
      this.failed += 1;
      this.end();
    }
  }

  /** @param {{passed: number, failed: number, skipped: number}} counts */
  add(counts) {
    this.passed += counts.passed;
    this.failed += counts.failed;
    this.skipped += counts.skipped;
  }

  /** Prints the closing line and ends the process accordingly. */
  end() {
    process.stdout.write(`\n${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped\n`);
    process.exit(this.failed > 0 || this.passed === 0 ? 1 : 0);
  }
}

function seconds(started) {
  return Math.round((Date.now() - started) / 1000);
}
