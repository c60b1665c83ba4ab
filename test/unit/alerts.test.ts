/** Alerts: each kind fires and does not, once, and is resolved once, over restarts and beside other processes. */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Alerts } from "../../src/alerts/alerts.ts";
import { alertStream } from "../../src/event/names.ts";
import { type AlertOfTest, makeAlertDesk, type World } from "../support/alert-desk.ts";
import { makeFakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const seconds = 1000;
let desk: ReturnType<typeof makeAlertDesk>;
let running: Alerts[];
const start = (...definitions: AlertOfTest[]): Alerts => {
  const alerts = desk.start(...definitions);
  running.push(alerts);
  return alerts;
};
const stop = async (alerts: Alerts) => {
  const stopped = alerts.stop();
  await desk.clock.advance(2 * seconds);
  await stopped;
};
beforeEach(() => {
  desk = makeAlertDesk();
  running = [];
});
afterEach(async () => {
  for (const alerts of running) await stop(alerts);
  expect(desk.clock.pending()).toBe(0);
});

/** What makes it bad, and what of it is not bad enough. */
const kinds: readonly {
  readonly alert: AlertOfTest;
  readonly nearly: () => void;
  readonly bad: () => void;
  readonly well: () => void;
  readonly told: readonly string[];
}[] = [
  {
    alert: { when: "dead_letters", over: 2 },
    nearly: () => desk.letters(2),
    bad: () => desk.letters(1),
    well: () => void desk.world.letters.pop(),
    told: ["dead-letters fired 3", "dead-letters resolved 2"],
  },
  {
    alert: { when: "dead_letters", over: 2, handler: "mail", tenant: "acme" },
    nearly: () => {
      desk.letters(2, { handler: "mail", tenant: "acme" });
      desk.letters(9, { handler: "charge", tenant: "acme" });
      desk.letters(9, { handler: "mail" });
    },
    bad: () => desk.letters(1, { handler: "mail", tenant: "acme" }),
    well: () => void desk.world.letters.pop(),
    told: ["dead-letters-mail-acme fired mail 3", "dead-letters-mail-acme resolved mail 2"],
  },
  {
    alert: { when: "dead_letter_rate", over: 2, withinMs: 600 * seconds },
    nearly: () => {
      desk.letters(9, { ageMs: 601 * seconds });
      desk.letters(2, { ageMs: 20 * seconds });
    },
    bad: () => desk.letters(1),
    well: () => desk.clock.advance(530 * seconds),
    told: ["dead-letter-rate fired 3", "dead-letter-rate resolved 1"],
  },
  {
    alert: { when: "oldest_dead_letter", over: 3600 },
    nearly: () => desk.letters(1, { ageMs: 3500 * seconds }),
    bad: () => desk.letters(1, { ageMs: 3700 * seconds }),
    well: () => void desk.world.letters.splice(0),
    told: ["oldest-dead-letter fired 3702", "oldest-dead-letter resolved 0"],
  },
  {
    alert: { when: "lag", over: 60 },
    nearly: () => change({ lagSeconds: { charge: 60, mail: 60 } }),
    bad: () => change({ lagSeconds: { charge: 60, mail: 61 } }),
    well: () => change({ lagSeconds: { charge: 60, mail: 1 } }),
    told: ["lag fired mail 61", "lag resolved mail 1"],
  },
  {
    alert: { when: "handler_stopped" },
    nearly: () => change({ conditions: { charge: "running", mail: "standby" } }),
    bad: () => change({ conditions: { charge: "stopped", mail: "fenced" } }),
    well: () => change({ conditions: { charge: "running", mail: "running" } }),
    told: ["handler-stopped fired charge 0", "handler-stopped resolved charge 10"],
  },
  {
    alert: { when: "breaker_open", over: 5 },
    nearly: () => change({ breakers: { bank: "isolated", smtp: "closed" } }),
    bad: () => change({ breakers: { bank: "half_open", smtp: "closed" } }),
    well: () => change({ breakers: { bank: "closed", smtp: "closed" } }),
    told: ["breaker-open fired bank 6", "breaker-open resolved bank 10"],
  },
  {
    alert: { when: "breaker_open", integration: "smtp" },
    nearly: () => change({ breakers: { bank: "open", smtp: "closed" } }),
    bad: () => change({ breakers: { bank: "open", smtp: "open" } }),
    well: () => change({ breakers: { bank: "open", smtp: "closed" } }),
    told: ["breaker-open-smtp fired smtp 0", "breaker-open-smtp resolved smtp 10"],
  },
  {
    alert: { when: "escalation_due", over: 30 },
    nearly: () => change({ dueMs: [{ atMs: desk.clock.now() + 31 * seconds, handler: "charge" }] }),
    bad: () => change({ dueMs: [0, 25].map((agoS) => ({ atMs: desk.clock.now() - agoS * seconds, handler: "charge" })) }),
    well: () => change({ dueMs: [] }),
    told: ["escalation-due fired 1", "escalation-due resolved 0"],
  },
  {
    alert: { when: "escalation_due", handler: "mail" },
    nearly: () => change({ dueMs: [{ atMs: desk.clock.now(), handler: "charge" }] }),
    bad: () => change({ dueMs: [{ atMs: desk.clock.now(), handler: "mail" }] }),
    well: () => change({ dueMs: [] }),
    told: ["escalation-due-mail fired mail 1", "escalation-due-mail resolved mail 0"],
  },
  {
    alert: { when: "log_down" },
    nearly: () => {},
    bad: () => change({ logTrouble: "the disk is full" }),
    well: () => change({ logTrouble: null }),
    told: ["log-down fired 0", "log-down resolved 10"],
  },
];

function change(part: Partial<World>): void {
  Object.assign(desk.world, part);
}

describe("an alert", () => {
  it.each(kinds.map((kind) => [`${kind.alert.when} ${kind.alert.handler ?? kind.alert.integration ?? ""}`, kind] as const))(
    "of %s does not fire where it should not, fires once where it should, and is resolved once",
    async (_, { alert, nearly, bad, well, told }) => {
      start(alert);
      nearly();
      await desk.clock.advance(60 * seconds);
      expect(desk.lines()).toEqual([]);
      bad();
      await desk.clock.advance(10 * seconds);
      expect(desk.lines()).toEqual(told.slice(0, 1));
      await well();
      await desk.clock.advance(60 * seconds);
      expect(desk.lines()).toEqual(told);
      await desk.clock.advance(600 * seconds);
      expect(desk.lines()).toEqual(told);
    },
  );

  it("fires and is resolved for each handler by itself", async () => {
    start({ when: "lag", over: 60 });
    change({ lagSeconds: { charge: 61, mail: 0 } });
    await desk.clock.advance(4 * seconds);
    change({ lagSeconds: { charge: 99, mail: 99 } });
    await desk.clock.advance(4 * seconds);
    change({ lagSeconds: { charge: 0, mail: 99 } });
    await desk.clock.advance(20 * seconds);
    expect(desk.lines()).toEqual(["lag fired charge 61", "lag fired mail 99", "lag resolved charge 0"]);
  });

  it("tells who reads it what it is about, and what to type next", async () => {
    start({ when: "breaker_open" });
    change({ breakers: { bank: "open", smtp: "closed" } });
    await desk.clock.advance(2 * seconds);
    const [{ id, body }] = desk.told as [(typeof desk.told)[number]];
    expect(body).toMatchObject({
      ...{ specversion: "1.0", id, type: "com.reprise.alert", source: "reprise", subject: "breaker-open", time: "2026-01-01T00:00:00.000Z" },
      data: {
        ...{ alert: "breaker-open", when: "breaker_open", status: "fired", integration: "bank", handler: null, over: 0, unit: "seconds" },
        ...{
          fired_at: "2026-01-01T00:00:00.000Z",
          resolved_at: null,
          summary: "Integration bank is down: its handlers wait.",
          next: "reprise integrations ls",
        },
      },
    });
  });

  it("does not flap: a moment in which all is well resolves nothing, and what comes back again and again is told ever more seldom", async () => {
    start({ when: "lag", over: 60, handler: "mail" });
    for (let moments = 0; moments < 900; moments++) {
      change({ lagSeconds: { charge: 0, mail: moments % 2 === 0 ? 61 : 60 } });
      await desk.clock.advance(2 * seconds);
    }
    expect(desk.lines()).toEqual(["lag-mail fired mail 61"]);
    desk.told.length = 0;
    for (let minutes = 0; minutes < 60; minutes++) {
      change({ lagSeconds: { charge: 0, mail: minutes % 2 === 0 ? 60 : 61 } });
      await desk.clock.advance(60 * seconds);
    }
    expect(desk.told.length).toBeGreaterThan(2);
    expect(desk.told.length).toBeLessThan(15);
  });
});

describe("over restarts", () => {
  it("nothing is fired or resolved twice", async () => {
    desk.letters(3);
    for (let lives = 0; lives < 3; lives++) {
      const alerts = start({ when: "dead_letters", over: 2 });
      await desk.clock.advance(60 * seconds);
      await stop(alerts);
    }
    expect(desk.lines()).toEqual(["dead-letters fired 3"]);
    change({ letters: [] }); // while nobody looks
    for (let lives = 0; lives < 3; lives++) {
      const alerts = start({ when: "dead_letters", over: 2 });
      await desk.clock.advance(60 * seconds);
      await stop(alerts);
    }
    expect(desk.lines()).toEqual(["dead-letters fired 3", "dead-letters resolved 0"]);
  });

  it("what was not told is told by the next process, under the same id", async () => {
    desk.answer(() => ({ why: "HTTP 503", askedMs: null }));
    desk.letters(3);
    const alerts = start({ when: "dead_letters", over: 2 });
    await desk.clock.advance(60 * seconds);
    await stop(alerts);
    const [id] = desk.sent;
    expect(new Set(desk.sent).size).toBe(1);
    desk.answer(() => null);
    start({ when: "dead_letters", over: 2 });
    await desk.clock.advance(60 * seconds);
    expect(desk.told.map((notice) => notice.id)).toEqual([id]);
  });

  it("rows that are still being filled resolve nothing", async () => {
    desk.letters(3);
    const alerts = start({ when: "dead_letters", over: 2 });
    await desk.clock.advance(4 * seconds);
    await stop(alerts);
    change({ behind: true, letters: [] });
    start({ when: "dead_letters", over: 2 });
    await desk.clock.advance(60 * seconds);
    expect(desk.lines()).toEqual(["dead-letters fired 3"]);
  });

  it.each([true, false])("a log that is down is told once, where its folder is kept: %s", async (kept) => {
    const folder = temporaryFolder();
    const clock = makeFakeClock();
    let all: string[] = [];
    for (let lives = 0; lives < 3; lives++) {
      desk = makeAlertDesk({ clock, viewsFile: join(kept ? folder : temporaryFolder(), "views.db") });
      change({ logTrouble: lives < 2 ? "no answer" : null });
      const alerts = start({ when: "log_down", over: 4 }, { when: "log_down", name: "pager" });
      await clock.advance(30 * seconds);
      await stop(alerts);
      all = [...all, ...desk.lines()];
    }
    if (kept) expect(all.toSorted()).toEqual(["log-down fired 4", "log-down resolved 0", "pager fired 0", "pager resolved 0"]);
    else expect(all).toHaveLength(4); // twice fired each, and nothing to resolve
  });

  it("a handler that is not in the config any more is resolved", async () => {
    change({ conditions: { charge: "stopped", mail: "running" } });
    const alerts = start({ when: "handler_stopped" });
    await desk.clock.advance(4 * seconds);
    await stop(alerts);
    start({ when: "handler_stopped", handler: "mail", name: "handler-stopped" });
    await desk.clock.advance(20 * seconds);
    expect(desk.lines()).toEqual(["handler-stopped fired charge 0", "handler-stopped resolved charge 0"]);
  });
});

describe("several processes", () => {
  it("of which only one has a handler in its config, as while a new one is rolled out, do not resolve what is fired about it", async () => {
    change({ lagSeconds: { charge: 11 }, elsewhere: ["charge"] });
    start({ when: "lag", over: 10 });
    await desk.clock.advance(4 * seconds);
    start({ when: "lag", handler: "mail", name: "lag", over: 10 }); // as a config without `charge`
    await desk.clock.advance(60 * seconds);
    expect(desk.lines()).toEqual(["lag fired charge 11"]);
    change({ lagSeconds: { charge: 0 } });
    await desk.clock.advance(20 * seconds);
    expect(desk.lines()).toEqual(["lag fired charge 11", "lag resolved charge 0"]);
  });

  it("that look at the same fire it once and resolve it once", async () => {
    for (let processes = 0; processes < 4; processes++) start({ when: "dead_letters", over: 2 }, { when: "lag", over: 10 });
    desk.letters(3);
    change({ lagSeconds: { charge: 11, mail: 12 } });
    await desk.clock.advance(30 * seconds);
    expect(desk.lines()).toHaveLength(3);
    expect(desk.lines()).toEqual(expect.arrayContaining(["dead-letters fired 3", "lag fired charge 11", "lag fired mail 12"]));
    change({ letters: [], lagSeconds: { charge: 0, mail: 0 } });
    await desk.clock.advance(60 * seconds);
    expect(desk.told).toHaveLength(6);
    expect(new Set(desk.sent).size).toBe(6);
    expect(desk.sent).toHaveLength(6);
  });

  it("that have none of a handler's partitions that stand still fire it, too, and resolve it only when it is known that none does", async () => {
    change({ stoppedElsewhere: ["charge"] }); // `charge` runs here
    const alerts = start({ when: "handler_stopped" });
    await desk.clock.advance(10 * seconds);
    expect(desk.lines()).toEqual(["handler-stopped fired charge 0"]);
    await stop(alerts);
    start({ when: "handler_stopped" }); // after a restart, it reads what fires
    change({ stoppedElsewhere: [], handedOver: ["charge"] }); // its instance is gone
    await desk.clock.advance(30 * seconds);
    change({ stoppedElsewhere: ["charge"], handedOver: [] });
    await desk.clock.advance(30 * seconds);
    expect(desk.lines()).toHaveLength(1);
    change({ stoppedElsewhere: [] });
    await desk.clock.advance(30 * seconds);
    expect(desk.lines()).toHaveLength(2);
  });
});

describe("a receiver", () => {
  it("that fails is asked again, ever more seldom, and gets all in order once it is there", async () => {
    desk.answer(() => ({ why: "ECONNREFUSED", askedMs: null }));
    const alerts = start({ when: "dead_letters", over: 2 });
    desk.letters(3);
    await desk.clock.advance(120 * seconds);
    change({ letters: [] });
    await desk.clock.advance(3600 * seconds);
    expect(desk.sent.length).toBeLessThan(25);
    expect(alerts.warnings()).toEqual(["alert dead-letters: its receiver could not be told (ECONNREFUSED); tried again."]);
    desk.answer(() => null);
    await desk.clock.advance(300 * seconds);
    expect(desk.lines()).toEqual(["dead-letters fired 3", "dead-letters resolved 0"]);
    expect(alerts.warnings()).toEqual([]);
  });

  it("that asks to be left alone is, for an hour at most", async () => {
    desk.answer(() => ({ why: "HTTP 429", askedMs: 86_400_000 }));
    start({ when: "dead_letters", over: 2 });
    desk.letters(3);
    await desk.clock.advance(3500 * seconds);
    expect(desk.sent).toHaveLength(1);
    await desk.clock.advance(200 * seconds);
    expect(desk.sent).toHaveLength(2);
  });

  it("that was away for long gets the last hundred, and the record stays small", async () => {
    desk.answer(() => ({ why: "HTTP 500", askedMs: null }));
    start({ when: "dead_letters", over: 0, quietMs: 0 });
    for (let times = 0; times < 400; times++) {
      change({ letters: [] });
      await desk.clock.advance(400 * seconds);
      desk.letters(1);
      await desk.clock.advance(700 * seconds);
    }
    let last: { readonly untold: readonly unknown[] } | undefined;
    for await (const batch of desk.log.readStream(alertStream("dead-letters"), { direction: "backward", limit: 1 }))
      last = batch[0]!.data as unknown as typeof last;
    expect(last?.untold).toHaveLength(100);
  });

  it("that never answers holds up neither the other alerts nor the end of the service", async () => {
    desk.answer(({ name }) => (name === "stuck" ? new Promise(() => {}) : null));
    const alerts = start({ when: "dead_letters", over: 2, name: "stuck" }, { when: "dead_letters", over: 2 });
    desk.letters(3);
    await desk.clock.advance(10 * seconds);
    expect(desk.lines()).toEqual(["dead-letters fired 3"]);
    const stopped = alerts.stop();
    await desk.clock.advance(1000);
    await stopped;
  });
});

describe("a log that takes no appends", () => {
  it("and does not even answer holds up no word of it", async () => {
    desk.log.append = async () => new Promise(() => {});
    const alerts = start({ when: "dead_letters", over: 2 }, { when: "log_down" });
    desk.letters(3);
    await desk.clock.advance(4 * seconds);
    change({ logTrouble: "no answer" });
    await desk.clock.advance(4 * seconds);
    expect(desk.lines()).toEqual(["log-down fired 0"]);
    await stop(alerts);
  });

  it("keeps what it cannot record from being told, and it is told once it does", async () => {
    const append = desk.log.append.bind(desk.log);
    let isDown = true;
    desk.log.append = async (...given) => {
      if (isDown) throw Object.assign(new Error("no answer"), { code: "LOG_UNAVAILABLE" });
      return append(...given);
    };
    start({ when: "dead_letters", over: 2 });
    desk.letters(3);
    await desk.clock.advance(60 * seconds);
    expect(desk.sent).toEqual([]);
    isDown = false;
    await desk.clock.advance(4 * seconds);
    expect(desk.lines()).toEqual(["dead-letters fired 3"]);
  });

  it("has the receiver told once, though that cannot be recorded for a while", async () => {
    const append = desk.log.append.bind(desk.log);
    let isDown = false;
    desk.log.append = async (...given) => {
      if (isDown) throw Object.assign(new Error("no answer"), { code: "LOG_UNAVAILABLE" });
      return append(...given);
    };
    desk.answer(() => {
      isDown = true;
      return null;
    });
    start({ when: "dead_letters", over: 2 });
    desk.letters(3);
    await desk.clock.advance(60 * seconds);
    isDown = false;
    await desk.clock.advance(600 * seconds);
    expect(desk.sent).toHaveLength(1);
  });
});
