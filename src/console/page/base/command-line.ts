/** The command line that does the same as an act of this page. */
import { place } from "./place.ts";

export type Words = readonly (string | undefined | false)[];

/** Words that are missing leave out the option before them: `["--handler", undefined]` says nothing. */
export function commandLine(words: Words): string {
  const { tenant } = place.value.query;
  const all: Words = ["npx", "reprise", ...words, ...(tenant === undefined ? [] : ["--tenant", tenant])];
  const kept = all.filter((word, index) => word !== undefined && word !== false && word !== "" && !(isOption(word) && isGap(all[index + 1])));
  return kept.map((word) => quoted(String(word))).join(" ");
}

/** An option without a value is told by `=`: `--dry-run=` */
function isOption(word: string): boolean {
  return word.startsWith("--") && !word.endsWith("=");
}

function isGap(word: string | undefined | false): boolean {
  return word === undefined || word === false || word === "";
}

function quoted(word: string): string {
  if (/^--[a-z-]+=$/.test(word)) return word.slice(0, -1);
  return /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
