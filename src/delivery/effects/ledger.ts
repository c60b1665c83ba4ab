import { isLogTrouble, isRepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { Json } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { backOff } from "../../event/waits.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { EffectsStreamData } from "../../records/effects.ts";
import { ownEvent } from "../../records/own-event.ts";

/** After trouble with the log, until the attempt's time is up. */
const troubleWaits = { firstMs: 100, lastMs: 5000 };
/** How many conflicts an append may meet. Nobody else should write to this stream. */
const maxConflicts = 10;

export interface LedgerOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
}

/** One effect on record. */
export interface RecordedEffect {
  readonly result: Json | undefined;
  readonly replayId: string | null;
}

/** What this process knows of one stream of effects, while anyone uses it. */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly stream: string;
  /** By part and key, oldest first. Null until it was read. */
  #known: Map<string, RecordedEffect[]> | null;
  /** Last revision of the stream; −1: there is none. */
  #revision = -1;
  #count = 0;
  #reading: Promise<void> | null = null;
  /** Appends go one after another. */
  #appending: Promise<unknown> = Promise.resolve();
  /** Effects under way, by part, key and, where it runs again, replay: all who ask for one share it. */
  readonly #running = new Map<string, Promise<Json | undefined>>();
  /** Attempts that use it. */
  #users = 0;

  /** @param mayBeRecorded without it nothing is read: the stream is empty. */
  constructor(options: LedgerOptions, stream: string, mayBeRecorded: boolean) {
    this.#options = options;
    this.stream = stream;
    this.#known = mayBeRecorded ? null : new Map();
  }

  get isUnread(): boolean {
    return this.#known === null;
  }

  /** Effects on record and under way. */
  get size(): number {
    return this.#count + this.#running.size;
  }

  get isUsed(): boolean {
    return this.#users > 0 || this.#running.size > 0;
  }

  enter(): void {
    this.#users++;
  }

  leave(): void {
    this.#users--;
  }

  /** The newest record of an effect. @param again null: any; otherwise only one of this replay. */
  find(part: number | null, key: string, again: string | null): RecordedEffect | undefined {
    return this.#known?.get(nameOf(part, key))?.findLast(({ replayId }) => again === null || replayId === again);
  }

  underWay(place: string): Promise<Json | undefined> | undefined {
    return this.#running.get(place);
  }

  /** Shares an effect that has begun with all who ask for it. @param over told when it is no longer under way. */
  share(place: string, effect: Promise<Json | undefined>, over: () => void): Promise<Json | undefined> {
    const running = effect.finally(() => {
      this.#running.delete(place);
      over();
    });
    running.catch(() => {}); // each who asked is told
    this.#running.set(place, running);
    return running;
  }

  /** Reads the stream, once for all who want it. */
  read(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    const known = new Map<string, RecordedEffect[]>();
    let revision = -1;
    let count = 0;
    for await (const batch of this.#options.log.readStream(this.stream))
      for (const event of batch) {
        const { part, key, result, replayId } = event.data as unknown as EffectsStreamData["effect.recorded"];
        const name = nameOf(part ?? null, key);
        known.set(name, [...(known.get(name) ?? []), { result, replayId: replayId ?? null }]);
        revision = event.revision;
        count++;
      }
    this.#known = known;
    this.#revision = revision;
    this.#count = count;
  }

  /**
   * Stores a result, or finds the one that was stored meanwhile.
   *
   * @param again as for `find`.
   * @throws LOG_UNAVAILABLE, LOG_FULL when the attempt's time is up before that.
   */
  record(data: EffectsStreamData["effect.recorded"], again: string | null, signal: AbortSignal): Promise<Json | undefined> {
    const turn = this.#appending.then(() => this.#record(data, again, signal));
    this.#appending = turn.catch(() => {});
    return turn;
  }

  async #record(data: EffectsStreamData["effect.recorded"], again: string | null, signal: AbortSignal): Promise<Json | undefined> {
    const { log, clock, newId } = this.#options;
    const { part = null, key, result, replayId = null } = data;
    const event = ownEvent(newId, "effect.recorded", data);
    let conflicts = 0;
    for (let failures = 0; ; ) {
      try {
        const [appended] = await log.append(this.stream, [event], this.#revision === -1 ? "none" : this.#revision);
        const name = nameOf(part, key);
        this.#known!.set(name, [...(this.#known!.get(name) ?? []), { result, replayId }]);
        this.#revision = Math.max(this.#revision, appended!.revision);
        this.#count++;
        return result;
      } catch (error) {
        if (isRepriseError(error, "REVISION_CONFLICT") && conflicts++ < maxConflicts) {
          await this.read();
          const found = this.find(part, key, again);
          if (found !== undefined) return found.result;
        } else if (isLogTrouble(error) && !signal.aborted) await backOff(failures++, troubleWaits, clock, signal);
        else throw error;
      }
    }
  }
}

const nameOf = (part: number | null, key: string): string => `${part ?? ""}\n${key}`;
