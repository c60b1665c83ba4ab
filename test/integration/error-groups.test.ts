/** Error groups of a store at work: over two builds of a project, over restarts and rebuilds, for two tenants, and with what operators say of them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { openStore } from "../../src/compose.ts";
import { defineConfig } from "../../src/config/config.ts";
import { type AnyHandle, defineHandler, type HandlerOptions, NotReady } from "../../src/delivery/handler.ts";
import { newId } from "../../src/event/ids.ts";
import { toSelection } from "../../src/replay/selection.ts";
import type { Store } from "../../src/store/store.ts";
import { type MovedClock, makeMovedClock } from "../support/moved-clock.ts";
import { runTerms } from "../support/replay-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const placed = defineEvent("order.placed", { 1: z.object({ how: z.string() }) });
const tenant = "default";
type Handle = (event: { readonly entity: { readonly id: string }; readonly data: { readonly how: string } }) => void;

interface Scene {
  readonly store: Store;
  readonly append: (how: string, ids?: readonly string[], of?: string) => Promise<void>;
  readonly groups: (of?: string) => ReturnType<typeof groupsOf>;
  readonly clock: MovedClock;
}

const groupsOf = async (store: Store, of: string) => (await store.views.errorGroups({ tenant: of }, { limit: 100 })).groups;

async function open(
  handle: Handle,
  { folder = temporaryFolder(), build, ...options }: { folder?: string; build?: string } & Partial<HandlerOptions> = {},
): Promise<Scene> {
  const handler = defineHandler({
    name: "ledger",
    events: [placed],
    retry: { maxAttempts: 1 },
    startFrom: "beginning",
    ...options,
    on: { "order.placed": handle as AnyHandle as never },
  });
  const clock = makeMovedClock();
  const config = defineConfig({ events: [placed], handlers: [handler], ...(build === undefined ? {} : { build }) });
  const store = await openStore(config, { log: `sqlite:${folder}`, clock });
  onTestFinished(() => store.close());
  await store.start();
  return {
    store,
    append: async (how, ids = [newId()], of = tenant) => {
      const appended = await store.append(
        ids.map((id) => ({ type: "order.placed", entity: { type: "order", id }, data: { how } })),
        { tenant: of },
      );
      await store.views.waitFor(appended.at(-1)!.position);
      await expect.poll(() => isQuiet(store, of)).toBe(true);
    },
    groups: (of = tenant) => groupsOf(store, of),
    clock,
  };
}

/** Nothing is pending or called. */
async function isQuiet(store: Store, of: string): Promise<boolean> {
  const [ledger] = await store.views.handlers(of);
  return ["pending", "processing", "failed"].every(
    (status) =>
      (ledger!.byStatus as Readonly<Record<string, number>>)[status] === undefined || (ledger!.byStatus as Readonly<Record<string, number>>)[status] === 0,
  );
}

/** A project's code as a build of it has it, in a folder of its own. */
async function buildOf(above: string): Promise<Handle> {
  const root = temporaryFolder();
  mkdirSync(join(root, "handlers"));
  writeFileSync(join(root, "package.json"), '{"name":"shop","type":"module"}');
  writeFileSync(
    join(root, "handlers/ledger.mjs"),
    `${above}
export class Failed extends Error {}
const charge = (id) => { throw new Failed("it failed"); };
const pack = (id) => { throw new Failed("it failed"); };
export function handle({ entity: { id }, data: { how } }) {
  if (how === "charge") charge(id);
  if (how === "pack") pack(id);
  if (how === "ids") throw new Failed(\`order \${id} of customer c-\${Math.floor(Math.random() * 1e6)}: \${Math.random()} of "\${id} boxes" are missing\`);
}
`,
  );
  return ((await import(/* @vite-ignore */ pathToFileURL(join(root, "handlers/ledger.mjs")).href)) as { readonly handle: Handle }).handle;
}

