/** Which codes a route can give: its own, and those that every route of its kind has. */
import { mayDo, roles } from "../access/roles.ts";
import type { ErrorCode } from "../errors.ts";
import type { Route } from "./routed.ts";

const ofAll = ["REQUEST_INVALID", "HOST_MISSING", "ORIGIN_REFUSED", "NOT_FOUND", "INTERNAL", "LOG_UNAVAILABLE", "VIEW_BEHIND", "CLOSED"] as const;
const withKey = ["KEY_MISSING", "KEY_INVALID", "RATE_LIMITED"] as const;
const withBody = ["JSON_MALFORMED", "MEMBER_REPEATED", "BODY_TOO_LARGE", "MEDIA_TYPE_UNSUPPORTED", "NUMBER_UNSAFE"] as const;
const withRepeats = ["IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_IN_PROGRESS"] as const;
const withRecord = ["LOG_FULL", "LOG_SYNC_FAILED", "NOT_OWNER", "OWNER_UNAVAILABLE"] as const;

/** What stops a request before it is known which route it is for: every path may answer with them. */
export const codesBeforeRoutes: readonly ErrorCode[] = [
  ...(["REQUEST_UNREADABLE", "METHOD_NOT_ALLOWED", "REQUEST_TIMEOUT", "EXPECTATION_FAILED", "HEADERS_TOO_LARGE"] as const),
];

export function codesOf({ access, ofAllTenants, acrossTenants, contract }: Omit<Route, "method" | "url">): readonly ErrorCode[] {
  const codes = new Set<ErrorCode>([...ofAll, ...contract.codes]);
  const add = (more: readonly ErrorCode[]): void => more.forEach((code) => void codes.add(code));
  if (access !== "public") add(withKey);
  if (!roles.every((role) => mayDo(role, access))) codes.add("ROLE_REQUIRED");
  if (ofAllTenants || acrossTenants) codes.add("TENANT_REQUIRED");
  if (contract.bodies !== null) add(contract.offRecord ? withBody : [...withBody, ...withRepeats, ...withRecord]);
  return [...codes].sort();
}
