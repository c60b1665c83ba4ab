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
  /** A paragraph. */
  say(...lines: readonly string[]): void;
  table(columns: readonly Column[], rows: readonly (readonly (string | number)[])[]): void;
  verdicts(verdicts: readonly Verdict[]): void;
  /** The last line: good or bad. */
  close(good: boolean, text: string): void;
}

const width = 92;
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
    say(...lines) {
      gap();
      for (const each of lines) line(`  ${each}`);
    },
    table(columns, rows) {
      const widths = columns.map(({ head }, index) => Math.max(head.length, ...rows.map((row) => String(row[index] ?? "").length)));
      const pad = (text: string, index: number) => (columns[index]?.figures ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0));
      gap();
      line(
        `    ${paint(
          "dim",
          columns
            .map(({ head }, index) => pad(head, index))
            .join("   ")
            .trimEnd(),
        )}`,
      );
      for (const row of rows) {
        const cells = columns.map(({ style }, index) => {
          const text = String(row[index] ?? "");
          return paint(style?.(text), pad(text, index));
        });
        line(`    ${cells.join("   ").trimEnd()}`);
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

/** A cell that is a zero fades; any other takes the style. For columns in which zero is the good figure. */
export const unlessZero =
  (style: Style) =>
  (cell: string): Style | undefined =>
    cell === "0" ? "dim" : style;
