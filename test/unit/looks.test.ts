import { expect, it, onTestFinished } from "vitest";
import { Looks } from "../../src/delivery/ownership/cluster/looks.ts";
import type { OwnBeats } from "../../src/delivery/ownership/cluster/own-beats.ts";
import { Steward } from "../../src/delivery/ownership/rules/steward.ts";
import { systemClock } from "../../src/event/clock.ts";
import type { StoredEvent } from "../../src/event/event.ts";

const joined = (instance: string, revision: number): StoredEvent => {
  const data = { instance, build: "1", catalog: "c", weight: 1, life: `life-${instance}`, partitions: { desk: 1 } };
  return { type: "member.joined", data, revision, recordedAt: "2026-01-01T00:00:00Z" } as unknown as StoredEvent;
};

it("what comes of the cluster's stream by itself is known without a look; where events are missing before it, there is one", async () => {
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const steward = new Steward(systemClock.monotonicMs());
  const events = [joined("a", 0), joined("b", 1), joined("c", 2)];
  const told: boolean[] = [];
  let reads = 0;
  const stream = {
    async news(generation: number) {
      reads++;
      return events.slice(generation + 1) as never;
    },
    append: async () => true,
  };
  const beats = { look: async () => ({ ownSentMs: null, beats: new Map(), said: new Map() }) } as unknown as OwnBeats;
  const looks = new Looks({
    steward,
    stream,
    beats,
    clock: systemClock,
    life: "life-a",
    signal: leaving.signal,
    onSaid: () => {},
    onLooked: (changed) => void told.push(changed),
  });
  const members = () => [...steward.state.members.keys()];

  looks.came([events[0]!]);
  expect([members(), reads, told]).toEqual([["a"], 0, [true]]);
  looks.came([]); // a partition was let go of
  looks.came([events[0]!]); // once more, as after a drop
  expect([members(), reads, told]).toEqual([["a"], 0, [true, false, false]]);
  looks.came([events[2]!]);
  await expect.poll(members, { timeout: 30_000 }).toEqual(["a", "b", "c"]);
  expect(reads).toBe(1);
});
