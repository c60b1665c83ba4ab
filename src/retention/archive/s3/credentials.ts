/** Who asks an S3 service: by environment, by a file, or by a function in the config. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { RepriseError } from "../../../errors.ts";
import type { Clock } from "../../../event/clock.ts";
import { messageOf } from "../../../event/thrown.ts";
import type { ArchiveCredentials, S3Credentials } from "../../retention-rule.ts";

export type Env = Readonly<Record<string, string | undefined>>;

export interface CredentialSource {
  now(): Promise<S3Credentials>;
  /** They were refused: the next call of `now` asks anew. */
  refused(): void;
}

/** Lent credentials end, and files are rotated: so long is what was read good for. */
const goodForMs = 60_000;
const maxFileBytes = 1024 * 1024;

/** @param give of the config; it comes before the environment. */
export function makeCredentials(env: Env, clock: Pick<Clock, "monotonicMs">, give?: ArchiveCredentials): CredentialSource {
  let known: { readonly credentials: S3Credentials; readonly atMs: number } | null = null;
  return {
    async now() {
      if (known === null || clock.monotonicMs() - known.atMs >= goodForMs)
        known = { credentials: checked(give === undefined ? (fromEnvironment(env) ?? fromFile(env)) : await given(give)), atMs: clock.monotonicMs() };
      return known.credentials;
    },
    refused() {
      known = null;
    },
  };
}

async function given(give: ArchiveCredentials): Promise<S3Credentials> {
  try {
    return await give();
  } catch (cause) {
    throw new RepriseError("ARCHIVE_UNAVAILABLE", "`archiveCredentials` of the config gave no credentials: it threw an error.", { cause });
  }
}

function checked(credentials: S3Credentials | null): S3Credentials {
  const { accessKeyId, secretAccessKey, sessionToken } = (credentials ?? {}) as Partial<Record<keyof S3Credentials, unknown>>;
  const isText = (value: unknown): boolean => typeof value === "string" && /^[\x21-\x7e]+$/.test(value);
  if (isText(accessKeyId) && isText(secretAccessKey) && (sessionToken === undefined || isText(sessionToken))) return credentials!;
  throw new RepriseError(
    "ARCHIVE_UNAVAILABLE",
    "There are no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE, or `archiveCredentials` in the config.",
  );
}

function fromEnvironment({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN }: Env): S3Credentials | null {
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return null;
  return { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY, ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}) };
}

/** The file that AWS' own tools read: `[profile]`, then `name = value`. */
function fromFile(env: Env): S3Credentials | null {
  const named = env.AWS_SHARED_CREDENTIALS_FILE;
  let text: string;
  try {
    text = readFileSync(named || join(env.HOME || homedir(), ".aws", "credentials"), "utf8");
  } catch (cause) {
    if (!named) return null;
    throw new RepriseError("ARCHIVE_UNAVAILABLE", `AWS_SHARED_CREDENTIALS_FILE is ${JSON.stringify(named)}, which cannot be read (${messageOf(cause)}).`, {
      cause,
    });
  }
  const profile = env.AWS_PROFILE || "default";
  let inside = false;
  const values = new Map<string, string>();
  for (const line of text.slice(0, maxFileBytes).split(/\r?\n/)) {
    const [, section] = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line) ?? [];
    if (section !== undefined) inside = section === profile;
    const [, name, value] = /^\s*([a-z_]+)\s*=\s*(\S+)\s*$/.exec(line) ?? [];
    if (inside && name !== undefined) values.set(name, value!);
  }
  const [accessKeyId, secretAccessKey, sessionToken] = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"].map((name) => values.get(name));
  if (accessKeyId === undefined || secretAccessKey === undefined) return null;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}
