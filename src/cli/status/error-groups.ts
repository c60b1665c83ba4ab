import type { ErrorGroupsReply } from "../../http/wire/error-groups.ts";
import { countText } from "../print.ts";
import type { Matter } from "./matter.ts";
import { shellWord } from "./shell-word.ts";

/** A longer message is cut in the one line that there is for all groups. */
const shownCharacters = 100;

/** Groups that nobody has resolved or ignored, in one line: what of their failures still waits is told as dead letters. */
export function errorGroupMatters({ groups, next_cursor: more }: ErrorGroupsReply): readonly Matter[] {
  const [last] = groups;
  if (last === undefined) return [];
  const { fingerprint, handler, type, message, count } = last;
  const error = `${type}: ${message}`;
  const shown = error.length > shownCharacters ? `${error.slice(0, shownCharacters)}…` : error;
  const open = `${more === null ? "" : "at least "}${countText(groups.length, "error group")} ${groups.length === 1 ? "is" : "are"} open`;
  const word = shellWord(fingerprint);
  return [
    {
      kind: "error_groups",
      wrong: false,
      handler: groups.length === 1 ? handler : null,
      count: groups.length,
      found: `${open}; seen last: ${shown} (${handler}, ${countText(count, "failure")})`,
      next: groups.length > 1 || word === null ? "reprise errors ls" : `reprise errors show ${word}`,
    },
  ];
}
