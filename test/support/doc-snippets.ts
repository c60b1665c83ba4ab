/** The examples of a page, as the project that they are: each block of code whose first line is a comment with a file's name. */
import { readText } from "./repository-files.ts";

/** `docs/testing.md` → { "ledger.test.ts": "…" }. A block that goes on with a file of the page is appended to it. */
export function snippetsOf(page: string): Readonly<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const [, code = ""] of readText(page).matchAll(/^```ts\n(.*?)^```$/gms)) {
    const [, name] = /^\/\/ (\S+\.ts)\n/.exec(code) ?? [];
    if (name === undefined) throw new Error(`A block of ${page} does not begin with the name of its file: ${code.slice(0, 80)}`);
    files[name] = `${files[name] ?? ""}${code}`;
  }
  return files;
}
