import { RepriseError } from "../../errors.ts";

/**
 * What has become of a handler in this process; whether it is paused is on record. `fenced`: another instance owns it. `standby`: another instance owns it, and
 * this one waits to take over. `absent`: it is not in the config. `stopped`: it stands still for good.
 */
export interface Condition {
  readonly state: "running" | "fenced" | "standby" | "absent" | "stopped";
  /** What made it stand still, as `<code>: <message>`; null when nothing did. */
  readonly fault: string | null;
}

export function conditionOf(fault: RepriseError | null): Condition {
  if (fault === null) return { state: "running", fault: null };
  return { state: fault.code === "FENCED" ? "fenced" : "stopped", fault: `${fault.code}: ${fault.message}` };
}

/** The error for an act on a handler that stands still. */
export function refusalOf(fault: RepriseError): RepriseError {
  if (fault.code !== "FENCED") return fault;
  const { owner = null } = fault.fields as { readonly owner?: string };
  return new RepriseError("NOT_OWNER", `Another instance${owner === null ? "" : ` (${owner})`} works on this handler.`, {
    cause: fault,
    fields: { owner },
    retryAfterMs: 1000,
  });
}
