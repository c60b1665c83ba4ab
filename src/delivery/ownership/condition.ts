import { RepriseError } from "../../errors.ts";
import type { Standstill } from "./standstill.ts";

/**
 * What has become of a handler in this process; whether it is paused is on record. `fenced`: another instance owns it. `standby`: another instance owns it, and
 * this one waits to take over. `absent`: it is not in the config. `stopped`: it stands still for good.
 */
export interface Condition {
  readonly state: "running" | "fenced" | "standby" | "absent" | "stopped";
  /** What made it stand still, as `<code>: <message>`; null when nothing did. */
  readonly fault: string | null;
  /** Why it does nothing, in words, where its state does not say it all. */
  readonly why?: string;
}

export function conditionOf(fault: RepriseError | null): Condition {
  if (fault === null) return { state: "running", fault: null };
  return { state: fault.code === "FENCED" ? "fenced" : "stopped", fault: `${fault.code}: ${fault.message}` };
}

/** The worst that one of the partitions is in comes first; where some work here and others elsewhere, the handler runs. */
const order = ["stopped", "running", "fenced", "standby", "absent"] as const;

/** Of a handler whose partitions are in these conditions, at least one. */
export function conditionOfAll(partitions: readonly Condition[]): Condition {
  if (partitions.length === 0) return { state: "stopped", fault: "the service has not started it" };
  const worst = order.find((each) => partitions.some(({ state }) => state === each));
  const partition = partitions.findIndex(({ state }) => state === worst);
  const { state, fault } = partitions[partition]!;
  return { state, fault: fault === null || partitions.length === 1 ? fault : `partition ${partition}: ${fault}` };
}

/** What one of many instances says where it knows of none that works on a handler. */
const unknownElsewhere =
  "it does not run here, and this instance knows of no other that works on it: it has just started, is cut off from the others, or none has its share yet";

interface Elsewhere {
  readonly isWorkedOn: () => boolean;
  /** Its partitions that stand still until somebody repairs them. */
  readonly standstills: () => readonly Standstill[];
}

/**
 * What is told of a handler that instances share, whichever is asked: where one of its partitions stands still, it has stopped; where one of them works on it, it
 * runs.
 *
 * @param here what has become of it in this process.
 */
export function conditionAmong(here: Condition, elsewhere: Elsewhere): Condition {
  if (here.state === "stopped") return here;
  const [still] = elsewhere.standstills();
  if (still !== undefined) return { state: "stopped", fault: `partition ${still.partition}, at ${still.instance}: ${still.fault}` };
  if (here.state === "running") return here;
  if (elsewhere.isWorkedOn()) return conditionOf(null);
  return here.state === "absent" ? here : { ...here, why: unknownElsewhere };
}

/** The error for an act on a handler that stands still. */
export function refusalOf(fault: RepriseError): RepriseError {
  if (fault.code === "REPARTITION_RUNNING") return new RepriseError("NOT_OWNER", fault.message, { cause: fault, fields: { owner: null }, retryAfterMs: 1000 });
  if (fault.code !== "FENCED") return fault;
  const { owner = null } = fault.fields as { readonly owner?: string };
  return new RepriseError("NOT_OWNER", `Another instance${owner === null ? "" : ` (${owner})`} works on this handler.`, {
    cause: fault,
    fields: { owner },
    retryAfterMs: 1000,
  });
}
