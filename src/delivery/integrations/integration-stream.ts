/** The stream of an integration: what it was when the process before this one ended, and what becomes of it. */
import { toIso } from "../../event/clock.ts";
import { integrationStream } from "../../event/names.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { IntegrationEvent } from "../../records/integration.ts";
import type { IntegrationChange, KeptFuse } from "./fuse.ts";

/** Of breaks alone, an integration may have many; what is older than these has no bearing on it. */
const maxRead = 1000;

export interface ReadIntegration extends KeptFuse {
  /** When that began; null: nothing is on record. */
  readonly since: string | null;
  /** The process that makes the trial; null: none. */
  readonly triedBy: string | null;
  /** Of the stream's last event. */
  readonly revision: number;
}

/** Reads backwards to the last change of the breaker. Waits keep their length, however the wall clock was set meanwhile. */
export async function readIntegration(log: EventLog, name: string, nowMs: number): Promise<ReadIntegration> {
  let gatedMs: number | null = null;
  let triedBy: string | null | undefined;
  let last = -1;
  const leftOf = ({ until, waitMs }: { readonly until: string; readonly waitMs: number }) => Math.min(Math.max(0, Date.parse(until) - nowMs), waitMs);
  for await (const batch of log.readStream(integrationStream(name), { direction: "backward", limit: maxRead }))
    for (const { type, data, recordedAt, revision } of batch) {
      const event = { type, data } as unknown as IntegrationEvent;
      last = Math.max(last, revision);
      const since = { since: recordedAt, triedBy: triedBy ?? null, revision: last };
      switch (event.type) {
        case "integration.trial_begun":
          if (triedBy === undefined) triedBy = event.data.by;
          break;
        case "integration.trial_ended":
          if (triedBy === undefined) triedBy = null;
          break;
        case "integration.gated":
          gatedMs ??= leftOf(event.data);
          break;
        case "integration.opened":
          return { ...since, breaker: { kind: "open", waitMs: leftOf(event.data), coolDownMs: event.data.coolDownMs }, gatedMs: gatedMs ?? 0 };
        case "integration.isolated":
          return { ...since, breaker: { kind: "isolated" }, gatedMs: gatedMs ?? 0 };
        case "integration.closed":
        case "integration.reset":
          return { ...since, breaker: { kind: "closed" }, gatedMs: gatedMs ?? 0 };
      }
    }
  return { since: null, breaker: { kind: "closed" }, gatedMs: gatedMs ?? 0, triedBy: null, revision: last };
}

/** The record of what an integration did by itself. @param nowMs wall clock @param by this process */
export function recordOfChange(change: IntegrationChange, nowMs: number, by: string): IntegrationEvent {
  if (change.kind === "closed") return { type: "integration.closed", data: {} };
  if (change.kind === "trial_ended") return { type: "integration.trial_ended", data: { by } };
  const wait = { until: toIso(nowMs + change.waitMs), waitMs: change.waitMs };
  if (change.kind === "gated") return { type: "integration.gated", data: wait };
  return { type: "integration.opened", data: { ...wait, coolDownMs: change.coolDownMs } };
}
