/** The header `Idempotency-Key`, and what a request with it asks for: by the two a repeat is known. */
import { createHash, type Hash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { RepriseError } from "../errors.ts";
import { canonicalId } from "../event/ids.ts";
import { makeTurns } from "../event/turns.ts";
import { bodyOf } from "./parse.ts";

const header = "idempotency-key";
export const maxKeyCharacters = 255;
export const keyPattern = /^[\x20-\x7e]{1,255}$/;

/** The key as it was sent; null where there is none. @throws REQUEST_INVALID */
export function idempotencyKeyOf({ raw: { headers, rawHeaders } }: FastifyRequest): string | null {
  if (headers[header] === undefined) return null;
  const keys = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === header);
  if (keys.length === 0) return null;
  if (keys.length > 1) throw refused("is given more than once");
  const key = keys[0]!.trim();
  if (!keyPattern.test(key)) throw refused(`must be 1 to ${maxKeyCharacters} visible ASCII characters and blanks`);
  return key;
}

function refused(detail: string): RepriseError {
  return new RepriseError("REQUEST_INVALID", "The Idempotency-Key cannot be taken.", { errors: [{ pointer: "Idempotency-Key", detail }] });
}

/** Whose key it is and for what: tenant, API key, method, and path with its ids as they are stored. */
export function requestIdOf(request: FastifyRequest, key: string): string {
  const { caller, method, routeOptions } = request;
  const params = Object.entries(request.params as Readonly<Record<string, string>>).map(([name, value]) => [name, canonicalId(value)]);
  return sha256()
    .update(JSON.stringify([caller.tenant, caller.key?.id ?? null, method, routeOptions.url, params, key]))
    .digest("hex");
}

/** Of the query, the body and what names a CloudEvent: equal ones are one request, whatever the order of their members and the blanks between them. */
export async function asksOf(request: FastifyRequest): Promise<string> {
  const { headers, query } = request;
  const ofEvent = Object.entries(headers).filter(([name]) => name.startsWith("ce-"));
  const hash = sha256();
  await write(hash, [query, cloudEventTypeOf(headers["content-type"]), Object.fromEntries(ofEvent), bodyOf(request)]);
  return hash.digest("hex");
}

/** The same JSON is another event under another of these. */
const cloudEventTypeOf = (contentType = ""): string | null => /^\s*application\/cloudevents[^;\s]*/i.exec(contentType)?.[0].trim().toLowerCase() ?? null;
const sha256 = (): Hash => createHash("sha256");

/** Values looked at before others may have their turn, and characters that are hashed together. */
const lookValues = 2000;
const pieceCharacters = 64 * 1024;

/** Hashes JSON with the members of each object sorted by name, giving way between its values: a body may have a hundred thousand. */
async function write(hash: Hash, value: unknown): Promise<void> {
  const turns = makeTurns();
  /** What is still to be written, the next one last: a text, or a value. */
  const rest: ({ readonly text: string } | { readonly value: unknown })[] = [{ value }];
  let text = "";
  for (let looked = 1; rest.length > 0; looked++) {
    if (looked % lookValues === 0 && turns.due()) await turns.next();
    const next = rest.pop()!;
    text += "text" in next ? next.text : open(next.value, rest);
    if (text.length < pieceCharacters) continue;
    hash.update(text);
    text = "";
  }
  hash.update(text);
}

/** @returns how the value begins; what follows goes to `rest`. */
function open(value: unknown, rest: ({ readonly text: string } | { readonly value: unknown })[]): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const isList = Array.isArray(value);
  rest.push({ text: isList ? "]" : "}" });
  const members = isList ? value.map((item: unknown) => ["", item] as const) : Object.entries(value).sort(([a], [b]) => (a < b ? 1 : -1));
  const inOrder = isList ? members.reverse() : members;
  for (const [name, member] of inOrder) rest.push({ text: "," }, { value: member }, { text: isList ? "" : `${JSON.stringify(name)}:` });
  return isList ? "[" : "{";
}
