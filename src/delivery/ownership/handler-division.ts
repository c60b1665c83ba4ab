/** One handler's lanes divided anew, as this process sees it: it does so itself, or hears from the log that another one does. */
import { isLogTrouble, RepriseError } from "../../errors.ts";
import { backOff, pause, within } from "../../event/waits.ts";
import type { Act } from "../../records/act.ts";
import type { Repartitioning } from "../journal/handler-stream.ts";
import { divisionRuns } from "../repartition/division-record.ts";
import type { RepartitionNeeds } from "../repartition/needs.ts";
import { type Repartitioned, repartition } from "../repartition/repartition.ts";
import type { HandlerSeats } from "./handler-seats.ts";
import { isHeld } from "./is-held.ts";
import { drainMs, handOverMs } from "./rules/hand-over.ts";
import { untilOwnerless } from "./standby.ts";

export interface HandlerDivisionOptions extends Omit<RepartitionNeeds, "mustBeOurs" | "standAside"> {
  readonly seats: HandlerSeats;
  /** Others do not hear from the log what this process does: it takes over what nobody has. */
  readonly takesOver: boolean;
  /** Goes by what the log says, once it is over, or has failed. */
  readonly settle: () => Promise<void>;
}

const lookMs = 200;
const settleMs = 2000;
const waits = { firstMs: 200, lastMs: 5000 };

export class HandlerDivision {
  readonly #options: HandlerDivisionOptions;
  /** It goes on in this process. */
  #here: Promise<Repartitioned> | null = null;
  /** As the log says; null: the handler is not being divided. */
  #current: Repartitioning | null = null;

  constructor(options: HandlerDivisionOptions) {
    this.#options = options;
  }

  /** What keeps the handler from its work; null: nothing of this kind. */
  get fault(): RepriseError | null {
    return this.#current === null ? null : divisionRuns(this.#options.spec.name, this.#current);
  }

  /** Somebody is at it: the handler stands still for a moment. */
  get isExpected(): boolean {
    return this.#here !== null || (this.#current !== null && this.#options.isAtWork(this.#current.life));
  }

  /** Nobody is at it, and the handler's seats say nothing of it. */
  get faults(): readonly RepriseError[] {
    const { fault } = this;
    return fault === null || this.#options.takesOver ? [] : [fault];
  }

  async repartition(partitions: number, act: Act): Promise<Repartitioned> {
    const { spec } = this.#options;
    if (this.#here !== null)
      throw this.fault ?? new RepriseError("REPARTITION_RUNNING", `Handler ${spec.name} is about to be divided anew, as somebody else has asked.`);
    this.#here = this.#repartition(partitions, act);
    try {
      return await this.#here;
    } finally {
      this.#here = null;
    }
  }

  /** Resolves when nothing of it goes on here, or after `ms`. */
  async ended(ms: number): Promise<void> {
    if (this.#here !== null) await within(this.#here, ms, this.#options.clock, () => {}).catch(() => {}); // whoever asked is told
  }

  async #repartition(partitions: number, act: Act): Promise<Repartitioned> {
    const { clock, signal, settle } = this.#options;
    const needs: RepartitionNeeds = {
      ...this.#options,
      mustBeOurs: (journals) => this.#mustBeOurs(journals),
      standAside: (division, journals) => this.#standAside(division, journals),
    };
    for (let failures = 0; ; failures++)
      try {
        const done = await repartition(needs, partitions, act);
        if (this.#current !== null) await within(settle(), settleMs, clock, () => {}); // whoever asked finds it at work, if that is soon
        return done;
      } catch (error) {
        // What has begun goes on, because nothing is delivered meanwhile.
        if (isLogTrouble(error) && this.#current !== null && !signal.aborted) await backOff(failures, waits, clock, signal);
        else {
          if (this.#current !== null) void settle();
          throw error;
        }
      }
  }

  /** The log says that it goes on: what works here lets go, in its own time. */
  async found(division: Repartitioning): Promise<void> {
    const { seats, takesOver } = this.#options;
    this.#current = division;
    const fault = divisionRuns(this.#options.spec.name, division);
    const how = takesOver ? { because: fault } : {}; // among many, acts wait in the inboxes for the next owners
    await Promise.all(seats.partitions.map((partition) => partition.release(drainMs, how)));
  }

  /** @returns whether this process has stood still for it. */
  over(): boolean {
    const isStill = this.#current !== null;
    this.#current = null;
    return isStill;
  }

  async #standAside(division: Repartitioning, journals: readonly string[]): Promise<void> {
    const { log, clock, signal, takesOver } = this.#options;
    await this.found(division);
    if (takesOver) return;
    const untilMs = clock.monotonicMs() + handOverMs;
    for (const journal of journals) while (!signal.aborted && (await isHeld(log, journal)) && clock.monotonicMs() < untilMs) await pause(lookMs, clock, signal);
  }

  /** Many hear of it from the log. One alone, and those that wait for its end, do not: what another process has stays with it as long as that lives. */
  async #mustBeOurs(journals: readonly string[]): Promise<void> {
    const { log, clock, signal, takesOver, seats, spec } = this.#options;
    if (!takesOver || log.beats === undefined) return;
    for (const stream of journals) {
      const isOurs = seats.all.some((seat) => seat.place.journal === stream && seat.working !== null);
      if (isOurs || !(await isHeld(log, stream))) continue;
      let owner: string | null = null;
      await within(
        untilOwnerless({ log, stream, clock, signal }, (found) => {
          owner = found.owner;
        }),
        handOverMs,
        clock,
        () => {
          throw new RepriseError("NOT_OWNER", `Another instance (${owner ?? "unknown"}) works on handler ${spec.name}: ask it.`, {
            fields: { owner },
            retryAfterMs: 1000,
          });
        },
        signal,
      );
    }
  }
}
