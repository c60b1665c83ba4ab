import type { CurrentEvent, Json } from "../../event/event.ts";
import { effectsStream, streamName } from "../../event/names.ts";
import type { EffectsStreamData } from "../../records/effects.ts";
import { Terminal } from "../handler.ts";
import type { ReplayMode } from "../replay-mode.ts";
import { toResult } from "./effect-result.ts";
import { isKey, maxKeyChars, shownKey } from "./key.ts";
import type { Ledger } from "./ledger.ts";
import { withinEffect } from "./under-way.ts";

/** Keys of one event for one handler: all its results are read at once. */
export const maxEffects = 256;

/** One attempt, as far as its effects are concerned. */
export interface EffectsOf {
  readonly event: CurrentEvent;
  /** Something may be on record: the event was called before, or may have been. Without it nothing is read. */
  readonly mayBeRecorded: boolean;
  readonly replay: ({ readonly id: string } & ReplayMode) | null;
  /** Counts all calls of the delivery. */
  readonly attempt: number;
}

/** An effect that a dry run asked for; it was not run. `recorded`: its result was on record, and the handler got it. */
export interface AskedEffect {
  readonly key: string;
  readonly recorded: boolean;
}

/** The ledgers of one handler that are in use. */
export interface Ledgers {
  /** @param mayBeRecorded something may be in the stream already. */
  enter(stream: string, mayBeRecorded: boolean): Ledger;
  /** The scope that entered does not need it any more. */
  leave(ledger: Ledger): void;
  /** An effect of it has ended. */
  forgetUnused(ledger: Ledger): void;
}

/** The effects of one attempt. */
export class EffectScope {
  readonly #handler: string;
  readonly #ledgers: Ledgers;
  readonly #of: EffectsOf;
  readonly #asked: AskedEffect[] = [];
  /** Most handlers have no effects. */
  #ledger: Ledger | null = null;
  #closed = false;

  constructor(handler: string, ledgers: Ledgers, of: EffectsOf) {
    this.#handler = handler;
    this.#ledgers = ledgers;
    this.#of = of;
  }

  /** @param signal of the attempt: once it has aborted the log is waited for no longer. */
  run<T>(key: string, effect: () => Promise<T> | T, signal: AbortSignal): Promise<T> {
    return this.#run(key, effect, signal) as Promise<never>;
  }

  /** What a dry run asked for, in order; empty for others. */
  asked(): readonly AskedEffect[] {
    return this.#asked;
  }

  /** The attempt is over. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#ledger !== null) this.#ledgers.leave(this.#ledger);
  }

  async #run(key: string, effect: () => unknown, signal: AbortSignal): Promise<unknown> {
    if (!isKey(key)) throw new Terminal(`an effect's key is a text of 1 to ${maxKeyChars} characters`);
    if (typeof effect !== "function") throw new Terminal(`effect "${shownKey(key)}": the second argument is the function that does it`);
    if (this.#closed || signal.aborted) throw refused(key);
    const { event, replay } = this.#of;
    const part = event.origin?.part ?? null;
    const again = replay?.effects === "again" ? replay.id : null;
    const ledger = this.#open();
    if (ledger.isUnread) await ledger.read();
    if (this.#closed || signal.aborted) throw refused(key); // the attempt may have ended during the reading
    // When an operator had an effect done again, the newest record counts.
    const known = ledger.find(part, key, again);
    const isDry = replay?.mode === "dry_run";
    if (isDry) this.#asked.push({ key, recorded: known !== undefined });
    if (known !== undefined || isDry) return known?.result;
    const place = JSON.stringify([part, key, again]);
    const running = ledger.underWay(place);
    if (running !== undefined) return running;
    if (ledger.size >= maxEffects) throw new Terminal(`effect "${shownKey(key)}": one event has at most ${maxEffects} effects`);
    return ledger.share(place, this.#perform(ledger, key, effect, signal), () => this.#ledgers.forgetUnused(ledger));
  }

  #open(): Ledger {
    const { event, replay, mayBeRecorded } = this.#of;
    const lane = streamName(event.tenant, event.entity);
    return (this.#ledger ??= this.#ledgers.enter(effectsStream(this.#handler, lane, event.revision), mayBeRecorded || replay !== null));
  }

  async #perform(ledger: Ledger, key: string, effect: () => unknown, signal: AbortSignal): Promise<Json | undefined> {
    const { event, replay, attempt } = this.#of;
    const { origin, revision } = event;
    const result = toResult(await withinEffect(key, effect), key);
    const data: EffectsStreamData["effect.recorded"] = {
      ...{ handler: this.#handler, lane: streamName(event.tenant, event.entity), revision, eventId: origin?.id ?? event.id, key, attempt },
      ...(origin === null ? {} : { part: origin.part }),
      ...(result === undefined ? {} : { result }),
      ...(replay === null ? {} : { replayId: replay.id }),
    };
    return ledger.record(data, replay?.effects === "again" ? replay.id : null, signal);
  }
}

function refused(key: string): Error {
  const error = new Error(`effect "${shownKey(key)}" was not run: the attempt is over`);
  error.name = "EffectRefused";
  return error;
}
