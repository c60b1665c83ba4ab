import type { DeliveryStatus } from "./delivery.ts";
import type { ShownLaneState } from "./entity.ts";

/**
 * `fenced`: another instance owns it. `standby`: another one does, and this one waits to take over. `absent`: it is not in the config any more.
 * `stopped`: it stands still for good.
 */
export const handlerStates = ["running", "paused", "fenced", "standby", "absent", "stopped"] as const;

export type HandlerState = (typeof handlerStates)[number];

export interface HandlerView {
  readonly name: string;
  readonly ordering: "strict" | "relaxed";
  readonly state: HandlerState;
  /** Why it delivers nothing, in words; null while it does. */
  readonly why: string | null;
  /** What stopped it, with the error's code; null unless it is `stopped` or `fenced`. */
  readonly fault: string | null;
  /** wanted = done + waiting. */
  readonly wanted: number;
  readonly done: number;
  readonly waiting: number;
  /** Wanted events that no attempt was begun for (neither failed nor dead-lettered), and the age of the oldest in seconds. */
  readonly lagEvents: number;
  readonly lagSeconds: number;
  /** Events that it wants, and that left the log for an archive, counted in nothing else here. `missed`: they were gone before it came. */
  readonly archived: { readonly done: number; readonly missed: number };
  readonly byStatus: Readonly<Record<DeliveryStatus, number>>;
  readonly lanes: Readonly<Record<ShownLaneState, number>>;
}

export interface HandlerReads {
  /** All of them, with the counts of one tenant's events; without a tenant, and for `*`, of all. */
  handlers(tenant?: string): Promise<readonly HandlerView[]>;
}
