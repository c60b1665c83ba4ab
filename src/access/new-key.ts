import { z } from "zod";
import { check } from "../catalog/places.ts";
import { RepriseError } from "../errors.ts";
import type { NewKey } from "./edit-key-file.ts";
import { keyLimit, keyName, keySources, keyTenant, lastExpiryMs } from "./key-file.ts";
import type { Role } from "./roles.ts";

/** A bucket holds the requests of so many seconds. */
const burstSeconds = 2;

/** The members of a new key, as texts of the command line. */
export interface AskedKey {
  readonly name: string;
  readonly tenant: string;
  readonly role: Role;
  readonly expires?: string;
  readonly limit?: string;
  readonly source?: readonly string[];
}

/** @param durationMs reads `90d`. @throws CONFIG_INVALID naming the member, its value and the fix. */
export function checkNewKey({ name, tenant, role, expires, limit, source }: AskedKey, nowMs: number, durationMs: (text: string) => number | null): NewKey {
  return {
    name: checked(keyName, name, "name"),
    tenant: checked(keyTenant, tenant, "tenant"),
    role,
    expiresAtMs: expires === undefined ? null : expiryMs(expires, nowMs, durationMs),
    limit: limit === undefined ? null : limitOf(limit),
    sources: source === undefined ? null : checked(keySources, source, "source"),
  };
}

function expiryMs(text: string, nowMs: number, durationMs: (text: string) => number | null): number {
  const afterMs = durationMs(text);
  if (afterMs === null && !z.iso.datetime({ offset: true }).safeParse(text).success)
    throw wrong("expires", text, "write how long it holds, as in 90d or 12h, or an RFC 3339 time");
  const atMs = afterMs === null ? Date.parse(text) : nowMs + afterMs;
  if (!(atMs > nowMs) || atMs > lastExpiryMs) throw wrong("expires", text, "it must be a time to come, before the year 10000");
  return atMs;
}

function limitOf(text: string): NewKey["limit"] {
  const perSecond = Number(/^(\d+(?:\.\d+)?)\/s$/.exec(text)?.[1]);
  const limit = keyLimit.safeParse({ per_second: perSecond, burst: Math.max(1, perSecond * burstSeconds) });
  if (!limit.success) throw wrong("limit", text, "write requests a second, up to 100000, as in 200/s");
  return limit.data;
}

function checked<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const result = check(schema, value, "#");
  if ("data" in result) return result.data;
  throw wrong(name, value, result.places[0]?.detail ?? "it is of another shape");
}

function wrong(name: string, value: unknown, fix: string): RepriseError {
  return new RepriseError("CONFIG_INVALID", `--${name} is ${JSON.stringify(value)}: ${fix}.`);
}
