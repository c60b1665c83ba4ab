import { afterEach, describe, expect, it } from "vitest";
import { type Column, durationText, table, tableSection, verbatim } from "../../src/cli/print.ts";
import { processTerminal } from "../../src/cli/terminal.ts";

interface Row {
  readonly id: string;
  readonly count: number;
  readonly time: string;
  readonly error: string | null;
}

const rows: readonly Row[] = [
  { id: "a", count: 7, time: "12:00", error: "Error: the mail server does not answer, and nobody knows why" },
  { id: "bb", count: 1200, time: "12:01", error: null },
];
const columnsOfTable: readonly Column<Row>[] = [
  ["ID", ({ id }) => id],
  ["COUNT", ({ count }) => count],
  ["TIME", ({ time }) => time, () => []],
  ["ERROR", ({ error }) => error, ({ error }) => [error]],
];

it.each([
  [0, "0 s"],
  [119, "119 s"],
  [120, "2 min"],
  [7199, "120 min"],
  [7200, "2 h"],
  [86_400, "24 h"],
  [200_000, "2 d"],
])("%i seconds are %s", (seconds, shown) => {
  expect(durationText(seconds)).toBe(shown);
});

describe("a table", () => {
  it("has every row on one line in a file, and where the terminal is wide enough; figures stand to the right", () => {
    const whole = ["ID  COUNT  TIME   ERROR", "a       7  12:00  Error: the mail server does not answer, and nobody knows why", "bb   1200  12:01  -", ""].join(
      "\n",
    );
    expect(table(rows, columnsOfTable)).toBe(whole);
    expect(table(rows, columnsOfTable, 78)).toBe(whole);
  });

  it("on a narrow terminal: puts long texts below their row, and leaves out columns that are not needed", () => {
    expect(table(rows, columnsOfTable, 40)).toBe(
      ["ID  COUNT", "a       7", "    Error: the mail server does not", "    answer, and nobody knows why", "bb   1200", ""].join("\n"),
    );
  });

  it.each([1, 5, 10, 33])("has no line longer than a terminal of %i", (width) => {
    const unbroken = [{ ...rows[0]!, id: "x".repeat(50), error: "y".repeat(500) }];
    const lines = tableSection("heading", unbroken, columnsOfTable, width + 2).split("\n");
    expect(lines.filter((line) => line.length > Math.max(width, 5) + 2)).toEqual([]);
    expect(lines.length).toBeLessThan(10);
  });

  it.each([0, 1, 2, 3])("below a heading has no line longer than a terminal of %i that says so, or than what the smallest table takes", (width) => {
    const lines = tableSection("h", rows, columnsOfTable, width).split("\n");
    expect(lines.filter((line) => line.length > 7)).toEqual([]);
  });

  it("lets no text move the terminal's cursor, in any cell", () => {
    const evil: Row = { id: "a\u001b[2J", count: 1, time: "\r", error: `b\nc\u202ed ${"e ".repeat(40)}` };
    for (const width of [undefined, 40]) expect(table([evil], columnsOfTable, width)).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    expect(table([evil], columnsOfTable)).toContain("a\\u001b[2J");
    expect(verbatim("at a\u001b[2J\n  at b\r\n")).toBe("at a\\u001b[2J\n  at b\n\n");
  });
});

describe("a terminal", () => {
  const { isTTY, columns: were } = process.stdout;
  afterEach(() => {
    process.stdout.isTTY = isTTY;
    process.stdout.columns = were;
  });

  // Some terminals (a serial line, a pseudo-terminal that nobody sized) say 0.
  it.each([
    [true, 0, undefined],
    [true, Number.NaN, undefined],
    [true, undefined, undefined],
    [true, 40, 40],
    [false, 40, undefined],
  ])("with isTTY %s and %s columns: rows are cut at %s", (terminal, columns, expected) => {
    process.stdout.isTTY = terminal;
    process.stdout.columns = columns as number;
    const width = processTerminal().columns;
    process.stdout.off("error", process.stdout.listeners("error").at(-1) as () => void);
    expect(width).toBe(expected);
    expect(table(rows, columnsOfTable, width).includes("nobody knows why")).toBe(true);
    expect(table(rows, columnsOfTable, width).split("\n")[1]).toBe(expected === undefined ? table(rows, columnsOfTable).split("\n")[1] : "a       7");
  });
});
