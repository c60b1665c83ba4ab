import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../event/clock.ts";
import type { Position } from "../event/event.ts";
import { ownTenant } from "../event/names.ts";
import { heldAtMost } from "../event/turns.ts";
import { backOff } from "../event/waits.ts";
import type { EventLog, SubscriptionBatch } from "../log/event-log.ts";
import type { RowFold } from "./row-fold.ts";

/** A transaction holds the event loop at most about so long, and so many events. */
const transactionMs = 10;
const transactionEvents = 512;
/** A batch of so many, or of so much, says that there is load; then the rows wait. One record of a replay tells of fifty letters, in 4 KB. */
const busyEvents = 32;
const busyBytes = 4096;
const restTurns = 32;
export const waitsAfterTrouble = { firstMs: 100, lastMs: 2000 };

/** Views show no data: they fold only what Reprise itself writes. */
export const isOurs = (stream: string) => stream.startsWith(ownPrefix);
const ownPrefix = `${ownTenant}.`;

/** Under load each turn of the event loop brings a group of appends, and they are folded together. */
async function inTurns(signal: AbortSignal): Promise<void> {
  for (let turn = 0; turn < restTurns && !signal.aborted; turn++) await nextTurn();
}

export interface ProjectorOptions {
  readonly store: RowFold & { probe?(): void };
  /** Where to go on when that is beyond the store's position: the log is known to have nothing to fold in between. */
  readonly from: Position;
  readonly log: Pick<EventLog, "subscribe">;
  readonly clock: Clock;
  /** Told of each failure. Nothing is lost by it: the projector goes on from its position after a wait. */
  readonly onTrouble: (error: unknown) => void;
  /** Told whenever `position` moved. */
  readonly onMoved: () => void;
  /** Told after each success. */
  readonly onWell?: () => void;
  /** Waits under load for more events to fold together. Default: a while, in which others of this thread have their turns. */
  readonly rest?: (signal: AbortSignal) => Promise<void>;
  /** Whether somebody waits for a position: then what was folded is committed, though more could come into the same transaction. */
  readonly isAwaited?: () => boolean;
}

/** Brings the rows of one store up to the log, and keeps them there. */
export interface Projector {
  /** Everything up to here is in the rows. May be beyond the stored position, where the log has nothing to fold. */
  position(): Position;
  /** Why it does not go on just now; null while it does. */
  trouble(): string | null;
  /** Writes what the rows hold already. @throws the reason when they cannot be written. */
  probe(): Promise<void>;
  /** Somebody waits for a position: a rest ends. */
  hurry(): void;
  start(): void;
  /** Resolves when nothing writes any more. */
  stop(): Promise<void>;
}

export function makeProjector({ store, from, log, clock, onTrouble, onMoved, ...options }: ProjectorOptions): Projector {
  const { onWell = () => {}, rest = inTurns, isAwaited = () => false } = options;
  let position = from > store.position() ? from : store.position();
  let failures = 0;
  let trouble: string | null = null;
  let running: { readonly ended: Promise<void>; readonly controller: AbortController } | null = null;

  async function project({ events, bytes, position: looked, live }: SubscriptionBatch, signal: AbortSignal): Promise<void> {
    let left = events;
    while (left.length > 0) {
      if (signal.aborted) return;
      const untilMs = clock.monotonicMs() + heldAtMost(transactionMs);
      left = left.slice(store.fold(left, (folded) => folded >= transactionEvents || clock.monotonicMs() >= untilMs));
      if (isAwaited()) store.settle();
      moveTo(store.position());
      await nextTurn(); // others of this process first
    }
    if (live) store.settle();
    moveTo(store.isSettled() ? looked : store.position());
    failures = 0;
    trouble = null;
    onWell();
    if (live && (events.length >= busyEvents || bytes >= busyBytes)) await rest(signal);
  }

  function moveTo(reached: Position): void {
    if (reached <= position) return;
    position = reached;
    onMoved();
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const batch of log.subscribe({ after: position, dataOf: isOurs, signal })) await project(batch, signal);
        return; // ended by the signal, or with the log
      } catch (error) {
        settleFolded(store, onTrouble);
        moveTo(store.position());
        if (signal.aborted) return;
        trouble = error instanceof Error ? error.message : String(error);
        onTrouble(error);
        await backOff(failures++, waitsAfterTrouble, clock, signal);
      }
    }
  }

  return {
    position: () => position,
    trouble: () => trouble,
    probe: async () => store.probe?.(),
    hurry() {}, // its own rests are turns of the event loop
    start() {
      if (running !== null) return;
      const controller = new AbortController();
      running = { controller, ended: run(controller.signal) };
    },
    async stop() {
      running?.controller.abort();
      await running?.ended;
      running = null;
    },
  };
}

/** What was folded, and not committed, would be folded again. Where this fails, it is undone. */
function settleFolded(store: RowFold, onTrouble: (error: unknown) => void): void {
  try {
    store.settle();
  } catch (error) {
    onTrouble(error);
  }
}