describe("error groups", () => {
  it("50 errors that differ in ids and numbers are one; two places are two; both over two builds, restarts and rebuilds", async () => {
    const folder = temporaryFolder();
    const first = await open(await buildOf(""), { folder, build: "1.0.0" });
    await first.append(
      "ids",
      Array.from({ length: 50 }, (_, n) => `o-${n * 13}`),
    );
    await first.append("charge");
    await first.append("pack");
    const before = await first.groups();
    expect(before.map(({ count, waiting, entities, builds }) => [count, waiting, entities, builds])).toEqual([
      [1, 1, 1, ["1.0.0"]],
      [1, 1, 1, ["1.0.0"]],
      [50, 50, 50, ["1.0.0"]],
    ]);
    expect(before[2]).toMatchObject({
      class: "transient",
      type: "Failed",
      message: "order <*> of customer <*>: <*> of <text> are missing",
      eventTypes: ["order.placed"],
      schemaVersions: [1],
      state: "open",
    });
    await first.store.close();

    const second = await open(await buildOf("// some lines\n\nexport const more = 1;\n"), { folder, build: "1.1.0" });
    await second.append(
      "ids",
      Array.from({ length: 50 }, () => newId()),
    );
    await second.append("charge");
    await second.append("pack");
    const after = await second.groups();
    expect(after.map(({ fingerprint }) => fingerprint)).toEqual(before.map(({ fingerprint }) => fingerprint));
    expect(after.map(({ count, builds }) => [count, builds])).toEqual([
      [2, ["1.0.0", "1.1.0"]],
      [2, ["1.0.0", "1.1.0"]],
      [100, ["1.0.0", "1.1.0"]],
    ]);
    await second.store.views.rebuild();
    expect(await second.groups()).toEqual(after);
  });

  it("are what lists, statistics, batches, plans and discards filter by", async () => {
    const { store, append, groups } = await open(({ data: { how } }) => {
      throw new Error(how);
    });
    await append("no stock: 7", ["a", "b", "c"]);
    await append("no money", ["d"]);
    const [money, stock] = await groups();
    const filter = { tenant, errorGroup: stock!.fingerprint };
    expect((await store.views.deadLetters(filter, { limit: 2 })).total).toBe(3);
    expect((await store.views.deadLetters({ tenant, errorLike: "stock: 7" }, { limit: 10 })).events.map(({ fingerprint }) => fingerprint)).toEqual(
      Array(3).fill(stock!.fingerprint),
    );
    expect((await store.views.deadLetters({ tenant, errorLike: "%" }, { limit: 10 })).total).toBe(0);
    expect((await store.views.deadLetters({ ...filter, errorLike: "money" }, { limit: 10 })).total).toBe(0);
    expect(await store.views.deadLetterStats(filter)).toMatchObject({
      total: 3,
      topErrors: [{ error: "Error: no stock: 7", count: 3 }],
      leftOut: { errors: { kinds: 0, count: 0 } },
    });
    const plan = await store.planReplay(toSelection({ deadLetters: { errorGroup: stock!.fingerprint } }));
    expect([plan.deadLetters, plan.selection]).toEqual([3, { kind: "dead_letters", filter: { errorGroup: stock!.fingerprint } }]);
    expect(await store.replayBatch({ errorGroup: stock!.fingerprint, errorLike: "stock" }, { maxEvents: 2 })).toMatchObject({ total: 2, failed: 2 });
    expect(await store.discardBatch({ errorGroup: money!.fingerprint }, { reason: "test" })).toMatchObject({ discarded: 1 });
    const fresh = await store.planReplay(toSelection({ deadLetters: { errorGroup: stock!.fingerprint } }));
    await store.startReplay(fresh.planId, { reason: "test", terms: runTerms });
    await expect
      .poll(async () => (await groups()).map(({ count, waiting }) => [count, waiting]))
      .toEqual([
        [8, 3],
        [1, 0],
      ]);
    const detail = await store.views.errorGroup({ tenant, handler: "ledger", fingerprint: stock!.fingerprint });
    expect(detail!.letters.map(({ entity }) => entity.id)).toEqual(["c", "b", "a"]);
    expect(detail!.histogram.reduce((sum, { count }) => sum + count, detail!.before)).toBe(8);
  });

  it("count failures that are retried, and no deferral", async () => {
    let calls = 0;
    const { append, groups } = await open(
      () => {
        calls++;
        if (calls === 1) throw new NotReady("a while", { retryAfterMs: 10 });
        if (calls < 4) throw new Error("down");
      },
      { retry: { maxAttempts: 5, initialDelayMs: 10, maxDelayMs: 10 } },
    );
    await append("x");
    await expect.poll(() => calls).toBe(4);
    expect((await groups()).map(({ type, count, waiting, entities }) => ({ type, count, waiting, entities }))).toEqual([
      { type: "Error", count: 2, waiting: 0, entities: 1 },
    ]);
  });

  it("of a tenant hold the tenant's own failures only", async () => {
    const { store, append, groups } = await open(() => {
      throw new Error("down");
    });
    await append("x", ["a", "b"]);
    await append("x", ["a"], "acme");
    const [[mine], [theirs]] = [await groups(), await groups("acme")];
    expect([mine!.count, theirs!.count, mine!.fingerprint === theirs!.fingerprint]).toEqual([2, 1, true]);
    await store.resolveErrorGroup(theirs!.fingerprint, { tenant: "acme" });
    await expect.poll(async () => (await groups("acme"))[0]!.state).toBe("resolved");
    expect((await groups())[0]!.state).toBe("open");
    expect((await groups("*")).length).toBe(2);
    await expect(store.resolveErrorGroup(mine!.fingerprint, { tenant: "other" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("what is said of an error group", () => {
  const failing: Handle = () => {
    throw new Error("down");
  };

  it("resolved, it opens when it is seen again; with a build, only when that build or a later one sees it", async () => {
    const folder = temporaryFolder();
    const first = await open(failing, { folder, build: "1" });
    await first.append("x");
    const { fingerprint } = (await first.groups())[0]!;
    await first.store.resolveErrorGroup(fingerprint, { actor: "anna", reason: "mended" });
    await expect.poll(async () => (await first.groups())[0]).toMatchObject({ state: "resolved", stateBy: "anna", stateReason: "mended", fixedIn: null });
    await first.append("x");
    expect((await first.groups())[0]).toMatchObject({ state: "open", stateBy: "policy", stateReason: "seen again in build 1" });
    await first.store.resolveErrorGroup(fingerprint, { build: "2" });
    await first.append("x"); // the build that is still at work
    expect((await first.groups())[0]).toMatchObject({ state: "resolved", fixedIn: "2", count: 3 });
    await first.store.close();

    const second = await open(failing, { folder, build: "2" });
    expect((await second.groups())[0]!.state).toBe("resolved");
    await second.append("x");
    expect((await second.groups())[0]).toMatchObject({ state: "open", stateReason: "seen again in build 2", builds: ["1", "2"], fixedIn: null });
    await second.store.resolveErrorGroup(fingerprint, { build: "2" });
    await second.store.close();

    const back = await open(failing, { folder, build: "1" });
    await back.append("x");
    expect((await back.groups())[0]!.state).toBe("resolved");
    await back.store.close();
    const third = await open(failing, { folder, build: "3" });
    await third.append("x");
    expect((await third.groups())[0]).toMatchObject({ state: "open", stateReason: "seen again in build 3" });
  });

  it("ignored, it stays so until its time is over, or somebody opens it", async () => {
    const { store, append, groups, clock } = await open(failing);
    await append("x");
    const { fingerprint } = (await groups())[0]!;
    await store.ignoreErrorGroup(fingerprint);
    await append("x");
    expect((await groups())[0]).toMatchObject({ state: "ignored", count: 2, ignoredUntil: null });
    await store.reopenErrorGroup(fingerprint, { reason: "look" });
    await expect.poll(async () => (await groups())[0]).toMatchObject({ state: "open", stateReason: "look" });
    const until = new Date(clock.now() + 3_600_000).toISOString();
    await store.ignoreErrorGroup(fingerprint, { until });
    const openOnes = async () => (await store.views.errorGroups({ tenant, state: "open" }, { limit: 10 })).groups;
    await expect.poll(openOnes).toEqual([]);
    clock.later(3_600_000);
    expect(await openOnes()).toHaveLength(1);
    expect((await groups())[0]).toMatchObject({ state: "open", stateBy: "policy", stateReason: `it was ignored until ${until}` });
    await expect(store.ignoreErrorGroup(fingerprint, { until: "2020-01-01T00:00:00Z" })).rejects.toMatchObject({ code: "REQUEST_INVALID" });
    await expect(store.resolveErrorGroup(fingerprint, { build: "a build" })).rejects.toMatchObject({ code: "REQUEST_INVALID" });
    await expect(store.reopenErrorGroup("v1:nothing")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("by a fingerprint that several handlers make names the handler", async () => {
    const { store, append, groups } = await open(failing, { fingerprint: (error, { entity }) => `${error.message}/${entity.type} 50%` });
    await append("x");
    expect((await groups()).map(({ fingerprint, message }) => [fingerprint, message])).toEqual([["down/order 50%", "down"]]);
    expect(await store.resolveErrorGroup("down/order 50%", { handler: "ledger" })).toMatchObject({ state: "resolved", handler: "ledger" });
    await expect(store.resolveErrorGroup("down/order 50%", { handler: "mail" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});
