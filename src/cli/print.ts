import { everyTenant } from "../event/names.ts";
import { visible } from "../event/visible.ts";
import { statusNames, statusWord } from "./colour.ts";
import type { Terminal } from "./terminal.ts";

const indent = "    ";
/** Of one text below a row. */
const maxWrappedLines = 4;

export const formats = ["table", "json", "ndjson"] as const;

export interface PrintOptions {
  readonly output: (typeof formats)[number];
  /** Ids only. */
  readonly quiet: boolean;
}

/**
 * A column of a table: its heading, and what a row shows there; null and undefined show as `-`. Numbers stand to the right.
 *
 * A third member says what becomes of the column where the terminal is too narrow for the whole table: these lines below the row
 * instead (none: it is left out there). So an id, an error and a reason can always be read to their end.
 */
export type Column<T> = readonly [
  heading: string,
  cell: (row: T) => string | number | null | undefined,
  below?: (row: T) => readonly (string | null | undefined)[],
];

/** Prints a list: a table with headings, the whole reply as JSON, a row a line, or the ids. */
export function printList<T>(
  terminal: Terminal,
  { output, quiet, tenant }: PrintOptions & { readonly tenant?: string | undefined },
  list: {
    readonly reply: unknown;
    readonly rows: readonly T[];
    readonly columns: readonly Column<T>[];
    readonly id: (row: T) => string;
    readonly empty: string;
  },
): void {
  if (quiet) for (const row of list.rows) terminal.out(clean(list.id(row)) + "\n");
  else if (output === "json") terminal.out(JSON.stringify(list.reply, null, 2) + "\n");
  else if (output === "ndjson") for (const row of list.rows) terminal.out(JSON.stringify(row) + "\n");
  else if (list.rows.length === 0) terminal.err(list.empty + "\n");
  else terminal.out(table(list.rows, tenant === everyTenant ? [tenantColumn, ...list.columns] : list.columns, terminal.columns));
}

/** Where rows of all tenants stand together. Handlers are everybody's. */
const tenantColumn: Column<unknown> = ["TENANT", (row) => (row as { readonly tenant?: string }).tenant ?? everyTenant];

/** Prints one thing: `name  value` lines with tables below, or JSON. */
export function printOne(terminal: Terminal, { output, quiet }: PrintOptions, reply: unknown, id: string, text: (width: number | undefined) => string): void {
  if (quiet) terminal.out(clean(id) + "\n");
  else if (output === "json") terminal.out(JSON.stringify(reply, null, 2) + "\n");
  else if (output === "ndjson") terminal.out(JSON.stringify(reply) + "\n");
  else terminal.out(text(terminal.columns));
}

/** @param width of the terminal: no line is longer. A file or pipe gets every row on one line, however long. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], width?: number): string {
  const whole = layOut(rows, columns);
  if (width === undefined || whole.every(({ line }) => line.length <= width)) return text(whole.map(coloured));
  const [heading, ...lines] = layOut(
    rows,
    columns.filter(([, , below]) => below === undefined),
  ).map(({ line, words }) => coloured({ line: cut(line, width), words }));
  const below = (row: T) => columns.flatMap(([, , lines]) => lines?.(row) ?? []).filter((line) => line !== null && line !== undefined);
  return text([heading!, ...rows.flatMap((row, index) => [lines[index]!, ...below(row).flatMap((line) => wrap(clean(line), width))])]);
}

/** A line, and where its status words stand. */
interface LaidOut {
  readonly line: string;
  readonly words: readonly { readonly at: number; readonly word: string }[];
}

/** Colours come last: they have no width. */
function coloured({ line, words }: LaidOut): string {
  return words.reduceRight(
    (done, { at, word }) => (line.startsWith(word, at) ? done.slice(0, at) + statusWord(word) + done.slice(at + word.length) : done),
    line,
  );
}

