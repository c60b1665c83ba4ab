/** The headers that a webhook's definition may have. The config and the attempt both ask here, so that they never differ. */
import { validateHeaderName, validateHeaderValue } from "node:http";
import { RepriseError } from "../../errors.ts";

/** Reprise sets them itself, or they are about the connection, which is Reprise's own: a definition may not name them. */
const ownHeaders: ReadonlySet<string> = new Set([
  ...["host", "content-type", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "expect", "upgrade", "te", "trailer"],
  ...["traceparent", "webhook-id", "webhook-timestamp", "webhook-signature"],
]);

/** @returns what is wrong with a header of a definition, and what to do about it; null when it can be sent. The value is never told: it may be a key. */
export function headerProblem(name: string, value: string): string | null {
  if (ownHeaders.has(name.toLowerCase())) return "is set by Reprise itself: remove it";
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return null;
  } catch {
    return "must have a valid header name, and a value of visible ASCII characters";
  }
}

/** A definition's headers as they are sent, with names in small letters. @throws CONFIG_INVALID for one that cannot be sent. */
export function sendableHeaders(handler: string, headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const problem = headerProblem(name, value);
      if (problem !== null) throw new RepriseError("CONFIG_INVALID", `handler ${handler}: the header ${JSON.stringify(name)} ${problem}`);
      return [name.toLowerCase(), value];
    }),
  );
}
