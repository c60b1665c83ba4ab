/** `reprise views verify`: healthy views are told as such, whatever happened to them; a row changed by hand is found and named; and nothing is left behind. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { openStore } from "../../src/compose.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, NotReady, Terminal } from "../../src/delivery/handler.ts";
import { systemClock } from "../../src/event/clock.ts";
import { openLogReadOnly } from "../../src/log/open-log.ts";
import type { Store } from "../../src/store/store.ts";
import { openDatabase } from "../../src/views/database.ts";
import { projections } from "../../src/views/projections/all.ts";
import { comparedTables, tablesOfOneFile } from "../../src/views/verify/compared-tables.ts";
import { type ViewsVerified, verifyViews } from "../../src/views/verify/verify-views.ts";
import { answerTo } from "../support/cli.ts";
import type { ToolRun } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { logHead } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.int() }) });
const noted = defineEvent("chat.noted", { 1: z.object({ n: z.int() }) });
const dayMs = 86_400_000;
const because = { actor: "ann", reason: "a test" };
const event = (id: string, n = 0, type = "order.placed") => ({ type, entity: { type: "order", id }, data: { n } });
const until = (holds: () => boolean | Promise<boolean>) => vi.waitFor(async () => expect(await holds()).toBe(true), { timeout: 20_000, interval: 10 });

async function openScene(folder: string, archive = join(folder, "archive"), afterDays = 10) {
  const time = { days: 0 };
  const desk = { isDown: true };
  const ledger = defineHandler({
    ...{ name: "ledger", events: [placed], retry: { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 1, jitter: "none" } },
    on: {
      "order.placed": ({ data: { n } }) => {
        if (desk.isDown && n === 13) throw new Error("the ledger at 10.0.0.7 is down");
        if (desk.isDown && n === 14) throw new NotReady("later", { retryAfterMs: 3_600_000 });
      },
    },
  });
  const mailer = defineHandler({
    ...{ name: "mailer", events: [placed, noted], ordering: "relaxed", partitions: 3 },
    on: {
      "order.placed": ({ entity: { id } }) => {
        if (desk.isDown && id.startsWith("asked")) throw new Terminal("no such address");
      },
      "chat.noted": () => {},
    },
    escalate: ({ entity: { id } }) => (id.startsWith("person") ? "a person looks" : false),
  });
  const config = defineConfig({ events: [placed, noted], handlers: [ledger, mailer], retention: { order: { afterDays, archive: `file:${archive}` } } });
  const store = await openStore(config, { log: `sqlite:${folder}`, clock: { ...systemClock, now: () => Date.now() + time.days * dayMs } });
  await store.start();
  return { store, desk, time };
}

/** All that the log has is done but what the outage left. */
async function isAtRest(store: Store, folder: string): Promise<boolean> {
  await store.views.waitFor(logHead(folder), 20_000);
  return (await store.views.handlers()).every(({ waiting }) => waiting < 30);
}

/** An outage, for two tenants: dead letters, of which some are replayed once it is over, one is discarded and one amended; waits, a decision, a pause. */
async function happen({ store, desk }: Awaited<ReturnType<typeof openScene>>): Promise<void> {
  for (const tenant of ["default", "acme"]) {
    const of = { tenant };
    for (let n = 0; n < 5; n++)
      await store.append([event(`o-${n}`), event(`o-${n}`, n < 4 ? 13 : 14), event(`o-${n}`, 2), event(`chat-${n}`, n, "chat.noted")], of);
    await store.append([event("asked-1"), event("asked-1", 1), event("person-1", 3), event("quiet", 1)], of);
    await until(async () => (await store.views.escalations(of, { limit: 10 })).escalations.length === 1);
    await until(async () => (await store.views.deadLetters(of, { limit: 100 })).total! >= 6);
    await store.pauseEntity({ type: "order", id: "quiet" }, { ...because, ...of });
    await store.append(event("quiet", 2), of);
  }
  desk.isDown = false;
  await store.replayBatch({ entityId: "o-1" }, because);
  await store.discardBatch({ entityId: "o-2" }, because);
  const { events } = await store.views.deadLetters({ tenant: "acme" }, { limit: 100 });
  await store.amend(events.find(({ entity }) => entity.id === "o-3")!.id, { ...because, tenant: "acme", data: { n: 1 } });
  const { groups } = await store.views.errorGroups({ tenant: "acme" }, { limit: 1 });
  await store.resolveErrorGroup(groups[0]!.fingerprint, { ...because, tenant: "acme" });
  await store.views.waitFor((await store.append(event("mark")))[0]!.position);
}

