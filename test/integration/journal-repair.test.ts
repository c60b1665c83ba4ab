/** What another program writes into a handler's journal keeps that handler alone from working, says where it is, and is skipped on record. */
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { openStore } from "../../src/compose.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import type { Json, NewEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import { openLog } from "../../src/log/open-log.ts";
import { serverLogs } from "../support/server-logs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { headOf, logRows, type StoredPlace } from "../support/test-store.ts";

const happened = defineEvent("thing.happened", { 1: z.object({ n: z.int() }) });

function makeConfig() {
  const calls = { one: [] as number[], two: [] as number[] };
  const handler = (name: "one" | "two") =>
    defineHandler({
      name,
      events: [happened],
      on: {
        "thing.happened": async ({ data }) => {
          calls[name].push(data.n);
        },
      },
    });
  return { calls, config: defineConfig({ events: [happened], handlers: [handler("one"), handler("two")] }) };
}

const append = (n: number) => ({ type: "thing.happened", entity: { type: "thing", id: "a" }, data: { n } });
const written = (type: string, data: Json, source: string | null): NewEvent => ({
  id: newId(),
  type,
  schemaVersion: 1,
  source,
  occurredAt: null,
  data,
  metadata: { priority: "normal" },
});
const journal = "reprise.journal-one-1-0";
/** Each as somebody might write it there. */
const foreign: Readonly<Record<string, NewEvent>> = {
  "of a type of its own": written("note.taken", { by: "somebody" }, "notes"),
  "that claims the journal, and is none of ours": written("partition.claimed", { owner: "me", build: "1", catalog: "x", readAhead: 1 }, null),
  "that says what was done": written("progress", { checkpoint: "999999999999", ahead: [] }, "notes"),
  "that looks like ours and does not fold": written("progress", { checkpoint: "none", ahead: 7 }, "reprise"),
  "named as the parts of objects are": written("constructor", {}, "reprise"),
};

const places: readonly (readonly [string, () => Promise<StoredPlace>])[] = [
  ["the embedded log", async () => temporaryFolder()],
  ...serverLogs.map(([title, open]) => [title, async () => ({ ...(await open()), data: temporaryFolder() })] as const),
];

describe.each(places)("a foreign event in a journal of %s", (_title, open) => {
  const openAt = (place: StoredPlace, config: ReturnType<typeof makeConfig>["config"]) =>
    openStore(config, typeof place === "string" ? { log: `sqlite:${place}` } : place).then((store) => {
      onTestFinished(() => store.close());
      return store;
    });
  const write = async (place: StoredPlace, event: NewEvent) => {
    const log = await openLog(typeof place === "string" ? `sqlite:${place}` : place.log, typeof place === "string" ? {} : { namespace: place.namespace ?? "" });
    await log.append(journal, [event], "any");
    await log.close();
  };

  it.each(Object.keys(foreign))(
    "%s: that handler stands still with its place, the other works, and a repair lets it go on",
    { timeout: 60_000 },
    async (what) => {
      const place = await open();
      const { calls, config } = makeConfig();
      const first = await openAt(place, config);
      await first.start();
      await first.append(append(1));
      await expect.poll(() => [calls.one, calls.two], { timeout: 25_000 }).toEqual([[1], [1]]);
      await first.close();
      await write(place, foreign[what]!);

      const store = await openAt(place, config);
      await store.start();
      await store.append(append(2));
      await expect.poll(() => calls.two, { timeout: 25_000 }).toEqual([1, 2]);
      expect(calls.one).toEqual([1]);
      const handlers = async () => Object.fromEntries((await store.views.handlers()).map((handler) => [handler.name, handler]));
      await store.views.waitFor(await headOf(place), 25_000);
      const { one, two } = await handlers();
      expect(two).toMatchObject({ state: "running", fault: null });
      expect(one).toMatchObject({
        state: "stopped",
        fault: expect.stringMatching(new RegExp(`^JOURNAL_DAMAGED: ${journal.replace(".", "\\.")} has .* at revision \\d+`)),
      });
      expect(store.notReady()).toContain("handler one stands still: JOURNAL_DAMAGED");
      await expect(store.pauseHandler("one")).rejects.toMatchObject({ code: "JOURNAL_DAMAGED" });
      await expect(store.repairHandler("two", { reason: "look" })).rejects.toMatchObject({ code: "NOTHING_TO_REPAIR" });
      await expect(store.repairHandler("three", { reason: "look" })).rejects.toMatchObject({ code: "NOT_FOUND" });

      const { skipped } = await store.repairHandler("one", { actor: "anna", reason: "a script wrote there" });
      expect(skipped).toBe(1);
      await expect.poll(() => calls.one, { timeout: 25_000 }).toEqual([1, 2]);
      await expect.poll(() => store.notReady(), { timeout: 25_000 }).toBeNull();
      await store.close();
      const acts = (await logRows(place)).filter(({ type }) => type === "handler.repaired");
      expect(acts.map(({ stream, data }) => [stream, data])).toEqual([
        [
          "reprise.handler-one",
          { journal, skipped: [expect.objectContaining({ type: foreign[what]!.type })], act: { actor: "anna", reason: "a script wrote there" } },
        ],
      ]);

      const third = await openAt(place, config);
      await third.start();
      await third.append(append(3));
      await expect
        .poll(() => [calls.one, calls.two], { timeout: 25_000 })
        .toEqual([
          [1, 2, 3],
          [1, 2, 3],
        ]);
    },
  );
});
