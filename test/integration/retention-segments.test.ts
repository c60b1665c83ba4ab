/** In which segments a run looks its events up: where an earlier one may have put them, and nowhere else. */
import { expect, it } from "vitest";
import type { StoredEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import { planStream } from "../../src/event/names.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import type { Archive } from "../../src/retention/archive/archive.ts";
import { openFilePlace } from "../../src/retention/archive/file-place.ts";
import { archiveAt, openArchive } from "../../src/retention/archive/open-archive.ts";
import { makeRandom } from "../support/partition-model.ts";
import { aClock, archived, byForce, entityEvents, fill, key, rulesIn } from "../support/retention-history.ts";
import { runOnce } from "../support/retention-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

it("looks no event up in segments whose events have all left", async () => {
  const clock = aClock();
  const log = openMemoryLog({ clock });
  const rules = rulesIn(temporaryFolder());
  for (let run = 0; run < 4; run++) {
    await fill(log, clock, 100);
    const [written, read] = [new Set<string>(), new Set<string>()];
    const open = async (url: string) => {
      const place = openFilePlace(url.slice("file:".length));
      const watched: typeof place = {
        ...place,
        replace(name, body, seen) {
          written.add(name);
          return place.replace(name, body, seen);
        },
        read(name, range) {
          read.add(name);
          return place.read(name, range);
        },
      };
      return archiveAt(watched, log.logId, { segmentBytes: 4000 });
    };
    expect((await runOnce(log, { rules, clock, openArchive: open })).segments).toBeGreaterThan(1);
    expect([...read].filter((name) => name.endsWith(".index") && !written.has(name))).toEqual([]);
  }
});

const rounds = 12;

it.each([1, 2, 3])("archives nothing twice, though runs are cut off, and things are held, between others that come to their end (seed %i)", async (seed) => {
  const random = makeRandom(seed);
  const clock = aClock();
  const log = openMemoryLog({ clock });
  const folder = temporaryFolder();
  const rules = rulesIn(folder);
  const everything: StoredEvent[] = [];
  const gone = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    await fill(log, clock, 30);
    const seen = new Set(everything.map(key));
    const now = await entityEvents(log);
    everything.push(...now.filter((event) => !seen.has(key(event))));
    const isLast = round === rounds - 1;
    if (isLast) clock.hours(2); // a plan that nobody finished is over
    // In some rounds a plan comes while a segment is written, and in some the run ends at a step.
    const planned = !isLast && random() < 0.4 ? now[Math.floor(random() * now.length)]! : null;
    let left = !isLast && random() < 0.5 ? Math.floor(random() * 12) : Number.POSITIVE_INFINITY;
    const step = () => {
      if (left-- <= 0) throw new Error("cut off");
    };
    const whole = isLast || left === Number.POSITIVE_INFINITY;
    const run = runOnce(mortal(log, step), { rules, clock, life: newId(), openArchive: opening(log, step, planned) });
    if (whole) await run;
    else await run.catch((error: Error) => expect(error.message).toBe("cut off"));
  }
  for (const one of byForce(everything, rules, clock.now())) gone.add(one);
  const compare = (one: string, other: string) => (one < other ? -1 : 1);
  const kept = [...(await archived(log, `file:${folder}/a`)), ...(await archived(log, `file:${folder}/b`))].map(key);
  expect(kept.sort(compare)).toEqual([...gone].sort(compare));
  expect((await entityEvents(log)).map(key)).toEqual(everything.map(key).filter((one) => !gone.has(one)));
});

/** @param step throws where the process ends. */
function mortal(log: EventLog, step: () => void): EventLog {
  return {
    ...log,
    async append(...given) {
      step();
      const answer = await log.append(...given);
      step();
      return answer;
    },
    async truncateStreams(...given) {
      step();
      await log.truncateStreams(...given);
      step();
    },
  };
}

/** @param planned an event that a plan lists as soon as the first segment is written. */
function opening(log: EventLog, step: () => void, planned: StoredEvent | null) {
  return async (url: string): Promise<Archive> => {
    const archive = await openArchive(url, log.logId, { segmentBytes: 4000 });
    return {
      ...archive,
      async *write(...given) {
        for await (const segment of archive.write(...given)) {
          if (planned !== null) {
            const item = { handler: "ledger", lane: planned.stream, revision: planned.revision, at: "1", eventId: planned.id, attempts: 0 };
            await log.append(planStream(newId()), [ownEvent(newId, "replay.items", { items: [item] })], "none");
          }
          step();
          yield segment;
        }
      },
    };
  };
}
