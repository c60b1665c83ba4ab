import type { AppendOptions } from "./event-input.ts";

const judged = Symbol("judged");

/** Most bytes of a body whose events may be called judged: however its numbers are written again, one append takes them. */
export const maxJudgedBytes = 64 * 1024;

/**
 * Says of an append that the edge, which read the events from JSON of at most `maxJudgedBytes`, has checked them by the shapes of members.ts, so that they are
 * not checked again. By a symbol, so that nobody else can say it.
 */
export function asJudged<O extends AppendOptions>(options: O): O {
  (options as { [judged]?: true })[judged] = true;
  return options;
}

export function isJudged(options: AppendOptions): boolean {
  return judged in options;
}