const verify = (folder: string, ...more: readonly string[]) =>
  answerTo(["views", "verify", "--log", `sqlite:${folder}`, "--data", folder, "-o", "json", ...more]);
type Answer = Omit<ViewsVerified, "differencesTotal"> & { readonly ok: boolean; readonly differences_total: number };

async function judged(folder: string): Promise<Answer & Pick<ToolRun, "code">> {
  const { code, stdout, stderr } = await verify(folder);
  if (stdout === "") throw new Error(stderr);
  return { code, ...(JSON.parse(stdout) as Answer) };
}

const isAlike = { code: 0, ok: true, differences: [], differences_total: 0 };

/** Where the command works. */
let work: string;
beforeEach(() => {
  work = temporaryFolder();
  vi.stubEnv("TMPDIR", work);
  onTestFinished(() => {
    expect(readdirSync(work)).toEqual([]);
    vi.unstubAllEnvs();
  });
});

describe("views of a store with an outage behind it", () => {
  it("say what the log says, beside the service, while it goes on, and after retention", { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    const scene = await openScene(folder);
    onTestFinished(() => scene.store.close());
    await happen(scene);
    const { store, time } = scene;
    const first = await judged(folder);
    expect(first).toMatchObject(isAlike);
    for (const table of [
      "events",
      "deliveries",
      "delivery_history",
      "delivery_counts",
      "letter_counts",
      "error_groups",
      "escalations",
      "amendments",
      "lanes",
      "replay_outcomes",
    ])
      expect([table, first.compared[table]! > 0]).toEqual([table, true]);

    const goesOn = { more: true };
    const appending = (async () => {
      for (let n = 0; goesOn.more; n++) await store.append(Array.from({ length: 20 }, (_, at) => event(`more-${at}`, n)));
    })();
    await store.views.waitFor((await store.append([event("more-0")]))[0]!.position);
    const busy = await judged(folder);
    goesOn.more = false;
    await appending;
    expect(busy).toMatchObject(isAlike);
    expect(Number(busy.position)).toBeGreaterThan(Number(first.position));

    await until(() => isAtRest(store, folder));
    time.days = 20;
    const { id } = await store.beginArchiveRun({ dryRun: false });
    await until(async () => (await store.archiveRun(id))!.state !== "running");
    expect((await store.archiveRun(id))!.archived).toBeGreaterThan(20);
    await store.append([event("more-1", 5), event("o-1", 5)]);
    await store.views.waitFor((await store.append(event("mark")))[0]!.position);
    const shorter = await judged(folder);
    expect(shorter).toMatchObject(isAlike);
    expect(shorter.compared.archived_entities).toBeGreaterThan(5);
    expect(shorter.compared.events!).toBeLessThan(busy.compared.events!);
    await store.views.rebuild();
    expect(await judged(folder)).toMatchObject(isAlike);
  });
});

it("views say what the log says where events live for seconds, although the live ones have counted them by the minute", { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const scene = await openScene(folder, join(folder, "archive"), 10 / 86_400);
  onTestFinished(() => scene.store.close());
  await happen(scene);
  const { store, time } = scene;
  await until(() => isAtRest(store, folder));
  time.days = 60 / 86_400;
  const { id } = await store.beginArchiveRun({ dryRun: false });
  await until(async () => (await store.archiveRun(id))!.state !== "running");
  expect((await store.archiveRun(id))!.archived).toBeGreaterThan(20);
  await store.views.waitFor((await store.append(event("mark")))[0]!.position);
  expect(await judged(folder)).toMatchObject(isAlike);
  await store.views.rebuild();
  expect(await judged(folder)).toMatchObject(isAlike);
});

it("a rebuild puts right what was wrong, also while another program reads the old rows", async () => {
  const folder = temporaryFolder();
  const { store } = await openScene(folder);
  onTestFinished(() => store.close());
  await store.views.waitFor((await store.append([event("o-1"), event("o-2")])).at(-1)!.position);
  const other = new DatabaseSync(join(folder, "views.db"));
  other.exec("begin");
  other.prepare("select count(*) from events").get();
  const hand = new DatabaseSync(join(folder, "views.db"));
  expect(hand.prepare("update tenant_types set events = 999").run().changes).toBe(1);
  hand.close();
  expect(await judged(folder)).toMatchObject({ code: 1, differences: [{ table: "tenant_types", columns: ["events"] }] });
  await store.views.rebuild();
  expect(await judged(folder)).toMatchObject(isAlike);
  other.close();
});

