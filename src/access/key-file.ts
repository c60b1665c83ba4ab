/** The file of API keys: JSON, written by the commands of `keys` only, read by them and by services. It holds no secret, only SHA-256 of secrets. */
import { z } from "zod";
import { check } from "../catalog/places.ts";
import { RepriseError } from "../errors.ts";
import { everyTenant, isTenant, localActor, ownTenant, policyActor } from "../event/names.ts";
import { messageOf } from "../event/thrown.ts";
import { type FollowedFile, readFollowedFile } from "./followed-file.ts";
import { keyIdPattern } from "./key-text.ts";
import { roles } from "./roles.ts";

const maxKeys = 10_000;
/** Room for 10,000 keys with the longest names. */
const maxFileBytes = 16 * 1024 * 1024;
/** Bits of the mode that let other users write: whoever may write the file may make keys. */
const othersMayWrite = 0o022;

export const defaultLimit = { per_second: 200, burst: 400 } as const;

const hash = z.string().regex(/^[0-9a-f]{64}$/, "must be SHA-256 in 64 hexadecimal digits");
const time = z.iso.datetime({ offset: true });

const ownActors: ReadonlySet<string> = new Set([policyActor, localActor]);

export const keyName = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._@/+-]*$/u, "must begin with a letter or digit and hold letters, digits, blanks and . _ @ / + - only")
  .refine((name) => !ownActors.has(name.toLowerCase()), "is the name of an actor that is no key: records could not tell them apart");
export const keyTenant = z
  .string()
  .refine(
    (name) => name === everyTenant || isTenant(name),
    `must be a tenant's name (1 to 64 lower-case letters, digits and _, beginning with a letter, not ${ownTenant}), or * for all`,
  );
export const keyLimit = z.strictObject({ per_second: z.number().positive().max(100_000), burst: z.number().min(1).max(1_000_000) });
export const keySources = z.array(z.string().min(1).max(256)).min(1).max(100);
/** The last time that can be written with a year of four digits. */
export const lastExpiryMs = Date.UTC(10_000, 0, 1) - 1;

const storedKey = z.strictObject({
  id: z.string().regex(keyIdPattern, "must be 8 letters and digits"),
  name: keyName,
  tenant: keyTenant,
  role: z.enum(roles),
  secret_sha256: hash,
  previous_secret_sha256: hash.nullable(),
  created_at: time,
  expires_at: time.nullable(),
  revoked_at: time.nullable(),
  limit: keyLimit.nullable(),
  /** Sources under which the key may append events; left out or null: any. */
  sources: keySources.nullable().optional(),
});

const keyFile = z
  .strictObject({ version: z.literal(1), keys: z.array(storedKey).max(maxKeys) })
  .refine(({ keys }) => new Set(keys.map(({ id }) => id)).size === keys.length, { path: ["keys"], message: "two keys have one id" });

/** A key as the file has it. */
export type StoredKey = z.output<typeof storedKey>;

/** @throws CONFIG_INVALID naming the place and the fix; never a value. */
export function parseKeyFile(text: string, path: string): readonly StoredKey[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse(path, "it is no whole JSON document; put back the last good copy, or make keys anew with `reprise keys create`");
  }
  const checked = check(keyFile, value, "#");
  if ("data" in checked) return checked.data.keys;
  const [place] = checked.places;
  throw refuse(path, `${place?.pointer ?? "#"} ${place?.detail ?? "is wrong"}; put back the last good copy: nothing but its own commands should write it`);
}

/** The same text, byte for byte, for the same keys. @throws CONFIG_INVALID for what no service could read: a command must not spoil the file for all keys. */
export function keyFileText(keys: readonly StoredKey[]): string {
  const value = { version: 1, keys };
  const text = `${JSON.stringify(value, null, 2)}\n`;
  const checked = check(keyFile, value, "#");
  const [place] = "places" in checked ? checked.places : [];
  const problem = place === undefined ? null : `${place.pointer} ${place.detail}`;
  const size = Buffer.byteLength(text);
  if (problem === null && size <= maxFileBytes) return text;
  const why = problem ?? `it would have ${size} bytes, and may have ${maxFileBytes}`;
  throw new RepriseError("CONFIG_INVALID", `No service could read the key file afterwards: ${why}.`);
}

/** @throws CONFIG_INVALID when it cannot be read, others may write it, or it is no key file. */
export function readKeyFile(path: string): readonly StoredKey[] {
  let file: FollowedFile;
  try {
    file = readFollowedFile(path, maxFileBytes);
  } catch (error) {
    throw refuse(path, `it cannot be read (${messageOf(error)}); make it with \`reprise keys create --file ${path}\``);
  }
  const { mode, uid } = file;
  if (process.platform !== "win32" && (mode & othersMayWrite) !== 0)
    throw refuse(path, `other users may write it (mode ${(mode & 0o777).toString(8)}), and so make keys: run chmod 600 on it`);
  if (!isTrusted(uid)) throw refuse(path, `it belongs to the user ${uid}, who may make keys in it: run chown on it, to the service's user or to root`);
  return parseKeyFile(file.bytes.toString("utf8"), path);
}

/** This user's, or root's, who may do everything anyway. Root's own services take each owner's: a file that is handed to them is often another's. */
function isTrusted(uid: number): boolean {
  const own = process.geteuid?.() ?? 0;
  return own === 0 || uid === own || uid === 0;
}

function refuse(path: string, fix: string): RepriseError {
  return new RepriseError("CONFIG_INVALID", `The API keys file ${JSON.stringify(path)} is refused: ${fix}.`);
}
