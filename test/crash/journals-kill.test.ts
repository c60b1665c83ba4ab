/** A service that shortens its journals is killed at any moment: views are those of a rebuild, no dead letter is forgotten, and the next run goes on by itself. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import type { StoredEvent } from "../../src/event/event.ts";
import { abridgementOf, handlerOfJournal, isEntityStream, retentionStream } from "../../src/event/names.ts";
import { readAbridged } from "../../src/log/abridged/abridgement.ts";
import { readAllWhole } from "../../src/log/abridged/whole-journals.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { checkSqliteLog } from "../../src/log/sqlite/check.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { missedEntries } from "../../src/views/projections/shortened.ts";
import { openViewStore } from "../../src/views/store.ts";
import { flat } from "../contract/log-events.ts";
import { isNeverMended, journalsCatalog, openMark } from "../support/journals-scene.ts";
import { makeRandom } from "../support/partition-model.ts";
import { catchUp, foldedJournals, rowsThatMatter } from "../support/shortened.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const kills = size(3, 30, "REPRISE_CRASH_KILLS");
const seed = Number(process.env.REPRISE_CRASH_SEED ?? Date.now() % 1_000_000_000);
const childScript = fileURLToPath(new URL("../support/journals-child.ts", import.meta.url));

/** What the lives have said, all together. */
class Told {
  day = 0;
  /** Events whose append was acknowledged. Of those of the next one, which was cut off, some may be in the log. */
  appended = 0;
  /** Dead letters that nothing mends, by the numbers of their events. */
  readonly letters = new Set<number>();
  readonly discarding = new Set<number>();

  take(line: string): void {
    const [word, ...rest] = line.split(" ");
    if (word === "appended") this.appended = Number(rest[0]);
    else if (word === "discarding") this.discarding.add(Number(rest[0]));
    else if (word === "day") {
      this.day = Number(rest[0]);
      for (const n of rest.slice(2).map(Number)) if (isNeverMended(n)) this.letters.add(n);
    }
  }
}

/** One life, which is killed, or comes to its end. @param killAt the run that the kill waits for, and how long after its beginning it comes; null: none. */
async function live(place: readonly [folder: string, archive: string], told: Told, killAt: { readonly runs: number; readonly afterMs: number } | null) {
  const words = [...place, String(told.day), String(told.appended), ...(killAt === null ? ["last"] : [])];
  const child = spawn(process.execPath, ["--conditions=@reprise/source", childScript, ...words], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "close");
  const lines: string[] = [];
  let runs = 0;
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    told.take(line);
    if (killAt !== null && line === "running" && ++runs === killAt.runs) void wait(killAt.afterMs).then(() => child.kill("SIGKILL"));
  });
  const [code] = await ended;
  if (killAt === null) expect(code).toBe(0);
  else expect(child.signalCode).toBe("SIGKILL");
  return lines;
}

const read = async (log: EventLog, stream: string): Promise<number> => (await flat(log.readStream(stream, { limit: 1 })))[0]?.revision ?? -1;

/** How far the run had come when it was killed. */
async function runIn(log: EventLog): Promise<"no run" | "running" | "half shortened"> {
  const abridged = await readAbridged(log);
  for (const { stream } of await foldedJournals(log)) {
    const named = abridged.get(stream);
    if ((await log.streamRevision(abridgementOf(stream))) >= (named?.end ?? 0)) return "half shortened";
    if (named !== undefined && ((await read(log, stream)) < named.before || (await read(log, abridgementOf(stream))) < named.entries)) return "half shortened";
  }
  const last = (await flat(log.readStream(retentionStream, { direction: "backward", limit: 1 })))[0]?.type;
  return last === undefined || last === "retention.ended" ? "no run" : "running";
}

