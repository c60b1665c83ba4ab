/** What makes failures alike: a pure function of how, where and for whom they failed. Stored with each failed call, so a later version is another prefix. */
import { hash } from "node:crypto";
import type { AttemptClass, AttemptRecord } from "../attempt.ts";
import { receiverWords } from "./receiver-words.ts";
import { templateOf } from "./template.ts";

const version = "v1:";
/** Of a fingerprint that a handler makes itself. */
export const maxFingerprintChars = 128;
const hashDigits = 16;

export type Failure = Pick<AttemptRecord, "error" | "httpStatus" | "responseHead"> & { readonly class: AttemptClass | null };

/** What the failures of a group have in common, as people read it: no id, no number, no quoted text. @param ids as in `templateOf` */
export function commonMessage({ error, httpStatus, responseHead = "" }: Failure, ids: readonly string[] = []): string {
  if (error?.common) return error.message;
  if (error?.type !== "HttpError" || httpStatus === undefined) return templateOf(error?.message ?? "", ids);
  // Another than the numbers of a text, the status says what is wrong.
  const words = templateOf(receiverWords(responseHead), ids);
  return words === "" ? `HTTP ${httpStatus}` : `HTTP ${httpStatus}: ${words}`;
}

/**
 * @param frame the place in the project's own code that failed, as it is written over builds and machines; null: none is known.
 * @returns `v1:` and 16 digits.
 */
export function fingerprintOf(
  handler: string,
  failure: Failure,
  { frame = null, ids = [] }: { readonly frame?: string | null; readonly ids?: readonly string[] } = {},
): string {
  const parts = [handler, failure.class, failure.error?.type ?? null, commonMessage(failure, ids), frame];
  return version + hash("sha256", JSON.stringify(parts)).slice(0, hashDigits);
}

/** The group of a handler's failures that found no room in one of their own. */
export const otherFailures = (handler: string): string => `${version}other:${handler}`;
