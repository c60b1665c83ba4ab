/** What a page tells while the log or the views do not answer. */
import { describe, expect, it } from "vitest";
import { Gauges, type Watched } from "../../src/telemetry/gauges.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";

const watched = (more: object = {}): Watched =>
  ({
    views: { handlers: async () => [], deadLetterAges: async () => [], openEscalations: async () => [], position: () => "7" },
    retention: () => ({ archived: 0, removed: 0, freedBytes: 0, failed: 0, last: null }),
    integrations: () => [{ name: "bank", state: "open" }],
    log: { head: async () => 7n, trouble: () => null, readAll: async function* () {} },
    ...more,
  }) as unknown as Watched;

/** What is told, while time goes on. */
async function told(gauges: Gauges, clock: FakeClock): Promise<Readonly<Record<string, number | undefined>>> {
  const families = gauges.families();
  for (let step = 0; step < 6; step++) await clock.advance(500);
  return Object.fromEntries((await families).map(({ name, samples }) => [name, samples[0]?.value]));
}

describe("what is read for a page", () => {
  it("says that the log is down before the store is there, and while the log is in trouble or does not answer", async () => {
    const clock = makeFakeClock();
    const gauges = new Gauges(clock);
    expect(await told(gauges, clock)).toEqual({ reprise_log_up: 0 });
    gauges.watch(watched());
    expect(await told(gauges, clock)).toMatchObject({ reprise_log_up: 1, reprise_breaker_state: 2, reprise_views_behind_events: 0 });
    for (const log of [{ trouble: () => "the disk is full" }, { probe: () => Promise.reject(new Error("no")) }, { probe: () => new Promise(() => {}) }]) {
      gauges.watch(watched({ log: { ...watched().log, ...log } }));
      expect(await told(gauges, clock)).toMatchObject({ reprise_log_up: 0 });
    }
  });

  it("waits two seconds for views that do not answer, tells what it read for a minute, and then nothing", async () => {
    const clock = makeFakeClock();
    const gauges = new Gauges(clock);
    gauges.watch(watched());
    expect(await told(gauges, clock)).toHaveProperty("reprise_dead_letters");
    gauges.watch(watched({ views: { ...watched().views, deadLetterAges: () => new Promise(() => {}) } }));
    expect(await told(gauges, clock)).toHaveProperty("reprise_dead_letters");
    await clock.advance(60_000);
    const later = await told(gauges, clock);
    expect(later).not.toHaveProperty("reprise_dead_letters");
    expect(later).toHaveProperty("reprise_lanes");
  });
});
