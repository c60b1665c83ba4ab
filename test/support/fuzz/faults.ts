import { type ErrorCode, errorCatalog } from "../../../src/errors.ts";
import { canary } from "./scene.ts";

interface Answer {
  readonly statusCode: number;
  readonly headers: object;
  readonly body: string;
}

const unavailable: readonly ErrorCode[] = ["VIEW_BEHIND", "LOG_UNAVAILABLE"];

/** What is wrong with an answer, whatever was asked. @param secrets texts that none may have. */
export function faultsOf({ statusCode, headers, body }: Answer, secrets: readonly string[]): readonly string[] {
  const all = JSON.stringify(headers) + body;
  const faults = secrets.filter((secret) => all.includes(secret)).map((secret) => `tells the key of ${secret}`);
  if (statusCode < 400 || body === "") return faults;
  // Of /readyz.
  if (statusCode === 503 && body.startsWith('{"status":"not_ready"')) return faults;
  const type = (headers as { readonly "content-type"?: string })["content-type"];
  if (type !== "application/problem+json") return [...faults, `is of ${type}`];
  const { code, detail, errors = [] } = JSON.parse(body) as { code: ErrorCode; detail: string; errors?: readonly { detail: string }[] };
  if (!Object.hasOwn(errorCatalog, code)) faults.push(`has the code ${code}`);
  if (statusCode >= 500 && !unavailable.includes(code)) faults.push(`is ${statusCode} ${code}`);
  // A pointer names members, and `instance` the path: both the client's own words.
  if ([detail, ...errors.map((each) => each.detail)].join().includes(canary)) faults.push("tells the payload");
  return faults;
}

/** The part of each key that nobody may be told. */
export function secretsOf(keys: readonly string[]): readonly string[] {
  return [...new Set(keys)].map((key) => key.slice(12, -6));
}
