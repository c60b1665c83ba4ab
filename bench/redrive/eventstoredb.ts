import {
  EventStoreDBClient,
  jsonEvent,
  type PersistentSubscriptionToStream,
  persistentSubscriptionToStreamSettingsFromDefaults,
  START,
} from "@eventstore/db-client";
import { type Contestant, concurrency, freshName, type Item, type Receiver, roundsOf, until, versionOf } from "./work.ts";

/** Parked messages of a persistent subscription to one stream that holds all items, in their order. */
export function eventStoreDbContestants(url: string): readonly Contestant[] {
  return [
    {
      name: "EventStoreDB, parked messages",
      version: `client ${versionOf("@eventstore/db-client", "../../node_modules")}`,
      how: "replayParked; as the server is set",
      open: (items, receiver) => open(url, items, receiver),
    },
  ];
}

async function open(url: string, items: readonly Item[], receiver: Receiver) {
  const client = EventStoreDBClient.connectionString(url);
  const stream = freshName();
  const group = "shop";
  for (const round of roundsOf(items))
    await client.appendToStream(
      stream,
      round.map((data) => jsonEvent({ type: "order.placed", data: data as never })),
    );
  await client.createPersistentSubscriptionToStream(
    stream,
    group,
    persistentSubscriptionToStreamSettingsFromDefaults({
      startFrom: START,
      maxRetryCount: 0,
      readBatchSize: 200,
      liveBufferSize: 1000,
      historyBufferSize: 1000,
    }),
  );
  const subscription = client.subscribeToPersistentSubscriptionToStream<never>(stream, group, { bufferSize: concurrency });
  let parked = 0;
  subscription.on("data", (resolved) => void take(subscription, resolved));
  subscription.on("error", () => {}); // it ends with the client

  async function take(from: PersistentSubscriptionToStream<never>, resolved: Parameters<PersistentSubscriptionToStream["ack"]>[0]): Promise<void> {
    try {
      await receiver.take(resolved.event!.data as unknown as Item);
      await from.ack(resolved);
    } catch {
      parked++;
      await from.nack("park", "the receiver is down", resolved);
    }
  }

  return {
    fail: async () => {
      await until(() => parked >= items.length, "all messages parked");
      await until(async () => {
        const { stats } = await client.getPersistentSubscriptionToStreamInfo(stream, group);
        return Number(stats.parkedMessageCount) >= items.length;
      }, "the server has parked all messages");
    },
    redrive: () => client.replayParkedMessagesToStream(stream, group),
    async close() {
      await subscription.unsubscribe().catch(() => {});
      await client.deletePersistentSubscriptionToStream(stream, group);
      await client.dispose();
    },
  };
}
