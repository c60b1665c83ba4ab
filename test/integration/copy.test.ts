import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { openStore } from "../../src/compose.ts";
import { type Config, defineConfig } from "../../src/config/config.ts";
import { defineHandler, Terminal } from "../../src/delivery/handler.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import type { Store } from "../../src/store/store.ts";
import type { DeadLetterView } from "../../src/views/model/dead-letter.ts";
import { reprise } from "../support/cli.ts";
import { startStandIn } from "../support/eventstore-stand-in/server.ts";
import { repositoryFolder } from "../support/run-tool.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerView } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ line: z.int() }) });
const lines = size(30, 50);
/** Every hundredth entity has an event that the handler cannot bear. */
const badLine = size(20, 30);
const isBad = (entity: number): boolean => entity % 100 === 0;
const entityOf = (id: string): number => Number(id.slice(2));

interface Scene {
  readonly config: Config;
  readonly calls: { readonly entity: string; readonly revision: number }[];
  readonly mended: Set<string>;
}

function makeScene(): Scene {
  const calls: Scene["calls"] = [];
  const mended = new Set<string>();
  const ledger = defineHandler({
    name: "ledger",
    events: [placed],
    startFrom: "beginning",
    on: {
      "order.placed": ({ entity, revision, data }) => {
        calls.push({ entity: entity.id, revision });
        if (isBad(entityOf(entity.id)) && data.line === badLine && !mended.has(entity.id)) throw new Terminal("it cannot be borne");
      },
    },
  });
  return { config: defineConfig({ events: [placed], handlers: [ledger] }), calls, mended };
}

async function append(store: Store, entities: number, from: number, to: number): Promise<void> {
  for (let line = from; line < to; line++)
    for (let first = 0; first < entities; first += 1000)
      await store.append(
        Array.from(
          { length: Math.min(1000, entities - first) },
          (_, index): EventInput => ({ type: "order.placed", entity: { type: "order", id: `o-${first + index}` }, data: { line } }),
        ),
      );
}

const deadLetters = async (store: Store) => (await store.views.deadLetters({ tenant: "default" }, { limit: 200, offset: 0, data: false })).events;
/** What is the same in any log that holds the same. */
const kept = ({ id, deliveryId, handler, tenant, entity, revision, status, cause, error, attempts, retryCount, waiting }: DeadLetterView) => ({
  id,
  deliveryId,
  handler,
  tenant,
  entity,
  revision,
  status,
  cause,
  error,
  attempts,
  retryCount,
  waiting,
});

/** Runs `reprise copy` and kills it once it says that it is half way. */
function killedHalfWay(args: readonly string[]): Promise<{ readonly signal: NodeJS.Signals | null; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(repositoryFolder, "bin/reprise.js"), "copy", ...args], { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      const [, events, total] = /.*^Copying: (\d+) of (\d+)/ms.exec(stderr) ?? [];
      if (Number(events) >= Number(total) / 2) child.kill("SIGKILL");
    });
    child.once("error", reject);
    child.once("close", (_code, signal) => resolve({ signal, stderr }));
  });
}

interface Answer {
  readonly copied: number;
  readonly present: number;
  readonly complete: boolean;
  readonly verified: { readonly streams: number; readonly events: number; readonly digest: string; readonly differing: readonly string[] };
}

interface Place {
  readonly log: string;
  readonly data: string;
}

async function embedded(): Promise<Place> {
  const folder = temporaryFolder();
  return { log: `sqlite:${folder}`, data: folder };
}

async function standIn(): Promise<Place> {
  const server = await startStandIn();
  onTestFinished(() => server.stop());
  return { log: server.connectionString, data: temporaryFolder() };
}

async function startOn({ log, data }: Place, config: Config): Promise<Store> {
  const store = await openStore(config, { log, data });
  onTestFinished(() => store.close());
  await store.start();
  return store;
}

async function startAndClose(store: Store): Promise<void> {
  await store.start().finally(() => store.close());
}

const shows = (store: Store, figures: object) => expect.poll(() => handlerView(store, "ledger"), { timeout: 120_000, interval: 50 }).toMatchObject(figures);

/** As many events of each entity as there are lines; fewer of them into a server, where one append goes after another. */
const targets = [
  ["the embedded log", embedded, size(400, 2000)],
  ["EventStoreDB's stand-in", standIn, 400],
] as const;

