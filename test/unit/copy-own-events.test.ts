import { describe, expect, it } from "vitest";
import type { Json, StoredEvent } from "../../src/event/event.ts";
import { checkOwnEvent, ownEventRewrites, rewriteOwnEvent } from "../../src/log/copy/copy-own-events.ts";
import type { AlertStreamData } from "../../src/records/alert.ts";
import type { EffectsStreamData } from "../../src/records/effects.ts";
import type { ErrorGroupStreamData } from "../../src/records/error-groups.ts";
import type { HandlerStreamData } from "../../src/records/handler.ts";
import type { IntegrationStreamData } from "../../src/records/integration.ts";
import type { JournalData } from "../../src/records/journal.ts";
import type { PlanStreamData } from "../../src/records/plan.ts";
import type { ReplayStreamData } from "../../src/records/replay.ts";
import type { ViewsStreamData } from "../../src/records/views.ts";
import { filesOf, readText } from "../support/repository-files.ts";
import { makeStoredEvent } from "../support/stored-event.ts";

type OwnData = JournalData &
  HandlerStreamData &
  ReplayStreamData &
  PlanStreamData &
  EffectsStreamData &
  IntegrationStreamData &
  ErrorGroupStreamData &
  AlertStreamData &
  ViewsStreamData;
type OwnType = keyof OwnData;

/** Each type in the log must be known here, and no other: a new one is a decision about its positions. */
const known: { readonly [T in OwnType]: true } & { readonly [T in keyof typeof ownEventRewrites]: true } = {
  "partition.claimed": true,
  "partition.wants": true,
  "act.done": true,
  "act.refused": true,
  "act.asked": true,
  "act.withdrawn": true,
  "partition.released": true,
  "partition.closed": true,
  "handler.repartitioning": true,
  "handler.repartition_withdrawn": true,
  "partition.reset": true,
  progress: true,
  "lane.detached": true,
  "lane.attached": true,
  "lane.paused": true,
  "lane.resumed": true,
  "lane.retried": true,
  "lane.gap": true,
  "delivery.started": true,
  "delivery.part_completed": true,
  "delivery.failed": true,
  "delivery.deferred": true,
  "delivery.dead_lettered": true,
  "delivery.settled": true,
  "letters.replayed": true,
  "delivery.amended": true,
  "delivery.decided": true,
  "delivery.noticed": true,
  "replay.stopped": true,
  snapshot: true,
  "handler.configured": true,
  "handler.paused": true,
  "handler.resumed": true,
  "handler.retired": true,
  "handler.repaired": true,
  "integration.opened": true,
  "integration.closed": true,
  "integration.gated": true,
  "integration.trial_begun": true,
  "integration.trial_ended": true,
  "integration.isolated": true,
  "integration.reset": true,
  "error_group.resolved": true,
  "error_group.ignored": true,
  "error_group.reopened": true,
  "alert.changed": true,
  "alert.told": true,
  "replay.claimed": true,
  "replay.requested": true,
  "replay.items": true,
  "replay.pausing": true,
  "replay.paused": true,
  "replay.resumed": true,
  "replay.rate_changed": true,
  "replay.cancelling": true,
  "replay.stopping": true,
  "replay.canary_passed": true,
  "replay.started": true,
  "replay.outcomes": true,
  "replay.ended": true,
  "effect.recorded": true,
  "plan.made": true,
  "plan.used": true,
  "event.restored": true,
  "archive.restoring": true,
  "archive.restored": true,
  "views.rebuild_requested": true,
};

const eventOf = (type: string, data: Json): StoredEvent =>
  makeStoredEvent({ type, source: "reprise", data, stream: "reprise.journal-ledger-1-0", revision: 3, position: 9n });
const rules = {
  position: (source: Json | undefined) => (BigInt(source as string) * 100n).toString(),
  keeps: (lane: Json | undefined) => (lane as string).startsWith("ours."),
  amendment: (journal: string, revision: Json | undefined) => (journal === "reprise.journal-ledger-1-0" ? (revision as number) - 1 : Number.NaN),
};
const rewrite = <T extends OwnType>(type: T, data: OwnData[T]): Json | null => rewriteOwnEvent(eventOf(type, data as unknown as Json), rules);
const delivery = { revision: 2, at: "7", eventId: "e" };
const record = { attempt: 1, startedAt: "2026-01-01T00:00:00.000Z", durationMs: 1, outcome: "failed", class: "transient", error: null } as const;

