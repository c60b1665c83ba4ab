import type { EventDefinition, GivenData } from "../catalog/define.ts";
import type { AppendedEvent } from "../event/appended-event.ts";
import type { ContextRef, Entity, EventMetadata, Priority } from "../event/event.ts";

/** What a handler may say of an event that it appends, beside its type, entity and data. */
export interface FollowUpOptions {
  /**
   * 1 to 256 characters: the append is known by it whenever the handler is called for the event. Without it an append is known by its place in the order of
   * the calls, which serves where each call of the handler makes the same appends in the same order.
   */
  readonly key?: string;
  readonly occurredAt?: string;
  readonly priority?: Priority;
  readonly contextRefs?: readonly ContextRef[];
  readonly extensions?: NonNullable<EventMetadata["extensions"]>;
}

/**
 * What a handler is told beside the event. Take it apart by name; a copy by spread has neither `deliveryId` and `signal` nor `effect`, `append` and `log`, which are
 * made for who asks.
 */
export interface HandlerContext {
  /** Which call of this delivery it is, from 1, over retries and replays; deferred calls do not count. */
  readonly attempt: number;
  /** UUID, the same over retries and dead-letter replays: the idempotency key for what the handler does. */
  readonly deliveryId: string;
  /** Set while an operator's replay, or what a person has approved, delivers the event. `dry_run`: nothing outside may change; only handlers with `dryRun` are called so. */
  readonly replay: { readonly id: string; readonly reason: string | null; readonly mode: "run" | "dry_run" } | null;
  /** Set once a person has approved a delivery that was escalated: a handler that throws `Escalate` looks here first, or it asks again for ever. */
  readonly approval: { readonly by: string; readonly reason: string | null } | null;
  /** Aborts when the attempt's time is up or the service stops. The lane waits until the handler has settled: honour it. */
  readonly signal: AbortSignal;
  /**
   * Does something outside, once for this handler, event and key: what `effect` returned is recorded before this resolves, and returned ever after, on a
   * retry, a replay and a replay of history, without running it again. An effect that throws is not recorded. Await it.
   *
   * The process may die between the effect and its record: then it runs again. Hand `deliveryId` and the key on to the receiver as its idempotency key.
   *
   * @param key 1 to 256 characters, the same for the same effect whenever the handler is called; at most 256 of them for one event.
   * @returns what JSON makes of the result, at most 64 KiB of it.
   */
  effect<T>(key: string, effect: () => Promise<T> | T): Promise<T>;
  /**
   * Appends an event because of this one: with its tenant, its correlation and trace, caused by it, and with its call chain and this handler at the end. Once for
   * this handler, event and key (or place): a call that is repeated gets what was stored first, with `duplicate: true`, also when it has other data now. The
   * delivery completes when its appends are stored, also those that nobody awaits.
   *
   * In a dry run it is checked and told in the report, and not stored: `revision` is −1 and `position` "0", unless it is in the log already.
   *
   * @param data of the current version, as `store.append` takes it.
   * @throws what `store.append` throws; EVENT_ID_REUSED also for another type or entity than at an earlier call.
   */
  append<E extends EventDefinition>(event: E, entity: Entity, data: NoInfer<GivenData<E>>, options?: FollowUpOptions): Promise<AppendedEvent>;
  /** Keeps a line with the attempt's record: at most 20 lines of 500 characters. */
  log(line: string): void;
}
