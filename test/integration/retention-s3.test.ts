/** Runs whose archive is in a bucket of a service that lies, fails, or does not answer: what is not safely there stays in the log, and the next run goes on. */
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/event/clock.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import { isEntityStream } from "../../src/event/names.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import type { Archive } from "../../src/retention/archive/archive.ts";
import { archiveAt } from "../../src/retention/archive/open-archive.ts";
import { openS3Place } from "../../src/retention/archive/s3/s3-place.ts";
import { anEvent, flat } from "../contract/log-events.ts";
import { makeRandom } from "../support/partition-model.ts";
import { goesByForce, retentionRules } from "../support/retention-rules.ts";
import { runOnce } from "../support/retention-scene.ts";
import { type Misdeed, standInBucket, startS3 } from "../support/s3-stand-in.ts";
import { size, someOf } from "../support/sizes.ts";

/** Wrong bytes, errors, no answers, half uploads, and what is like them. */
const misdeeds = someOf<Misdeed>(4, ["half", "wrong", "error", "hang", "lost", "cut", "slow", "refuse"]);
const seed = size(24, Date.now() % 1_000_000_000, "REPRISE_S3_SEED");
const hourMs = 3_600_000;
const key = ({ stream, revision }: StoredEvent): string => `${stream} ${revision}`;

const inOrder = (keys: readonly string[]): readonly string[] => keys.toSorted((one, other) => (one < other ? -1 : 1));

/** A log with events an hour apart, and what may go of it. */
async function aLog() {
  let nowMs = Date.parse("2026-01-01T00:00:00Z");
  const log = openMemoryLog({ clock: { ...systemClock, now: () => nowMs } });
  for (let n = 0; n < 100; n++) {
    nowMs += hourMs;
    const entity = (n * 7) % 40;
    await log.append(`shop.${["order", "chat", "trace", "other"][entity % 4]}-${entity}`, [anEvent({ n, text: "x".repeat(50) }), anEvent({ n })], "any");
  }
  const events = await entityEvents(log);
  const goes: string[] = [];
  for (const [stream, own] of Map.groupBy(events, (event) => event.stream)) {
    const recordedMs = own.map(({ recordedAt }) => Date.parse(recordedAt));
    for (let revision = 0; revision < goesByForce(stream, recordedMs, nowMs); revision++) goes.push(`${stream} ${revision}`);
  }
  return { log, nowMs, events, goes: inOrder(goes) };
}

async function entityEvents(log: EventLog): Promise<readonly StoredEvent[]> {
  return (await flat(log.readAll())).filter(({ stream }) => isEntityStream(stream));
}

async function archived(archive: Archive): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (const { name } of await archive.segments()) for await (const batch of archive.read(name)) events.push(...batch);
  return events;
}

describe(`a run whose bucket misbehaves now and then (REPRISE_S3_SEED=${seed})`, () => {
  it.each(misdeeds)("loses nothing, stores nothing twice, and is gone on with: %s", { timeout: 120_000 }, async (misdeed) => {
    const random = makeRandom(seed);
    for (let round = 0; round < size(1, 10); round++) {
      const s3 = await startS3();
      const { log, nowMs, events, goes } = await aLog();
      let isHonest = false;
      const open = async () => {
        // A service that answers has as long as it takes on a busy machine.
        const patience = { tries: 2, waits: { firstMs: 1, lastMs: 2 }, timeoutMs: misdeed === "hang" && !isHonest ? 50 : 60_000, timeoutPerMegabyteMs: 1 };
        return archiveAt(openS3Place(`s3://${standInBucket}/keep`, { env: s3.env, patience, partBytes: 3000 }), log.logId, { segmentBytes: 6000 });
      };
      s3.misbehave = () => (!isHonest && random() < 0.5 ? misdeed : undefined);
      const run = () => runOnce(log, { rules: retentionRules("/bucket"), nowMs, openArchive: open });
      let failed = 0;
      for (let isOver = false; !isOver; ) {
        isHonest = failed === 8;
        isOver = await run().then(
          () => true,
          () => false,
        );
        if (!isOver) failed++;
        isHonest = true;
        const [left, safe] = [new Set((await entityEvents(log)).map(key)), new Set((await archived(await open())).map(key))];
        expect(events.map(key).filter((one) => !left.has(one) && !safe.has(one))).toEqual([]);
      }
      const safe = await archived(await open());
      expect(inOrder(safe.map(key))).toEqual(goes);
      const known = new Map(events.map((event) => [key(event), event]));
      for (const event of safe) expect(event).toEqual(known.get(key(event)));
      const gone = new Set(goes);
      expect((await entityEvents(log)).map(key)).toEqual(events.map(key).filter((one) => !gone.has(one)));
    }
  });
});