/** @returns how far the run had come that was cut off, and the numbers of all dead letters. */
async function mustBeWhole(folder: string, told: Told) {
  const copy = temporaryFolder(); // what opens a log and its views writes there
  cpSync(folder, copy, { recursive: true });
  expect((await checkSqliteLog(copy)).findings).toEqual([]);
  const log = await openSqliteLog(copy);
  const events = (await flat(log.readAll())).filter(({ stream }) => isEntityStream(stream));
  const numberOf = ({ data }: StoredEvent) => (data as { readonly n: number }).n;
  const positions = new Map(events.map((event) => [numberOf(event), Number(event.position)]));
  expect(positions.size).toBe(events.length);
  expect(Array.from({ length: told.appended }, (_, n) => n).filter((n) => !positions.has(n))).toEqual([]);

  const keys = new Map(events.map((event) => [`${event.stream} ${event.revision}`, numberOf(event)]));
  const letters = new Map<string, number[]>([
    ["ledger", []],
    ["mailer", []],
  ]);
  for (const { stream, state } of await foldedJournals(log))
    for (const [lane, record] of state.lanes)
      for (const revision of record.letters.keys()) letters.get(handlerOfJournal(stream)!)!.push(keys.get(`${lane} ${revision}`)!);
  const open = new Set(letters.get("mailer"));
  for (const n of told.letters) if (!open.has(n) && told.discarding.delete(n)) told.letters.delete(n);
  expect([...told.letters].filter((n) => !open.has(n))).toEqual([]);
  for (const n of open) if (isNeverMended(n)) told.letters.add(n);

  const [file, anew] = [join(copy, "views.db"), join(temporaryFolder(), "anew.db")];
  const store = openViewStore(file, log.logId, journalsCatalog);
  expect(store.damage).toBeNull();
  await catchUp(store, log);
  expect(missedEntries(store.db)).toBe(false);
  const shown = store.db.all<{ handler: string; position: number }>("select handler, position from deliveries where letter = 1");
  for (const [handler, all] of letters) {
    const ofHandler = shown.filter((letter) => letter.handler === handler).map(({ position }) => position);
    expect(ofHandler.sort((a, b) => a - b)).toEqual(all.map((n) => positions.get(n)!).sort((a, b) => a - b));
  }
  store.close();
  const rebuilt = openViewStore(anew, log.logId, journalsCatalog, "rebuild");
  await catchUp(rebuilt, log);
  rebuilt.close();
  expect(rowsThatMatter(file)).toEqual(rowsThatMatter(anew));
  const texts = JSON.stringify((await flat(readAllWhole(log))).map(({ data }) => data));
  for (const n of open) if (isNeverMended(n)) expect([n, texts.includes(`${openMark}${n}"`)]).toEqual([n, true]);
  const at = await runIn(log);
  await log.close();
  return { at, letters: { ledger: letters.get("ledger")!, mailer: [...open].sort((a, b) => a - b) } };
}

it(`is gone on with by itself after it was killed at any moment (REPRISE_CRASH_SEED=${seed})`, { timeout: 120_000 + kills * 30_000 }, async () => {
  const place = [join(temporaryFolder(), "log"), temporaryFolder()] as const;
  const [told, random] = [new Told(), makeRandom(seed)];
  const met = new Map<string, number>();
  for (let killed = 0; killed < kills; killed++) {
    await live(place, told, { runs: 2 + Math.floor(random() * 2), afterMs: random() * 400 });
    const { at } = await mustBeWhole(place[0], told);
    met.set(at, (met.get(at) ?? 0) + 1);
  }
  expect((await live(place, told, null)).at(-1)).toBe("ended");
  const { letters } = await mustBeWhole(place[0], told);
  expect(letters).toEqual({ ledger: [], mailer: [...told.letters].sort((a, b) => a - b) });
  console.log(
    `${kills} kills (${Array.from(met, ([at, count]) => `${count} ${at}`).join(", ")}), ${told.appended} events, ${letters.mailer.length} dead letters; REPRISE_CRASH_SEED=${seed}`,
  );
});
