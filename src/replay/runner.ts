/** How an item of a replay is brought to its end. One runner for each kind of replay; the job does not care which. */
import type { FailureText } from "../catalog/catalog.ts";
import type { Withdrawal } from "../delivery/partition/letter.ts";
import type { Position } from "../event/event.ts";
import type { ReplayRequested } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";

export type ItemEnd =
  | { readonly outcome: "succeeded"; readonly position: Position }
  | { readonly outcome: "failed"; readonly position: Position; readonly error: FailureText }
  | { readonly outcome: "skipped"; readonly reason: string }
  /** Taken back before its end. */
  | { readonly outcome: "withdrawn" };

export interface Runner {
  /** Brings one item to its end. Rejects when the service stops or a handler stands still for good. */
  run(place: number, item: ReplayItem): Promise<ItemEnd>;
  /** Takes back what does not run; what runs is not tried again. `stop`: resolves when it is on record that nothing starts any more. */
  withdraw(how: Withdrawal): Promise<void>;
  /** The lane of an item is done with, for now. */
  leaveLane(item: ReplayItem): void;
  /** A failed item ends its lane: what is left of it is skipped, for this reason. Null: it goes on. */
  readonly endsLane: string | null;
  /** Resolves when what the items released has been delivered. */
  passed(): Promise<void>;
  /** Lanes that have not come so far. */
  followers(): number;
  /** Events that they have still to pass. */
  releasesLeft(): number;
  /** Everything that it has to store is stored. */
  flushed(): Promise<void>;
}

export type JobRequest = ReplayRequested & { readonly replayId: string };
