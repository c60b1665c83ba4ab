import type { Terminal } from "./terminal.ts";

export const formats = ["table", "json", "ndjson"] as const;

export interface PrintOptions {
  readonly output: (typeof formats)[number];
  /** Ids only. */
  readonly quiet: boolean;
}

/** A column of a table: its heading, and what a row shows there; null and undefined show as `-`. */
export type Column<T> = readonly [heading: string, cell: (row: T) => string | number | null | undefined];

/** Prints a list: a table with headings, the whole reply as JSON, a row a line, or the ids. */
export function printList<T>(
  terminal: Terminal,
  { output, quiet }: PrintOptions,
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
  else terminal.out(table(list.rows, list.columns, terminal.columns));
}

/** Prints one thing: `name  value` lines with tables below, or JSON. */
export function printOne(terminal: Terminal, { output, quiet }: PrintOptions, reply: unknown, id: string, text: () => string): void {
  if (quiet) terminal.out(clean(id) + "\n");
  else if (output === "json") terminal.out(JSON.stringify(reply, null, 2) + "\n");
  else if (output === "ndjson") terminal.out(JSON.stringify(reply) + "\n");
  else terminal.out(text());
}

/** @param width of the terminal: the last column is cut to it. A file or pipe gets everything. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], width?: number): string {
  const lines = [columns.map(([heading]) => heading), ...rows.map((row) => columns.map(([, cell]) => clean(String(cell(row) ?? "-"))))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]!.length)));
  return lines.map((line) => cut(line.map((cell, index) => cell.padEnd(widths[index]!)).join("  "), width) + "\n").join("");
}

/** `name  value` lines, without those whose value is null. */
export function fields(pairs: readonly (readonly [string, string | number | null | undefined])[]): string {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${clean(String(value))}\n`).join("");
}

/** Below a heading, indented: JSON of a payload. */
export function section(heading: string, body: string): string {
  return `\n${heading}\n${body.replace(/^(?=.)/gm, "  ")}`;
}

export function json(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}

export function failureText(error: { readonly type: string; readonly message: string } | null): string | null {
  return error && `${error.type}: ${error.message}`;
}

/** To the second, in UTC: `2026-01-31 12:00:00Z`. */
export function timeText(iso: string | null): string | null {
  return iso === null ? null : iso.replace("T", " ").replace(/\.\d+Z$/, "Z");
}

/** Texts come from senders and handlers: what would move the cursor or break the line is shown as a blank. */
function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").trim();
}

function cut(line: string, width: number | undefined): string {
  const text = line.trimEnd();
  return width !== undefined && text.length > width ? text.slice(0, width - 1) + "…" : text;
}
