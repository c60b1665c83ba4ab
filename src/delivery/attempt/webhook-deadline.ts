import type { Clock } from "../../event/clock.ts";
import type { Timed, Timeouts } from "./timeouts.ts";

/** When a timer fires this much after its time, the thread was busy: that says nothing about the other end. */
const lateMs = 50;
/** How often a call gets its time anew when its request could not go out for that reason. */
const maxAnew = 10;

export interface WebhookDeadlineOptions {
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  /** `timeout`: the other end did not answer in time. `not_sent`: this process was too busy to ask it. */
  readonly onOver: (why: "timeout" | "not_sent") => void;
}

/** The time that one call of a webhook has. It begins when the request goes out; until then it may take as long to connect. */
export class WebhookDeadline implements Timed {
  readonly #options: WebhookDeadlineOptions;
  /** Most calls end in the first of their times, for which they share a timer. */
  readonly #first: ReturnType<Timeouts["add"]>;
  #timer: { cancel(): void } | null = null;
  /** Monotonic; null while the request has not gone out. */
  #sentMs: number | null = null;
  #anew = 0;

  constructor(options: WebhookDeadlineOptions) {
    this.#options = options;
    this.#first = options.timeouts.add(options.timeoutMs, this);
  }

  /** The request goes out. */
  sent(): void {
    this.#sentMs ??= this.#options.clock.monotonicMs();
  }

  cancel(): void {
    this.#options.timeouts.cancel(this.#first);
    this.#timer?.cancel();
  }

  timeIsUp(dueByMs: number): void {
    this.#isDue(this.#first.item.dueMs, dueByMs);
  }

  #waitFrom(fromMs: number): { cancel(): void } {
    const { clock, timeoutMs } = this.#options;
    const dueMs = fromMs + timeoutMs;
    return clock.after(dueMs - clock.monotonicMs(), (dueByMs) => this.#isDue(dueMs, dueByMs));
  }

  #isDue(dueMs: number, dueByMs: number): void {
    const { clock, timeoutMs, onOver } = this.#options;
    const sentMs = this.#sentMs;
    if (sentMs !== null && sentMs + timeoutMs > dueByMs) this.#timer = this.#waitFrom(sentMs);
    else if (sentMs !== null || dueByMs - dueMs <= lateMs) onOver("timeout");
    else if (this.#anew++ < maxAnew) this.#timer = this.#waitFrom(clock.monotonicMs());
    else onOver("not_sent");
  }
}