describe("reprise copy", () => {
  it.each(targets)(
    "into %s takes dead letters along, killed half way and resumed; delivery goes on exactly where it stood",
    {
      timeout: 300_000,
    },
    async (_name, openTarget, entities) => {
      const [from, to] = [await embedded(), await openTarget()];
      const bad = entities / 100;
      const source = makeScene();
      const store = await startOn(from, source.config);
      await append(store, entities, 0, lines - 1);
      await shows(store, { byStatus: { dead_lettered: bad }, waiting: bad * (lines - 1 - badLine) });
      // Two are over by an act; the rest stays.
      source.mended.add("o-0");
      const letters = await deadLetters(store);
      const letterOf = (id: string) => letters.find(({ entity }) => entity.id === id)!.id;
      await store.replay(letterOf("o-0"), { reason: "mended" });
      await store.discard(letterOf("o-200"), { reason: "not needed" });
      await shows(store, { waiting: (bad - 2) * (lines - 1 - badLine) });
      await store.close();
      const later = await openStore(source.config, from); // not started: nobody handles these
      await append(later, entities, lines - 1, lines);
      await later.close();

      const args = ["--from", from.log, "--to", to.log];
      const { signal, stderr } = await killedHalfWay(args);
      expect(signal, stderr).toBe("SIGKILL");
      await expect(openStore(makeScene().config, to).then(startAndClose)).rejects.toMatchObject({ code: "COPY_UNFINISHED" });
      const started = performance.now();
      const run = await reprise(["copy", ...args, "--verify", "-o", "json"]);
      expect(run.code, run.stderr).toBe(0);
      const answer = JSON.parse(run.stdout) as Answer;
      console.info(`copy: resumed at ${answer.present} events, ${answer.copied} more and verified in ${Math.round(performance.now() - started)} ms`);
      expect(answer).toMatchObject({ complete: true, verified: { differing: [] } });
      expect(answer.present).toBeGreaterThan(entities * lines * 0.4);
      expect(answer.copied).toBeGreaterThan(entities * lines * 0.2);
      expect(answer.verified.events).toBe(answer.copied + answer.present);
      const again = await reprise(["copy", ...args, "--verify", "-o", "json"]);
      expect(JSON.parse(again.stdout)).toMatchObject({ copied: 0, present: answer.copied + answer.present, verified: { digest: answer.verified.digest } });

      const target = makeScene();
      const copied = await startOn(to, target.config);
      source.calls.length = 0;
      const original = await startOn(from, source.config);
      for (const each of [copied, original]) {
        await shows(each, { wanted: entities * lines, byStatus: { pending: 0, processing: 0 }, waiting: (bad - 2) * (lines - badLine) });
      }
      const [there, here] = [await handlerView(copied, "ledger"), await handlerView(original, "ledger")];
      const figures = ({ wanted, done, byStatus, lanes }: typeof there) => ({ wanted, done, byStatus, lanes });
      expect(figures(there)).toEqual(figures(here));
      expect(there).toMatchObject({ wanted: entities * lines, lanes: { blocked: bad - 2 } });
      const times = async (store: Store) => (await store.readEntity({ type: "order", id: "o-7" })).events.map(({ recordedAt }) => recordedAt);
      expect(await times(copied)).toEqual(await times(original));
      const byId = (list: readonly DeadLetterView[]) => list.map(kept).toSorted((a, b) => (a.id < b.id ? -1 : 1));
      expect(byId(await deadLetters(copied))).toEqual(byId(await deadLetters(original)));

      // Only the events that nobody had handled, each once, as on the source.
      const wanted = Array.from({ length: entities }, (_, entity) => entity)
        .filter((entity) => !isBad(entity) || entity === 0 || entity === 200)
        .map((entity) => ({ entity: `o-${entity}`, revision: lines - 1 }));
      const byEntity = (calls: Scene["calls"]) => calls.toSorted((a, b) => entityOf(a.entity) - entityOf(b.entity));
      expect(byEntity(target.calls)).toEqual(wanted);
      expect(byEntity(source.calls)).toEqual(wanted);

      // A dead letter that came along is replayed, and what it held follows in order.
      target.mended.add("o-300");
      target.calls.length = 0;
      const letter = (await deadLetters(copied)).find(({ entity }) => entity.id === "o-300")!;
      await copied.replay(letter.id, { reason: "mended" });
      await shows(copied, { waiting: (bad - 3) * (lines - badLine) });
      expect(target.calls).toEqual(Array.from({ length: lines - badLine }, (_, index) => ({ entity: "o-300", revision: badLine + index })));
    },
  );

  it("says what is wrong with its arguments, its source and its target", { timeout: 60_000 }, async () => {
    const [from, to, empty] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
    const { config } = makeScene();
    for (const folder of [from, to]) {
      const store = await openStore(config, { log: `sqlite:${folder}` });
      await store.append({ type: "order.placed", entity: { type: "order", id: "o-1" }, data: { line: 1 } });
      await store.close();
    }
    const copy = (...args: readonly string[]) => reprise(["copy", ...args]);
    expect(await copy("--from", `sqlite:${from}`)).toMatchObject({ code: 2 });
    const missing = await copy("--from", `sqlite:${empty}`, "--to", `sqlite:${to}`);
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringMatching(/no log in that folder/) as string });
    const server = await startStandIn();
    onTestFinished(() => server.stop());
    const before = server.database.log.length;
    expect(await copy("--from", server.connectionString, "--to", `sqlite:${to}`)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/LOG_MISSING.*no log on this server/s) as string,
    });
    expect(server.database.log).toHaveLength(before);
    expect(await copy("--from", `sqlite:${from}`, "--to", "mysql://here")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/sqlite:<folder>/) as string,
    });
    expect(await copy("--from", `sqlite:${from}`, "--to", `sqlite:${from}`)).toMatchObject({ code: 2, stderr: expect.stringMatching(/LOG_IN_USE/) as string });
    const taken = await copy("--from", `sqlite:${from}`, "--to", `sqlite:${to}`);
    expect(taken).toMatchObject({ code: 4, stdout: "", stderr: expect.stringMatching(/no copy of this source/) as string });
    const tenant = await copy("--from", `sqlite:${from}`, "--to", `sqlite:${empty}`, "--tenant", "reprise");
    expect(tenant).toMatchObject({ code: 2, stderr: expect.stringMatching(/--tenant is "reprise"/) as string });
    const fine = await copy("--from", `sqlite:${from}`, "--to", `sqlite:${empty}`, "--tenant", "default", "--verify");
    expect(fine).toMatchObject({ code: 0, stdout: expect.stringMatching(/copied +1\n.*verified +1 events in 1 streams, sha256 [0-9a-f]{64}/s) as string });
  });
});
