/** Uses of the library that must or must not compile, as a user's project has them, and what a compiler says of them. */
import { stripVTControlCharacters } from "node:util";
import { readText } from "./repository-files.ts";

const marker = /^\s*\/\/ @ts-expect-error (\S+): (.+)$/;

/** A file of test/types for a project that has the package installed: it imports `reprise`, and its errors are not expected but told. */
export function forProject(path: string): string {
  return readText(path).replaceAll("../../src/index.ts", "reprise").replaceAll("@ts-expect-error", "wrong:");
}

/** The TypeScript of a page, its blocks one after another. */
export function programOf(page: string): string {
  return Array.from(readText(page).matchAll(/^```ts\n([^`]+(?:`[^`]+`[^`]+)*)^```$/gm), ([, code]) => code).join("\n");
}

export interface WrongUse {
  readonly line: number;
  /** Stands in what the compiler says. */
  readonly field: string;
  readonly what: string;
}

export function wrongUsesOf(path: string): readonly WrongUse[] {
  return readText(path)
    .split("\n")
    .flatMap((text, index) => {
      const [, field, what] = marker.exec(text) ?? [];
      return field === undefined || what === undefined ? [] : [{ line: index + 2, field, what }];
    });
}

/** What `tsc --pretty` says of each line, with the word that it points at, without the source that it quotes: `wrong.ts:12` → text. */
export function errorsByLine(output: string, sources: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const errors = new Map<string, string>();
  let place: string | undefined;
  const add = (text: string): void => void (place !== undefined && errors.set(place, `${errors.get(place) ?? ""}${text}\n`));
  for (const text of stripVTControlCharacters(output).split("\n")) {
    const [, file, line, column] = /^(\S+):(\d+):(\d+) - error /.exec(text) ?? [];
    if (file !== undefined) {
      place = `${file}:${line}`;
      const [word] = /^[\w."]+/.exec(sources[file]?.split("\n")[Number(line) - 1]?.slice(Number(column) - 1) ?? "") ?? [];
      add(`at ${word}`);
    } else if (/^Found \d+ error/.test(text)) place = undefined;
    if (!/^ *(\d+ |~|$)/.test(text)) add(text);
  }
  return errors;
}
