import type { DeadLetterStatsReply } from "../../http/wire/dead-letters-replies.ts";
import { countText } from "../print.ts";
import type { Matter } from "./matter.ts";
import { shellWord } from "./shell-word.ts";

/** Of one handler; more stand together in one line. */
const shownErrors = 3;
/** A longer one is no line that anybody copies. */
const longestError = 200;

/** A handler's dead letters by error, each with the shortest command that delivers exactly those again. @param stats of this handler alone. */
export function letterMatters(handler: string, stats: DeadLetterStatsReply, absent: boolean): readonly Matter[] {
  const { total, top_errors: errors } = stats;
  const base = { kind: "dead_letters", wrong: true, handler } as const;
  const filter = `--handler ${shellWord(handler) ?? "…"}`;
  const list = `reprise dlq ls ${filter}`;
  const told = (count: number, error: string): string => `${countText(count, "dead letter")} of ${handler}: ${error}`;
  // Nothing can be delivered to a handler that is not in the config.
  const run = (flags: string): string => (absent ? list : `reprise replay run ${filter}${flags}`);
  const [first] = errors;
  if (first !== undefined && first.count === total) return [{ ...base, count: total, found: told(total, first.error), next: run("") }];

  const shown = errors.slice(0, shownErrors);
  const rest = total - shown.reduce((sum, { count }) => sum + count, 0);
  const all = errors.reduce((sum, { count }) => sum + count, 0) === total;
  return [
    ...shown.map(({ error, count }) => {
      const word = wordFor(error, all ? errors.map((other) => other.error) : null);
      return { ...base, count, found: told(count, error), next: word === null ? list : run(` --error ${word}`) };
    }),
    ...(rest > 0 ? [{ ...base, count: rest, found: told(rest, "other errors"), next: `reprise dlq stats ${filter}` }] : []),
  ];
}

/** The error's type where no other error has it, else all of it. @param all null: there are more than are known. */
function wordFor(error: string, all: readonly string[] | null): string | null {
  const [type = ""] = error.split(": ", 1);
  const alike = all?.filter((other) => other === type || other.startsWith(`${type}: `)).length;
  if (alike === 1 && /^\w+$/.test(type)) return type;
  return error.length > longestError ? null : shellWord(error);
}