describe("views of a service that was stopped", () => {
  let kept: string;
  let folder: string;
  beforeAll(async () => {
    kept = join(tmpdir(), `reprise-kept-${process.pid}`);
    rmSync(kept, { recursive: true, force: true });
    mkdirSync(kept);
    const scene = await openScene(kept);
    await happen(scene);
    await scene.store.close();
  }, 60_000);
  afterAll(() => rmSync(kept, { recursive: true, force: true }));
  beforeEach(() => {
    folder = temporaryFolder();
    cpSync(kept, folder, { recursive: true });
  });

  function changed(sql: string): void {
    const db = new DatabaseSync(join(folder, "views.db"));
    expect(db.prepare(sql).run().changes).toBeGreaterThan(0);
    db.close();
  }

  it("are the same, and no file of theirs is touched", async () => {
    const before = readFileSync(join(folder, "views.db"));
    const names = readdirSync(folder);
    expect(await judged(folder)).toMatchObject(isAlike);
    expect(readFileSync(join(folder, "views.db")).equals(before)).toBe(true);
    expect(readdirSync(folder)).toEqual(names);
    const { code, stdout } = await answerTo(["views", "verify", "--log", `sqlite:${folder}`], { cwd: folder });
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^TABLE +ROWS\n(.*\n)+The views say what the log says, up to position \d+: \d+ rows compared\.\n$/),
    });
  });

  it.each([
    [
      "a status",
      "update deliveries set status = 'discarded' where rowid_of",
      { table: "deliveries", what: "differs", columns: ["status"], key: { handler: "ledger" } },
    ],
    [
      "a count",
      "update tenant_types set events = events + 1 where tenant = 'acme' and type = 'order.placed'",
      { table: "tenant_types", what: "differs", columns: ["events"], key: { tenant: "acme", type: "order.placed" } },
    ],
    [
      "a dead letter that is gone",
      "delete from deliveries where rowid_of",
      { table: "deliveries", what: "missing", columns: [], key: { handler: "ledger", revision: 1 } },
    ],
    ["a row too many", "insert into handlers(name) values ('ghost')", { table: "handlers", what: "too_many", columns: [], key: { name: "ghost" } }],
    [
      "an error group",
      "update error_groups set count = 99, state = 'ignored' where tenant = 'default' and handler = 'ledger'",
      { table: "error_groups", what: "differs", columns: ["count", "state"], key: { tenant: "default", handler: "ledger" } },
    ],
    [
      "an event of another entity",
      "update events set entity = entity + 1 where revision = 2 and entity = (select id from entities where stream = 'acme.order-o-1')",
      { table: "events", what: "differs", columns: ["entity"], key: { revision: 2 } },
    ],
    ["a replay's outcome", "delete from replay_outcomes", { table: "replay_outcomes", what: "missing", columns: [], key: { entity: "default.order-o-1" } }],
    [
      "a lane",
      "update lanes set paused = 0 where paused = 1 and tenant = 'acme'",
      { table: "lanes", what: "differs", columns: ["paused"], key: { entity: "acme.order-quiet" } },
    ],
    [
      "a count of deliveries",
      "update delivery_counts set deliveries = deliveries - 1 where tenant = 'acme' and handler = 'mailer' and status = 'dead_lettered'",
      { table: "delivery_counts", what: "differs", columns: ["deliveries"], key: { tenant: "acme", handler: "mailer", status: "dead_lettered" } },
    ],
    [
      "a count of dead letters",
      "update letter_counts set letters = letters + 1 where tenant = 'acme' and handler = 'mailer'",
      { table: "letter_counts", what: "differs", columns: ["letters"], key: { tenant: "acme", handler: "mailer" } },
    ],
  ])("tell %s that was changed by hand", async (_, sql, found) => {
    changed(sql.replace("rowid_of", "handler = 'ledger' and letter = 1 and entity = (select id from entities where stream = 'acme.order-o-0')"));
    const { code, ok, differences, differences_total: total } = await judged(folder);
    expect({ code, ok }).toEqual({ code: 1, ok: false });
    expect(differences).toContainEqual(expect.objectContaining({ ...found, key: expect.objectContaining(found.key) }));
    expect(total).toBe(differences.length);
    expect(new Set(differences.map(({ table }) => table))).toEqual(new Set([found.table]));
  });

  it("tell entities by their names when all their numbers are others, and no text of an error in any form", async () => {
    changed("update lanes set paused_reason = 'secret-1' where paused = 1");
    changed("update letter_counts set error_message = 'secret-2'");
    for (const output of ["json", "ndjson", "table"]) {
      const { code, stdout, stderr } = await verify(folder, "-o", output);
      expect(code).toBe(1);
      expect(stdout).toContain("default.order-quiet");
      expect(stdout).not.toMatch(/secret|10\.0\.0/);
      expect(stderr).toContain("reprise views rebuild");
    }
  });

  it("tell twenty rows of a table, and how many there are", async () => {
    changed("update events set type = 'order.paid'");
    const { differences, differences_total: total } = await judged(folder);
    expect(differences).toHaveLength(20);
    expect(total).toBeGreaterThan(40);
    expect((await verify(folder, "-o", "table")).stdout).toContain(`… and ${total - 20} more\n${total} rows of the views differ`);
  });

  it.each([
    ["there are none", () => rmSync(join(folder, "views.db")), /There are no views yet/],
    ["they have another format", () => void new DatabaseSync(join(folder, "views.db")).exec("pragma user_version = 3"), /format of another release/],
    ["they are being rebuilt", () => writeFileSync(join(folder, "views.db.rebuild"), ""), /being rebuilt/],
    ["they are another log's", () => changed("update meta set log_id = '22222222-2222-4222-8222-222222222222'"), /those of another log/],
    ["they are about to be computed anew", () => changed("insert into journals_missed values ('reprise.journal-x')"), /computed anew/],
  ])("are not judged when %s", async (_, arrange, why) => {
    arrange();
    const { code, stdout, stderr } = await verify(folder);
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(JSON.parse(stderr)).toMatchObject({ code: "REFUSED", message: expect.stringMatching(why) });
  });

  it("are not judged without their log, and are damaged when their position is not what was written", async () => {
    expect(await answerTo(["views", "verify", "--log", `sqlite:${temporaryFolder()}`, "--data", folder])).toMatchObject({ code: 2 });
    changed("update meta set again = again + 1");
    expect(await verify(folder)).toMatchObject({ code: 1, stderr: expect.stringContaining("position is not what was written") });
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])("are told as damaged, or by rows, when pages of their file hold something else: %i", async (seed) => {
    const file = join(folder, "views.db");
    const bytes = readFileSync(file);
    const pages = bytes.length / 4096;
    for (let n = 0; n < 12; n++) {
      const at = (3 + ((seed * 7919 + n * 104_729) % (pages - 3))) * 4096;
      bytes.fill((seed * 37) & 255, at, at + 4096);
    }
    writeFileSync(file, bytes);
    const { code, stderr } = await verify(folder);
    expect(code).toBe(1);
    expect(stderr).toContain("reprise views rebuild");
  });

  it("are told as damaged when one bit makes bytes of a name", async () => {
    const file = join(folder, "views.db");
    const bytes = readFileSync(file);
    // A record of `delivery_counts` begins with its names; the last bit of a text's serial type says that it is a text.
    for (let at = bytes.indexOf("ledgerdefault"); at >= 0; at = bytes.indexOf("ledgerdefault", at + 1))
      for (let back = 1; back < 12; back++) if (bytes[at - back] === 13 + 2 * "ledger".length) bytes[at - back]! -= 1;
    writeFileSync(file, bytes);
    const { code, stderr } = await verify(folder);
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ code: "FAILED", message: expect.stringContaining("damaged: ") });
  });

  it("are left when a signal comes, and the temporary folder with them", async () => {
    const stopped = new AbortController();
    const onProgress = () => {
      expect(existsSync(join(work, readdirSync(work).find((name) => name.startsWith("reprise-views-"))!, "anew.db"))).toBe(true);
      stopped.abort();
    };
    const options = { file: join(folder, "views.db"), openLog: () => openLogReadOnly(`sqlite:${folder}`), onProgress, signal: stopped.signal };
    await expect(verifyViews(options)).rejects.toMatchObject({ name: "AbortError" });
  });
});

it("each table of the views is compared, or is of its own file alone", () => {
  const db = openDatabase(":memory:");
  for (const { tables } of projections) db.exec(tables);
  const names = db.all<{ name: string }>("select name from sqlite_schema where type = 'table'").map(({ name }) => name);
  db.close();
  expect([...comparedTables.map(({ table }) => table), ...tablesOfOneFile.filter((name) => name !== "meta")].sort()).toEqual(names.sort());
});
