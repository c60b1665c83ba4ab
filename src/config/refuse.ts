/** Makes the errors of a config: the field, its value and the fix. The value of a secret or header is never shown. */

import type { z } from "zod";
import { below } from "../catalog/places.ts";
import { RepriseError } from "../errors.ts";
import { isRecord } from "./fields.ts";

/** One error for all that is wrong with the shape; the message names the first three fields. */
export function refuse(error: z.ZodError, config: unknown): RepriseError {
  const problems = error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({ path: [...issue.path, key], text: "is an unknown field: correct its spelling, or remove it" }));
    const path = issue.path.at(-1) === "kind" ? issue.path.slice(0, -1) : issue.path; // nobody writes `kind`: the makers do
    const value = path.reduce<unknown>(
      (owner, key) => (isRecord(owner) || Array.isArray(owner) ? (owner as Record<PropertyKey, unknown>)[key] : undefined),
      config,
    );
    const shown = value === undefined ? "is missing: it " : isSecretPlace(path) ? "" : `is ${show(isUrlPlace(path) ? withoutKeys(value) : value)}: it `;
    return [{ path, text: `${shown}${issue.message}` }];
  });
  const more = problems.length - 3;
  const message = problems.slice(0, 3).map(({ path, text }) => `${fieldName(path)} ${text}`);
  return new RepriseError("CONFIG_INVALID", `${message.join("; ")}${more > 0 ? `; and ${more} more` : ""}.`, {
    errors: problems.map(({ path, text }) => ({ pointer: below("#", ...path), detail: text })),
  });
}

/** The lists of the config whose members are posted to. */
const withUrls: ReadonlySet<PropertyKey | undefined> = new Set(["handlers", "alerts"]);

/** `secret` and `headers` hold keys: their values are never shown. */
function isSecretPlace(path: readonly PropertyKey[]): boolean {
  return withUrls.has(path[0]) && (path[2] === "secret" || path[2] === "headers");
}

function isUrlPlace(path: readonly PropertyKey[]): boolean {
  return withUrls.has(path[0]) && path[2] === "url";
}

/** A URL without what may be a key: credentials, query and fragment. */
function withoutKeys(url: unknown): unknown {
  return typeof url === "string" ? url.replace(/[?#].*$/s, "").replace(/^([^/]*:)?(\/\/)?[^/]*@/, "$1$2") : url;
}

function fieldName(path: readonly PropertyKey[]): string {
  const name = path.reduce<string>((owner, key) => {
    if (typeof key === "number") return `${owner}[${key}]`;
    const text = String(key);
    if (!/^[A-Za-z_]\w*$/.test(text)) return `${owner}[${show(text)}]`;
    return owner === "" ? text : `${owner}.${text}`;
  }, "");
  return name === "" ? "The config" : name;
}

export function invalid(field: string, problem: string): RepriseError {
  return new RepriseError("CONFIG_INVALID", `${field} ${problem}.`);
}

export function list(types: readonly string[]): string {
  return types.length <= 20 ? types.join(", ") || "none" : `${types.slice(0, 20).join(", ")} and ${types.length - 20} more`;
}

export function show(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "function") return "a function";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length <= 80 ? value : `${value.slice(0, 79)}…`);
}
