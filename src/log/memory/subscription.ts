import { RepriseError } from "../../errors.ts";
import type { StoredEvent } from "../../event/event.ts";
import type { SubscribeOptions, SubscriptionBatch } from "../event-log.ts";
import { matches } from "../matches.ts";
import { collect } from "./batches.ts";
import type { Content } from "./content.ts";

/** Wakes those who wait for news of a log. */
export class Bell {
  #waiting: (() => void)[] = [];

  ring(): void {
    const woken = this.#waiting;
    this.#waiting = [];
    for (const wake of woken) wake();
  }

  /** Resolves when the bell rings, or `signal` is aborted. */
  async next(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#waiting.push(wake);
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    signal.removeEventListener("abort", wake);
  }
}

export interface SubscriptionNeeds {
  readonly content: Content;
  readonly batchSize: number;
  readonly bell: Bell;
  readonly isClosed: () => boolean;
}

/** Looked at for one batch, at most. */
const scannedPerBatch = 4096;

export async function* subscribe(
  { content: { slots }, batchSize, bell, isClosed }: SubscriptionNeeds,
  { after, filter, signal }: SubscribeOptions,
): AsyncIterable<SubscriptionBatch> {
  const ended = () => isClosed() || signal.aborted;
  if (ended()) return;
  if (after > slots.length) throw new RepriseError("LOG_BEHIND_CHECKPOINT", `The log ends at position ${slots.length}.`);
  let at = Number(after);
  let toldLive = false;
  while (!ended()) {
    const from = at;
    const events = collect(batchSize, () => {
      while (at < slots.length && at - from < scannedPerBatch) {
        const event = slots[at++];
        if (event != null && matches(event, filter)) return event;
      }
      return undefined;
    });
    const live = at === slots.length;
    const news = at > from || live !== toldLive;
    toldLive = live;
    if (news) yield { events, bytes: bytesOf(events), position: BigInt(at), live };
    if (at < slots.length || ended()) continue;
    await bell.next(signal);
  }
}

function bytesOf(events: readonly StoredEvent[]): number {
  return events.reduce((sum, { data, metadata }) => sum + JSON.stringify([data, metadata]).length, 0);
}
