/** The headers that a webhook's definition may have. The config and the attempt both ask here, so that they never differ. */
import { createRequire } from "node:module";
import { RepriseError } from "../../errors.ts";

// Not imported: an import reads every member of it, and that loads Node's whole WebSocket client, which takes 30 ms of each start.
const { validateHeaderName, validateHeaderValue } = createRequire(import.meta.url)("node:http") as typeof import("node:http");

/** Reprise sets them itself, or they are about the connection or how the body is sent, which are Reprise's own: a definition may not name them. */
const ownHeaders: ReadonlySet<string> = new Set([
  ...[
    "host",
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "expect",
    "upgrade",
    "te",
    "trailer",
  ],
  ...["traceparent", "webhook-id", "webhook-timestamp", "webhook-signature"],
]);

export interface HeaderProblem {
  readonly name: string;
  /** What is wrong, and what to do about it. The value is never told, because it may be a key. */
  readonly problem: string;
}

/** @returns what is wrong with the headers of a definition; nothing when all of them can be sent. */
export function headerProblems(headers: Readonly<Record<string, string>>): readonly HeaderProblem[] {
  const known = new Set<string>();
  return Object.entries(headers).flatMap(([name, value]) => {
    const lower = name.toLowerCase();
    const problem = known.has(lower) ? "is there twice, in other letters: keep one of them" : headerProblem(name, value);
    known.add(lower);
    return problem === null ? [] : [{ name, problem }];
  });
}

function headerProblem(name: string, value: string): string | null {
  if (ownHeaders.has(name.toLowerCase())) return "is set by Reprise itself: remove it";
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return null;
  } catch {
    return "must have a valid header name, and a value of visible ASCII characters";
  }
}

/**
 * The headers that go with each post of a definition: name, value, name, value, with names in small letters.
 *
 * @param owner `handler shipping`. @throws CONFIG_INVALID for one that cannot be sent.
 */
export function sendableHeaders(owner: string, headers: Readonly<Record<string, string>>): readonly string[] {
  const [first] = headerProblems(headers);
  if (first !== undefined) throw new RepriseError("CONFIG_INVALID", `${owner}: the header ${JSON.stringify(first.name)} ${first.problem}`);
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.entries({ "user-agent": "reprise", ...Object.fromEntries(own) }).flat();
}
