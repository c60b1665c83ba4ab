/**
 * A service whose journals are shortened day after day, to be killed: `node journals-child.ts <folder> <archive> <day> <first n> [last]`. It appends, waits until
 * every delivery has its outcome, replays what can be mended, discards a dead letter, and has a run made; then it is the next day. Each line says what is done.
 * The last life appends nothing, makes no run, and ends when the schedule has brought the shortening to its end.
 */
import { openStore } from "../../src/compose.ts";
import { type Clock, systemClock } from "../../src/event/clock.ts";
import { retentionStream } from "../../src/event/names.ts";
import { openLogReadOnly } from "../../src/log/open-log.ts";
import { toSelection } from "../../src/replay/selection.ts";
import { isNeverMended, journalsConfig, runEveryMs } from "./journals-scene.ts";
import { replayWith, runTerms, until } from "./replay-scene.ts";
import { logHead } from "./test-store.ts";

const [folder, archive, firstDay, firstN, last] = process.argv.slice(2) as [string, string, string, string, string | undefined];
const [dayMs, patienceMs, tenant] = [86_400_000, 60_000, "default"];
const time = { days: Number(firstDay) };
const clock: Clock = {
  ...systemClock,
  now: () => Date.now() + time.days * dayMs,
  // The schedule's wait is a moment in the last life, and in the others it never passes.
  after: (afterMs, wake) => systemClock.after(afterMs !== runEveryMs ? afterMs : last === undefined ? dayMs : 50, wake),
};
const say = (what: string, ...values: readonly (string | number)[]) => void process.stdout.write(`${[what, ...values].join(" ")}\n`);

const store = await openStore(journalsConfig(archive), { log: `sqlite:${folder}`, clock });
await store.start();

/** Of all that the log has: views that are behind know of less that waits. */
async function settled(): Promise<void> {
  await store.views.waitFor(logHead(folder), patienceMs);
  await until(
    async () => (await store.views.handlers()).every(({ waiting, byStatus }) => waiting === byStatus.dead_lettered + byStatus.held),
    () => store.views.handlers(),
  );
}

const lettersOf = async () => (await store.views.deadLetters({ tenant }, { limit: 1000 })).events;
const numberOf = ({ data }: { readonly data: unknown }) => (data as { readonly n: number }).n;

/** An append that is repeated in the next life stores nothing twice: the id goes by the number. */
const orderOf = (n: number) => ({
  ...{ id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`, type: "order.placed", schemaVersion: 1 },
  ...{ entity: { type: "order", id: `o-${n % 6}` }, data: { n } },
});

async function mend(): Promise<boolean> {
  const mendable = (await lettersOf()).filter((letter) => !isNeverMended(numberOf(letter)));
  if (mendable.length === 0) return false;
  const { planId } = await store.planReplay(toSelection({ ids: mendable.map(({ deliveryId }) => deliveryId) }));
  const { replayId } = await store.startReplay(planId, { terms: runTerms, reason: "mended" });
  await replayWith(store, replayId, "completed");
  return true;
}

/** What a dead letter holds back may fail, too, once it runs. */
async function mendAll(): Promise<void> {
  do await settled();
  while (await mend());
}

async function run(): Promise<void> {
  const { id } = await store.beginArchiveRun();
  say("running");
  await until(async () => (await store.archiveRun(id))!.state !== "running");
  say("ran", (await store.archiveRun(id))!.why ?? "");
}

/** Which runs have begun, and which came to their end, as the log says beside its owner. */
async function runs() {
  const [begun, completed] = [new Set<string>(), new Set<string>()];
  const log = await openLogReadOnly(`sqlite:${folder}`);
  for await (const batch of log.readAll({ filter: { streamPrefixes: [retentionStream] } }))
    for (const { data } of batch) {
      const { runId, status } = data as { readonly runId: string; readonly status?: string };
      begun.add(runId);
      if (status === "completed") completed.add(runId);
    }
  await log.close();
  return { begun, completed };
}

say("begun");
await settled();
if (last !== undefined) {
  await mendAll();
  time.days += 2;
  const { begun } = await runs();
  await until(async () => [...(await runs()).completed].some((runId) => !begun.has(runId)));
  await store.close();
  say("ended");
} else
  for (let n = Number(firstN); ; n += 12, time.days++) {
    await run();
    await store.append(Array.from({ length: 12 }, (_, at) => orderOf(n + at)));
    say("appended", n + 12);
    await mendAll();
    const [discarded] = await lettersOf();
    if (n % 36 === 0 && discarded !== undefined) {
      say("discarding", numberOf(discarded));
      await store.discard(discarded.id, { handler: discarded.handler, reason: "not needed" });
    }
    const left = (await lettersOf()).map(numberOf);
    say("day", time.days + 1, "letters", ...left);
  }