describe("the events of Reprise's own in another log", () => {
  it("are all known, and an unknown one is refused", () => {
    expect(new Set(Object.keys(ownEventRewrites))).toEqual(new Set(Object.keys(known)));
    for (const type of Object.keys(known)) checkOwnEvent(eventOf(type, {}));
    expect(() => checkOwnEvent(eventOf("lane.teleported", {}))).toThrow(/journal-ledger-1-0 has a "lane.teleported" at revision 3/);
    expect(() => checkOwnEvent(eventOf("toString", {}))).toThrow();
  });

  it("are those that the records define, whichever file they stand in; requests, instances and what left a log stay where they are", () => {
    const files = filesOf(/^src\/records\//).filter((path) => !/\/(request|cluster|retention)[.]ts$/.test(path));
    const defined = files.flatMap((path) => Array.from(readText(path).matchAll(/^ {2}"([a-z_]+\.[a-z_]+)": /gm), ([, type]) => type!));
    expect(new Set([...defined, "progress", "snapshot"])).toEqual(new Set(Object.keys(ownEventRewrites)));
  });

  it("keep their place: the checkpoint and the lanes ahead of it", () => {
    const completed = [
      { ...delivery, lane: "ours.order-1", record },
      { ...delivery, lane: "theirs.order-1", record },
    ];
    const ahead = [
      ["ours.order-1", 3, "8"],
      ["theirs.order-1", 4, "9"],
    ] as const;
    expect(rewrite("progress", { checkpoint: "5", ahead, completed })).toEqual({
      checkpoint: "500",
      ahead: [["ours.order-1", 3, "800"]],
      completed: [{ ...delivery, at: "700", lane: "ours.order-1", record }],
    });
    expect(rewrite("progress", { checkpoint: "0", ahead: [] })).toEqual({ checkpoint: "0", ahead: [] });
    const call = (lane: string, at: string) => [`${lane}.order-1`, 2, at, "e", 4, "r1"] as const;
    const attached = [
      ["ours.order-1", "3"],
      ["theirs.order-1", "3"],
    ] as const;
    expect(rewrite("progress", { checkpoint: "5", ahead: [], attached, started: [call("theirs", "7"), call("ours", "7")] })).toEqual({
      checkpoint: "500",
      ahead: [],
      attached: [["ours.order-1", "300"]],
      started: [call("ours", "700")],
    });
  });

  it("keep those dead letters of a list whose entities are copied", () => {
    const act = { actor: "ann", reason: null, replayId: "r1" };
    const letter = (lane: string, at: string) => [`${lane}.order-1`, 2, at, "e", "dead_lettered", record, null] as const;
    expect(rewrite("letters.replayed", { act, letters: [letter("ours", "7"), letter("theirs", "7")] })).toEqual({ act, letters: [letter("ours", "700")] });
    expect(rewrite("letters.replayed", { act, letters: [letter("theirs", "7")] })).toBeNull();
  });

  it("keep what they say of one delivery, and are left out when its entity is", () => {
    const failed = { ...delivery, record, retryAt: "2026-01-01T00:00:01.000Z" };
    expect(rewrite("delivery.failed", { ...failed, lane: "ours.order-1" })).toEqual({ ...failed, lane: "ours.order-1", at: "700" });
    expect(rewrite("delivery.failed", { ...failed, lane: "theirs.order-1" })).toBeNull();
    expect(rewrite("lane.gap", { lane: "ours.order-1", from: 1, to: 2, why: "missing" })).toEqual({ lane: "ours.order-1", from: 1, to: 2, why: "missing" });
    expect(rewrite("lane.gap", { lane: "theirs.order-1", from: 1, to: 2, why: "missing" })).toBeNull();
    const act = { actor: "local", reason: null };
    expect(rewrite("lane.paused", { lane: "ours.order-1", next: 2, at: "3", before: "flowing", act })).toMatchObject({ next: 2, at: "300", act });
    expect(rewrite("lane.resumed", { lane: "theirs.order-1", act })).toBeNull();
    const effect = { handler: "ledger", revision: 2, eventId: "e", key: "charge", result: { id: "c-1" }, attempt: 1 };
    expect(rewrite("effect.recorded", { ...effect, lane: "ours.order-1" })).toEqual({ ...effect, lane: "ours.order-1" });
    expect(rewrite("effect.recorded", { ...effect, lane: "theirs.order-1" })).toBeNull();
    expect(rewrite("lane.attached", { lane: "ours.order-1", at: "3" })).toEqual({ lane: "ours.order-1", at: "300" });
  });

  it("keep a snapshot's lanes, dead letters and calls under way", () => {
    const letter = { ...delivery, attempts: 3, escalated: false, replay: null };
    const lane = { next: 4, at: "8", detached: true, why: null, attempts: 0, retryAt: null };
    const started = { ...delivery, attempt: 1, alone: false, replayId: null, crashes: 0 };
    const state = { set: "s", part: 0, parts: 1, checkpoint: "6", clean: true, readAhead: 4096 };
    expect(
      rewrite("snapshot", {
        ...state,
        lanes: [
          { ...lane, lane: "ours.order-1", letters: [letter, { ...letter, revision: 3, amended: { revision: 17, replayId: null } }] },
          { ...lane, lane: "theirs.order-1", letters: [letter] },
        ],
        started: [
          { ...started, lane: "theirs.order-1" },
          { ...started, lane: "ours.order-1" },
        ],
      }),
    ).toEqual({
      ...state,
      checkpoint: "600",
      lanes: [
        {
          ...{ ...lane, at: "800", lane: "ours.order-1" },
          letters: [
            { ...letter, at: "700" },
            { ...letter, revision: 3, at: "700", amended: { revision: 16, replayId: null } },
          ],
        },
      ],
      started: [{ ...started, at: "700", lane: "ours.order-1" }],
    });
  });

  it("keep from when on a handler wants its types, and a replay's items", () => {
    const handler = { ordering: "strict", start: "now", partitions: 1, journal: "reprise.journal-ledger-1-0", endpoint: null } as const;
    expect(rewrite("handler.configured", { ...handler, types: { "order.placed": "0", "order.paid": "12" } })).toEqual({
      ...handler,
      types: { "order.placed": "0", "order.paid": "1200" },
    });
    const item = { handler: "ledger", lane: "ours.order-1", revision: 2, at: "7", eventId: "e", attempts: 3 };
    expect(rewrite("replay.items", { items: [item] })).toEqual({ items: [{ ...item, at: "700" }] });
  });

  it("whose content does not fit their name are told as damaged", () => {
    expect(() => rewriteOwnEvent(eventOf("progress", { checkpoint: "later" }), rules)).toThrow(/reprise.journal-ledger-1-0 has a "progress" at revision 3/);
  });
});
