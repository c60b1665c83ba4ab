import type { Reporter, TestModule } from "vitest/node";

/** More than a file that is run by itself: the whole of a folder. */
const manyFiles = 20;

/** Ends a run with one plain line, "5 passed, 0 failed, 1 skipped". Files that do not load and unhandled errors count as failed. Of many files the slowest are told. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandled.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      if (module.state() === "failed" && module.errors().length > 0) count.failed++;
      for (const test of module.children.allTests()) count[test.result().state]++;
    }
    const skipped = count.skipped + count.pending;
    const lines = [
      ...(modules.length < manyFiles ? [] : slowest(modules)),
      `${count.passed} passed, ${count.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
    ];
    // On exit: after the default reporter's summary.
    process.once("exit", () => process.stdout.write(`${lines.join("\n")}\n`));
  }
}

/** Where the time goes, so that a file that grows is seen: its tests and hooks, and its imports. */
function slowest(modules: readonly TestModule[]): readonly string[] {
  const files = modules.map((module) => {
    const { duration, collectDuration, setupDuration } = module.diagnostic();
    return { path: module.relativeModuleId, seconds: (duration + collectDuration + setupDuration) / 1000 };
  });
  const all = files.reduce((sum, { seconds }) => sum + seconds, 0);
  const first = files.toSorted((a, b) => b.seconds - a.seconds).slice(0, 10);
  return [
    `${modules.length} files took ${all.toFixed(0)} s together, the slowest:`,
    ...first.map(({ path, seconds }) => `${seconds.toFixed(1).padStart(6)} s  ${path}`),
  ];
}
