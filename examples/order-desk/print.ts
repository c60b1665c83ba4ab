import { styleText } from "node:util";
import type { Verdict } from "./promises.ts";

type Style = Parameters<typeof styleText>[0];
/** A column of a table. Figures stand to the right, so that their digits line up. */
interface Column {
  readonly head: string;
  readonly figures?: boolean;
  /** How a cell looks; undefined for plain. */
  readonly style?: (cell: string) => Style | undefined;
}

export interface Printer {
  title(text: string, lines: readonly string[]): void;
  /** A numbered heading. */
  act(text: string): void;
  /** A paragraph, broken into lines at blanks. */
  say(text: string): void;
  /** Lines that stand as they are. */
  list(lines: readonly string[]): void;
  /** A last cell that is too long goes on below itself. */
  table(columns: readonly Column[], rows: readonly (readonly (string | number)[])[]): void;
  verdicts(verdicts: readonly Verdict[]): void;
  /** The last line: good or bad. */
  close(good: boolean, text: string): void;
}

/** Of a line without its indent: all of it fits a terminal of 80 columns. */
const width = 78;
const indent = "  ";
const between = "   ";
/** A last cell is not broken narrower than this. */
const minRoom = 12;
const shownViolations = 5;

/** Writes the demo's text. Without colour the text is the same: no meaning is in colour alone. */
export function makePrinter(write: (text: string) => void, { colour }: { readonly colour: boolean }): Printer {
  const paint = (style: Style | undefined, text: string) => (colour && style !== undefined ? styleText(style, text, { validateStream: false }) : text);
  let blank = false;
  const line = (text: string) => {
    blank = text === "";
    write(`${text}\n`);
  };
  /** One empty line between parts, whoever comes first. */
  const gap = () => {
    if (!blank) line("");
  };
  let acts = 0;
  return {
    title(text, lines) {
      gap();
      line(`  ${paint("bold", text)}`);
      for (const each of lines) line(`  ${paint("dim", each)}`);
    },
    act(text) {
      const head = `${++acts}  ${text} `;
      gap();
      line(`  ${paint(["bold", "cyan"], head)}${paint("dim", "─".repeat(Math.max(3, width - head.length)))}`);
    },
    say(text) {
      gap();
      for (const each of wrap(text, width)) line(`  ${each}`);
    },
    list(lines) {
      gap();
      for (const each of lines) line(`  ${each}`);
    },
    table(columns, rows) {
      const widths = columns.map(({ head }, index) => Math.max(head.length, ...rows.map((row) => String(row[index] ?? "").length)));
      const pad = (text: string, index: number) => (columns[index]?.figures ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0));
      gap();
      line(
        `  ${indent}${paint(
          "dim",
          columns
            .map(({ head }, index) => pad(head, index))
            .join(between)
            .trimEnd(),
        )}`,
      );
      const last = columns.length - 1;
      const room = Math.max(minRoom, width - indent.length - widths.slice(0, last).reduce((sum, each) => sum + each + between.length, 0));
      for (const row of rows)
        for (const [index, tail] of wrap(String(row[last] ?? ""), room).entries()) {
          const shown = columns.map((_, column) => (column === last ? tail : index === 0 ? String(row[column] ?? "") : ""));
          const cells = shown.map((text, column) => paint(columns[column]?.style?.(text), pad(text, column)));
          line(`  ${indent}${cells.join(between).trimEnd()}`);
        }
    },
    verdicts(verdicts) {
      gap();
      const longest = Math.max(...verdicts.map(({ promise }) => promise.length));
      for (const { promise, figure, violations } of verdicts) {
        const held = violations.length === 0;
        line(`    ${held ? paint("green", "✓") : paint("red", "✗")} ${promise.padEnd(longest)}   ${paint("dim", figure)}`);
        for (const violation of violations.slice(0, shownViolations)) line(`        ${paint("red", violation)}`);
        if (violations.length > shownViolations) line(`        ${paint("red", `and ${violations.length - shownViolations} more`)}`);
      }
    },
    close(good, text) {
      gap();
      line(`  ${paint(["bold", good ? "green" : "red"], text)}`);
      line("");
    },
  };
}

/** Lines of at most `room`, broken at blanks; a longer word stands by itself. */
function wrap(text: string, room: number): readonly string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = lines.at(-1) === "" ? word : `${lines.at(-1)} ${word}`;
    if (longer.length <= room || lines.at(-1) === "") lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** A cell that is a zero fades; any other takes the style. For columns in which zero is the good figure. */
export const unlessZero =
  (style: Style) =>
  (cell: string): Style | undefined =>
    cell === "0" ? "dim" : style;
