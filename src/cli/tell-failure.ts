/** How a command that ends without success says so on standard error: for people, or with `-o json` as one line of JSON. */
import type { CommanderError } from "commander";
import { errorTitle } from "./colour.ts";
import { type Failure, usage } from "./exit.ts";

/** Read from the words themselves: a command line that cannot be parsed has its error told in this form, too. */
export function wantsJson(args: readonly string[]): boolean {
  let format: string | undefined;
  for (const [index, word] of args.entries()) {
    if (word === "--") break;
    const joined = /^(?:-q?o=?|--output=)(.+)$/.exec(word)?.[1];
    if (joined !== undefined) format = joined;
    else if (/^-q?o$/.test(word) || word === "--output") format = args[index + 1];
  }
  return format === "json" || format === "ndjson";
}

/** As JSON the problem's members as the service sent them; of another failure `{ code, message }`. */
export function failureText(failure: Failure, json: boolean): string {
  if (json) return JSON.stringify(failure.members) + "\n";
  const [title = "", ...rest] = failure.message.split("\n");
  const told = "title" in failure.members ? errorTitle(title) : title;
  return [told, ...rest].join("\n") + "\n";
}

/** Commander has told people already. */
export function misuseText({ code, message }: CommanderError): string {
  const said = code === "commander.help" ? "Name a command: --help lists them." : message.replace(/^error: /, "");
  return failureText(usage(said), true);
}
