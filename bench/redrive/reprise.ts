import { rmSync } from "node:fs";
import { defineEvent } from "../../src/catalog/define.ts";
import { openStore } from "../../src/compose.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { orderV1 } from "../samples.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { type Contestant, concurrency, freshName, type Item, type Receiver, type Run, roundsOf, until, versionOf } from "./work.ts";

const orderPlaced = defineEvent("order.placed", { 1: orderV1 });

/**
 * `strict`, the default: each entity's first event becomes a dead letter, and the others wait behind it. `relaxed`: all events become dead letters. The log is
 * the embedded one, with a sync for each record, or the server that EVENTSTORE_URL names.
 */
export function repriseContestants(server: string | null): readonly Contestant[] {
  const version = versionOf("../..", ".");
  const embedded = (["strict", "relaxed"] as const).map((ordering) => ({
    name: `reprise, embedded, ${ordering}`,
    version,
    how: `replay-batch; ${ordering === "strict" ? "one dead letter an entity, the rest waits behind them" : "each item is a dead letter"}; a sync for each record`,
    open: (items: readonly Item[], receiver: Receiver) => open(items, receiver, { ordering, log: null }),
  }));
  if (server === null) return embedded;
  return [
    ...embedded,
    {
      name: "reprise, EventStoreDB",
      version,
      how: "replay-batch; one dead letter an entity, the rest waits behind them; as the server is set",
      open: (items, receiver) => open(items, receiver, { ordering: "strict", log: server }),
    },
  ];
}

async function open(
  items: readonly Item[],
  receiver: Receiver,
  { ordering, log }: { readonly ordering: "strict" | "relaxed"; readonly log: string | null },
): Promise<Run> {
  const folder = temporaryFolder();
  const shop = defineHandler({
    ...{ name: "shop", events: [orderPlaced], startFrom: "beginning" as const, ordering, concurrency },
    retry: { maxAttempts: 1 },
    on: { "order.placed": ({ entity, revision }) => receiver.take({ entity: Number(entity.id), rank: revision }) },
  });
  const place = log === null ? { log: `sqlite:${folder}` } : { log, data: folder, namespace: `${freshName()}:` };
  const store = await openStore(defineConfig({ events: [orderPlaced], handlers: [shop] }), place);
  const letters = ordering === "relaxed" ? items.length : new Set(items.map(({ entity }) => entity)).size;
  return {
    async fail() {
      await store.start();
      for (const round of roundsOf(items))
        await store.append(round.map(({ entity, order }) => ({ type: "order.placed", entity: { type: "order", id: String(entity) }, data: order as never })));
      await until(async () => (await store.views.deadLetterStats({ tenant: "default" })).total === letters, `${letters} dead letters`);
    },
    redrive: async () => void (await store.replayBatch({}, { maxEvents: items.length })),
    async close() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
