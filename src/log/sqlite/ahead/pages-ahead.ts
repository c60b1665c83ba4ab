/**
 * A long catch-up on two threads: a second one reads the next pages of the log and checks them, so that this one only has to parse them. It takes half of this
 * thread's time for an event of 300 bytes, and less of both threads than this one took alone. It is no more than quicker: a page that has not come, that is
 * unusual, or that was read before something was removed is read here, as every page was before.
 */
import { availableParallelism } from "node:os";
import type { Clock } from "../../../event/clock.ts";
import { isThere, type SmallThread, startSmallThread } from "../../small-thread.ts";
import type { Connection } from "../connection.ts";
import type { SqliteLogLimits } from "../limits.ts";
import { makeStep, type Step } from "../step.ts";
import type { AheadBegins, FromAhead, ToAhead } from "./messages.ts";
import type { ReadingAhead } from "./reading-ahead.ts";

/** Subscriptions that it serves at a time. Each has a few pages in memory. */
const maxReadings = 4;
/** A subscription that takes fewer pages than this in so long waits for something else than reading, and the thread takes memory. */
const lookEveryMs = 5000;
const fewPages = 50;

const program = new URL("./ahead-thread.ts", import.meta.url);

export interface PagesAheadOptions {
  readonly path: string;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly limits: SqliteLogLimits;
}

export class PagesAhead {
  readonly clock: Clock;
  readonly limits: SqliteLogLimits;
  readonly step: Step;
  readonly #begins: AheadBegins;
  /** Where there is a core for it, until it has failed: it may fail again. */
  #mayStart = availableParallelism() > 1 && isThere(program);
  #thread: SmallThread<ToAhead> | null = null;
  #isReady = false;
  readonly #users = new Set<ReadingAhead>();
  readonly #readings = new Map<number, ReadingAhead>();
  #lastNumber = 0;
  #look: { cancel(): void } | null = null;
  #ending: Promise<void> = Promise.resolve();

  constructor({ path, connection, clock, limits }: PagesAheadOptions) {
    this.clock = clock;
    this.limits = limits;
    this.step = makeStep(connection);
    this.#begins = { path, limits };
  }

  end(): number {
    return this.step((db) => db.end.lastPosition);
  }

  /** @returns whether the thread may be asked, now or soon. It stays until all that joined have left. */
  join(user: ReadingAhead): boolean {
    if (!this.#mayStart || this.#users.size >= maxReadings) return false;
    this.#users.add(user);
    this.#thread ??= this.#begin();
    return true;
  }

  leave(user: ReadingAhead): void {
    if (!this.#users.delete(user) || this.#users.size > 0) return;
    this.#look?.cancel();
    this.#look = null;
    const thread = this.#thread;
    this.#thread = null;
    this.#isReady = false;
    if (thread !== null) this.#ending = Promise.all([this.#ending, thread.stop()]).then(() => {});
  }

  /** @returns the number of the reading that begins; null while the thread is not ready. */
  read(user: ReadingAhead, types: readonly string[] | null, after: number): number | null {
    if (!this.#isReady) return null;
    const reading = ++this.#lastNumber;
    this.#readings.set(reading, user);
    this.#thread?.tell({ is: "read", reading, from: { types, after }, end: this.end(), pages: this.limits.aheadPages });
    return reading;
  }

  goOn(reading: number, taken: 0 | 1): void {
    this.#thread?.tell({ is: "go_on", reading, taken, end: this.end() });
  }

  /** What comes of it still is dropped. */
  done(reading: number): void {
    if (this.#readings.delete(reading)) this.#thread?.tell({ is: "done", reading });
  }

  /** Something was removed: what was read before is read again. */
  removed(): void {
    for (const user of this.#users) user.drop();
  }

  /** The thread has ended, or does not answer. */
  failed(): void {
    this.#mayStart = false;
    for (const user of [...this.#users]) user.leave();
  }

  /** Resolves when no thread reads the file any more. */
  async close(): Promise<void> {
    this.failed();
    await this.#ending;
  }

  #begin(): SmallThread<ToAhead> {
    this.#look = this.clock.after(lookEveryMs, () => this.#leaveSlow());
    return startSmallThread<ToAhead, FromAhead>(program, {
      begins: this.#begins,
      stop: { is: "close" },
      take: (message) => this.#take(message),
      ended: () => this.failed(),
    });
  }

  #take(message: FromAhead): void {
    if (message.is === "ready") this.#isReady = this.#thread !== null;
    else this.#readings.get(message.reading)?.take(message.is === "page" ? message.page : null);
  }

  #leaveSlow(): void {
    for (const user of [...this.#users]) if (user.pagesTaken() < fewPages) user.leave();
    if (this.#users.size > 0) this.#look = this.clock.after(lookEveryMs, () => this.#leaveSlow());
  }
}
