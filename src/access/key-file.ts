/** The file of API keys: JSON, written by the commands of `keys` only, read by them and by services. It holds no secret, only SHA-256 of secrets. */
import { readFileSync, statSync } from "node:fs";
import { z } from "zod";
import { check } from "../catalog/places.ts";
import { RepriseError } from "../errors.ts";
import { tenantPattern } from "../event/names.ts";
import { messageOf } from "../event/thrown.ts";
import { keyIdPattern } from "./key-text.ts";
import { everyTenant, roles } from "./roles.ts";

const maxKeys = 10_000;
/** 10,000 keys of the longest names. */
const maxFileBytes = 16 * 1024 * 1024;
/** Who else may write the file may make keys. */
const othersMayWrite = 0o022;

export const defaultLimit = { per_second: 200, burst: 400 } as const;

const hash = z.string().regex(/^[0-9a-f]{64}$/, "must be SHA-256 in 64 hexadecimal digits");
const time = z.iso.datetime({ offset: true });

export const keyName = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._@/+-]*$/u, "must begin with a letter or digit and hold letters, digits, blanks and . _ @ / + - only");
export const keyTenant = z.union([z.literal(everyTenant), z.string().regex(tenantPattern, "must be a tenant's name, or * for all")]);
export const keyLimit = z.strictObject({ per_second: z.number().positive().max(100_000), burst: z.number().min(1).max(1_000_000) });
export const keySource = z.string().min(1).max(256);

const storedKey = z.strictObject({
  id: z.string().regex(keyIdPattern, "must be 8 letters and digits"),
  name: keyName,
  tenant: keyTenant.refine((tenant) => tenant !== "reprise", "is Reprise's own"),
  role: z.enum(roles),
  secret_sha256: hash,
  previous_secret_sha256: hash.nullable(),
  created_at: time,
  expires_at: time.nullable(),
  revoked_at: time.nullable(),
  limit: keyLimit.nullable(),
  /** Sources that events may be appended as; left out or null: any. */
  sources: z.array(keySource).min(1).max(100).nullable().optional(),
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

/** The same text, byte for byte, for the same keys. */
export function keyFileText(keys: readonly StoredKey[]): string {
  return `${JSON.stringify({ version: 1, keys }, null, 2)}\n`;
}

/** @throws CONFIG_INVALID when it cannot be read, others may write it, or it is no key file. */
export function readKeyFile(path: string): readonly StoredKey[] {
  let text: string;
  try {
    const { mode, size } = statSync(path);
    if (process.platform !== "win32" && (mode & othersMayWrite) !== 0)
      throw refuse(path, `other users may write it (mode ${(mode & 0o777).toString(8)}), and so make keys: run chmod 600 on it`);
    if (size > maxFileBytes) throw refuse(path, `it has ${size} bytes; a key file has at most ${maxFileBytes}`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof RepriseError) throw error;
    throw refuse(path, `it cannot be read (${messageOf(error)}); make it with \`reprise keys create --file ${path}\``);
  }
  return parseKeyFile(text, path);
}

function refuse(path: string, fix: string): RepriseError {
  return new RepriseError("CONFIG_INVALID", `The API keys file ${JSON.stringify(path)} is refused: ${fix}.`);
}
