import { describe, expect, it } from "vitest";
import { repositoryFolder, runNode } from "../support/run-tool.ts";

const bench = (...args: readonly string[]) => runNode(repositoryFolder, "--conditions=@reprise/source", "bench/main.ts", ...args);

describe("npm run bench", { timeout: 60_000 }, () => {
  it("gives one object a line, each figure with its floor", async () => {
    const { code, stdout } = await bench("append-batch", "upcast-1", "--quick", "--json");
    expect(code).toBe(0);
    const figures = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(figures.map(({ name }) => name)).toEqual(["append-batch", "upcast-1"]);
    for (const figure of figures) {
      expect(Object.keys(figure)).toEqual(["name", "value", "unit", "floor", "ratio", "target", "ok", "spread", "runs"]);
      expect(figure.ratio).toBeGreaterThan(0);
    }
  });

  it("refuses a name that it does not know", async () => {
    expect(await bench("no-such-thing")).toMatchObject({ code: 2, stdout: "" });
  });
});