function layOut<T>(rows: readonly T[], columns: readonly Column<T>[]): readonly LaidOut[] {
  const cells = rows.map((row) => columns.map(([, cell]) => cell(row) ?? "-"));
  const lines = [columns.map(([heading]) => heading), ...cells.map((line) => line.map((cell) => clean(String(cell))))];
  const widths = columns.map((_, index) => widest(lines.map((line) => line[index]!)));
  const figures = columns.map((_, index) => cells.every((line) => typeof line[index] === "number"));
  const starts = widths.map((_, index) => widths.slice(0, index).reduce((sum, width) => sum + width + 2, 0));
  return lines.map((line, row) => ({
    line: line
      .map((cell, index) => (figures[index] ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!)))
      .join("  ")
      .trimEnd(),
    words: row === 0 ? [] : line.flatMap((word, index) => (statusNames.has(columns[index]![0]) ? [{ at: starts[index]!, word }] : [])),
  }));
}

const widest = (texts: readonly string[]): number => texts.reduce((width, text) => Math.max(width, text.length), 0);

const text = (lines: readonly string[]): string => lines.map((line) => line + "\n").join("");

/** Broken at blanks where there are some, indented, and ended after a few lines. */
function wrap(line: string, width: number): readonly string[] {
  const room = Math.max(1, width - indent.length);
  const lines: string[] = [];
  for (let rest = line; rest !== ""; ) {
    if (lines.length === maxWrappedLines - 1) return [...lines, indent + cut(rest, room)];
    const blank = rest.length <= room ? rest.length : rest.lastIndexOf(" ", room);
    const end = blank > 0 ? blank : room;
    lines.push(indent + rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return lines;
}

/** `name  value` lines, without those whose value is null. */
export function fields(pairs: readonly (readonly [string, string | number | null | undefined])[]): string {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined);
  const width = widest(shown.map(([name]) => name));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${statusNames.has(name) ? statusWord(clean(String(value))) : clean(String(value))}\n`).join("");
}

const sectionIndent = "  ";

/** Below a heading, indented: JSON of a payload, a stack. */
export function section(heading: string, body: string): string {
  return `\n${heading}\n${body.replace(/^(?=.)/gm, sectionIndent)}`;
}

/** A table below a heading; nothing when it has no rows. */
export function tableSection<T>(heading: string, rows: readonly T[], columns: readonly Column<T>[], width: number | undefined): string {
  return rows.length === 0 ? "" : section(heading, table(rows, columns, width === undefined ? undefined : Math.max(1, width - sectionIndent.length)));
}

/** A sender's or handler's text as it stands, a line a line. */
export function verbatim(text: string): string {
  return text
    .split("\n")
    .map((line) => clean(line, { keepIndent: true }) + "\n")
    .join("");
}

export function json(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}

export function failureText(error: { readonly type: string; readonly message: string } | null): string | null {
  return error && `${error.type}: ${error.message}`;
}

/** `1 event`, `2 events`. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** In the unit that leaves a figure or two: `90 s`, `45 min`, `30 h`, `4 d`. */
export function durationText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 120 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** To the second, in UTC: `2026-01-31 12:00:00Z`. */
export function timeText(iso: string | null): string | null {
  return iso === null ? null : iso.replace("T", " ").replace(/\.\d+Z$/, "Z");
}

/** Texts come from senders and handlers: what would break the line is shown as a blank, what would move the cursor as JSON writes it. */
function clean(text: string, { keepIndent = false } = {}): string {
  const safe = visible(text.replace(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, " "));
  return keepIndent ? safe.trimEnd() : safe.trim();
}

function cut(line: string, width: number): string {
  return line.length > width ? line.slice(0, width - 1) + "…" : line;
}

/** Whether there is data to show: of an event that cannot be lifted, was split or dropped there is none. */
export function hasData({
  data,
  data_error,
  parts,
  dropped,
}: {
  readonly data: unknown;
  readonly data_error: string | null;
  readonly parts: unknown;
  readonly dropped: string | null;
}): boolean {
  return data !== null || (data_error === null && parts === null && dropped === null);
}
