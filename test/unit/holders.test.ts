import { describe, expect, it, onTestFinished } from "vitest";
import { Holders } from "../../src/delivery/ownership/cluster/holders.ts";
import { systemClock } from "../../src/event/clock.ts";
import { newId } from "../../src/event/ids.ts";
import { clusterStream, journalStream } from "../../src/event/names.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";

const journals = [0, 1].map((partition) => journalStream("desk", 2, partition));

describe("who holds a journal", () => {
  it("is nobody once its holder is back after a silence, because that has aborted all; a claim that comes after that counts", async () => {
    const log = openMemoryLog();
    const leaving = new AbortController();
    onTestFinished(async () => {
      leaving.abort();
      await log.close();
    });
    const append = (stream: string, type: string, data: object) => log.append(stream, [ownEvent(newId, type, data as never)], "any");
    await append(journals[0]!, "partition.claimed", { owner: "a" });
    const holders = new Holders({ log, clock: systemClock, signal: leaving.signal, onNews: () => {} });
    await holders.start([0, 1].map((partition) => ({ handler: "desk", partition, of: 2 })));
    await append(journals[1]!, "partition.claimed", { owner: "b" });
    const known = () => journals.map((journal) => holders.of(journal).instance);
    await expect.poll(known).toEqual(["a", "b"]);
    await append(clusterStream, "member.returned", { instance: "a" });
    await expect.poll(known).toEqual([null, "b"]);
    await append(journals[0]!, "partition.claimed", { owner: "a" });
    await expect.poll(known).toEqual(["a", "b"]);
  });
});
