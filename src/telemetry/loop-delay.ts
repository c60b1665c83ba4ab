/** How long the thread lets wait what is due: a timer that comes late tells it. Measured from the first page on. */
import { type Family, Histogram } from "./series.ts";

const everyMs = 20;

export class LoopDelay {
  readonly #delays = new Histogram(
    { name: "reprise_event_loop_delay_seconds", help: `How much later than asked for a timer of ${everyMs} ms came.`, labels: [] },
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  );
  #begun = false;

  family(): Family {
    this.#begin();
    return this.#delays.family();
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    const delays = this.#delays.of();
    let lastMs = performance.now();
    // Of the thread itself, whatever clock the store has; it keeps no process alive.
    setInterval(() => {
      const nowMs = performance.now();
      delays.observe(Math.max(0, nowMs - lastMs - everyMs) / 1000);
      lastMs = nowMs;
    }, everyMs).unref();
  }
}
