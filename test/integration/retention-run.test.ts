/** Runs on real logs: what goes is what a list made by force says, it is in the archive, and a run that is cut off anywhere is gone on with. */
import { describe, expect, it } from "vitest";
import type { StoredEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import { planStream } from "../../src/event/names.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import type { Archive } from "../../src/retention/archive/archive.ts";
import { openArchive } from "../../src/retention/archive/open-archive.ts";
import { archivesOf } from "../../src/retention/archives.ts";
import { anEvent } from "../contract/log-events.ts";
import { aClock, archived, byForce, entityEvents, fill, key, rulesIn } from "../support/retention-history.ts";
import { runOnce } from "../support/retention-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe.each([
  ["in memory", async (clock: ReturnType<typeof aClock>) => openMemoryLog({ clock })],
  ["SQLite", async (clock: ReturnType<typeof aClock>) => openSqliteLog(temporaryFolder(), { clock })],
])("a run on a log, %s", (_, openLog) => {
  it("archives and removes what a list made by force says, and a dry run says the same and changes nothing", async () => {
    const clock = aClock();
    const log = await openLog(clock);
    const rules = rulesIn(temporaryFolder());
    const everything: StoredEvent[] = [];
    const gone = new Set<string>();
    for (let round = 0; round < 3; round++) {
      const seen = new Set(everything.map(key));
      await fill(log, clock, 150);
      const now = await entityEvents(log);
      everything.push(...now.filter((event) => !seen.has(key(event))));
      for (const one of byForce(everything, rules, clock.now())) gone.add(one);
      const head = await log.head();
      const dry = await runOnce(log, { rules, clock, dryRun: true });
      expect(await log.head()).toBe(head);
      const run = await runOnce(log, { rules, clock });
      expect(run.findings.rules).toEqual(dry.findings.rules);
      expect(run.archived).toBe(dry.findings.rules.reduce((sum, { events }) => sum + events, 0));
      expect(new Set((await entityEvents(log)).map(key))).toEqual(new Set(everything.map(key).filter((one) => !gone.has(one))));
    }
    const urls = await archivesOf(log, []);
    expect(urls).toEqual([rules[0]!.archive, rules[2]!.archive]);
    const kept = [...(await archived(log, urls[0]!)), ...(await archived(log, urls[1]!))];
    expect(kept.map(key).sort()).toEqual([...gone].sort());
    const byKey = new Map(everything.map((event) => [key(event), event]));
    for (const event of kept) expect(event).toEqual(byKey.get(key(event)));
    expect((await runOnce(log, { rules, clock })).archived).toBe(0);
    await log.close();
  });

  it("reads in small steps, because others work beside it", async () => {
    const clock = aClock();
    const log = await openLog(clock);
    const rules = rulesIn(temporaryFolder());
    const several = 300;
    for (const stream of ["shop.order-1", "shop.chat-1"]) {
      clock.hours(1);
      await log.append(stream, Array.from({ length: several }, () => anEvent()), "none"); // biome-ignore format: one line
    }
    clock.hours(1000);
    const batches: number[] = [];
    async function* noted(read: AsyncIterable<readonly StoredEvent[]>) {
      for await (const batch of read) {
        batches.push(batch.length);
        yield batch;
      }
    }
    const watched: EventLog = { ...log, readAll: (how) => noted(log.readAll(how)), readStream: (stream, how) => noted(log.readStream(stream, how)) };
    expect((await runOnce(watched, { rules, clock })).archived).toBe(2 * several - 2);
    await runOnce(watched, { rules, clock });
    expect(Math.max(...batches)).toBe(32);
    await log.close();
  });

  it("goes on after it was cut off at any step: nothing is lost, nothing is archived twice", async () => {
    const clock = aClock();
    const log = await openLog(clock);
    const folder = temporaryFolder();
    const rules = rulesIn(folder);
    await fill(log, clock, 200);
    const everything = await entityEvents(log);
    const gone = byForce(everything, rules, clock.now());
    let cuts = 0;
    for (let after = 0; ; after++) {
      // Each call on the log or the archive may be the last: it, or its answer, does not come.
      let left = after;
      const dies = (what: string) => {
        if (left-- <= 0) throw new Error(`cut off at ${what}`);
      };
      const mortal = new Proxy(log, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name, target);
          if (typeof member !== "function") return member;
          const bound = member.bind(target) as (...given: unknown[]) => unknown;
          if (name === "append" || name === "truncateStreams")
            return async (...given: unknown[]) => {
              dies(`${name}`);
              const answer = await bound(...given);
              dies(`the answer of ${name}`);
              return answer;
            };
          return bound;
        },
      });
      const open = async (url: string) => {
        const archive = await openArchive(url, log.logId, { segmentBytes: 4000 });
        return {
          ...archive,
          async *write(...given: Parameters<typeof archive.write>) {
            dies("the archive");
            for await (const segment of archive.write(...given)) {
              dies("the archive's answer");
              yield segment;
            }
          },
        };
      };
      try {
        await runOnce(mortal, { rules, clock, openArchive: open, life: newId() });
        break;
      } catch (error) {
        expect((error as Error).message).toContain("cut off");
        cuts++;
      }
    }
    expect(cuts).toBeGreaterThan(20);
    const left = new Set((await entityEvents(log)).map(key));
    expect(left).toEqual(new Set(everything.map(key).filter((one) => !gone.has(one))));
    const kept = [...(await archived(log, `file:${folder}/a`)), ...(await archived(log, `file:${folder}/b`))].map(key);
    expect(kept.sort()).toEqual([...gone].sort());
    await log.close();
  });

  it("leaves what a plan lists that was made while the segment was written, and all behind it; when the plan is over, the copy in the archive is found", async () => {
    const clock = aClock();
    const log = await openLog(clock);
    const folder = temporaryFolder();
    const rules = rulesIn(folder);
    await fill(log, clock, 200);
    const everything = await entityEvents(log);
    const gone = new Set(byForce(everything, rules, clock.now()));
    const order = everything.filter(({ stream }) => stream === "shop.order-0");
    const planned = order[Math.floor(order.length / 3)]!;
    expect(gone).toContain(key(planned));
    const open = async (url: string): Promise<Archive> => {
      const archive = await openArchive(url, log.logId, { segmentBytes: 10_000 });
      return {
        ...archive,
        async *write(...given: Parameters<Archive["write"]>) {
          for await (const segment of archive.write(...given)) {
            if ((await log.streamRevision(planStream("late"))) === -1) {
              const item = { handler: "ledger", lane: planned.stream, revision: planned.revision, at: "1", eventId: planned.id, attempts: 0 };
              await log.append(planStream("late"), [ownEvent(newId, "replay.items", { items: [item] })], "none");
            }
            yield segment;
          }
        },
      };
    };
    await runOnce(log, { rules, clock, openArchive: open });
    const stays = everything.map(key).filter((one) => !gone.has(one));
    const left = order.filter(({ revision }) => revision >= planned.revision).map(key);
    expect(new Set((await entityEvents(log)).map(key))).toEqual(new Set([...stays, ...left]));

    clock.hours(2); // a plan that nobody finished is over
    for (const one of byForce(everything, rules, clock.now())) gone.add(one);
    await runOnce(log, { rules, clock, openArchive: open });
    expect(new Set((await entityEvents(log)).map(key))).toEqual(new Set(everything.map(key).filter((one) => !gone.has(one))));
    const kept = [...(await archived(log, `file:${folder}/a`)), ...(await archived(log, `file:${folder}/b`))].map(key);
    expect(kept.sort()).toEqual([...gone].sort());
    await log.close();
  });
});
