/** Every command that asks a service, with another tenant's ids and names: nothing of the other is shown, and nothing is done to it. */
import { join } from "node:path";
import type { Command } from "commander";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { createKey } from "../../src/access/edit-key-file.ts";
import { openKeys } from "../../src/access/keys.ts";
import { defineEvent } from "../../src/catalog/define.ts";
import { makeProgram } from "../../src/cli/cli.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { systemClock } from "../../src/event/clock.ts";
import { serve } from "../../src/http/server.ts";
import { answerTo } from "../support/cli.ts";
import { silent } from "../support/http.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ orderId: z.string() }) });
const failing = () => {
  throw new Error("no");
};
const ledger = defineHandler({ name: "ledger", events: [placed], retry: { maxAttempts: 1 }, on: { "order.placed": failing } });

const eventId = "018f2b2e-7c4a-7d3b-8a1e-0123456789ab";
let url: string;
const keys: Record<string, string> = {};
/** Of globex. */
let theirs: { readonly delivery: string; readonly plan: string; readonly replay: string };

const as = (name: string, ...args: readonly string[]) => answerTo(args, { url, env: { REPRISE_KEY: keys[name]! } });
const json = async <T>(name: string, ...args: readonly string[]): Promise<T> => JSON.parse((await as(name, ...args, "-o", "json")).stdout) as T;

beforeEach(async () => {
  const folder = temporaryFolder();
  const path = join(folder, "keys.json");
  const editing = { path, nowMs: Date.now(), random: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
  for (const [name, tenant] of [
    ["acme", "acme"],
    ["globex", "globex"],
    ["boss", "*"],
  ] as const)
    keys[name] = createKey(editing, { name, tenant, role: "admin", expiresAtMs: null, sources: null, limit: { per_second: 100_000, burst: 100_000 } }).text;
  const store = await startStore({ events: [placed], handlers: [ledger] }, join(folder, "data"));
  const opened = openKeys({ path, clock: systemClock });
  const served = await serve({ store, logger: silent, clock: systemClock, keys: opened, host: "127.0.0.1", port: 0 });
  url = served.url;
  onTestFinished(async () => {
    served.abort();
    await served.close();
    opened.close();
  });
  await store.append(
    { id: eventId, type: "order.placed", entity: { type: "order", id: "secret-order" }, source: "secret-source", data: { orderId: "secret-data" } },
    { tenant: "globex" },
  );
  const letters = () => json<{ total: number; events: { delivery_id: string }[] }>("globex", "dlq", "ls");
  await expect.poll(async () => (await letters()).total, { timeout: 20_000 }).toBe(1);
  const planned = await json<{ plan_id: string }>("globex", "replay", "plan", "--handler", "ledger");
  const { replay_id: replay } = await json<{ replay_id: string }>("globex", "replay", "run", planned.plan_id, "--reason", "ours", "--yes", "--detach");
  await expect.poll(async () => (await json<{ status: string }>("globex", "replay", "show", replay)).status, { timeout: 20_000 }).toBe("completed");
  const again = await json<{ plan_id: string }>("globex", "replay", "plan", "--handler", "ledger");
  theirs = { delivery: (await letters()).events[0]!.delivery_id, plan: again.plan_id, replay };
}, 60_000);

/** Commands that ask a service: they take `--tenant`, which they say themselves. */
function leaves(command: Command, path: readonly string[] = []): readonly { readonly path: readonly string[]; readonly command: Command }[] {
  if (command.commands.length > 0) return command.commands.flatMap((each) => leaves(each, [...path, each.name()]));
  return command.options.some(({ long, description }) => long === "--tenant" && description.startsWith("of this tenant")) ? [{ path, command }] : [];
}

/** What follows ends by itself only when the log does not have the position. */
const endOfStream = ["--after", "999999999"];

/** A command line for a thing of globex, with all that it requires. */
function lineOf(path: readonly string[], command: Command): readonly string[] {
  const [group, verb] = path;
  const id = group === "replay" ? (verb === "run" ? theirs.plan : verb === "plan" ? eventId : theirs.replay) : verb === "give-up" ? theirs.delivery : eventId;
  const args = command.registeredArguments.map((argument) => {
    const name = argument.name();
    return name === "type/id" ? "order/secret-order" : name === "name" ? "ledger" : name === "n" ? "5" : name === "file" ? "-" : id;
  });
  const takes = (flag: string) => command.options.some(({ long }) => long === flag);
  return [
    ...path,
    ...args,
    ...(takes("--reason") ? ["--reason", "theirs"] : []),
    ...(takes("--partitions") ? ["--partitions", "2"] : []),
    ...(takes("--data") && verb === "amend" ? ["--data", "{}"] : []),
    ...(verb === "follow" ? endOfStream : []),
    "--yes",
  ];
}

it("every command shows nothing of another tenant, and does nothing to it", { timeout: 60_000 }, async () => {
  const terminal = { out() {}, err() {}, interactive: false, columns: undefined, ask: async () => "", input: async function* () {} };
  const commands = leaves(await makeProgram({ terminal, env: {}, exitCode: 0 }));
  expect(commands.map(({ path }) => path.join(" "))).toHaveLength(46);
  const secrets = ["secret-", "globex", eventId, ...Object.values(theirs)];
  for (const { path, command } of commands) {
    const line = lineOf(path, command);
    const own = await as("acme", ...line);
    const said = [own.stdout, own.stderr].join("\n");
    const shown = line.reduce((text, word) => (word.length > 8 ? text.replaceAll(word, "") : text), said).replaceAll("order/secret-order", "");
    expect([line.join(" "), secrets.filter((secret) => shown.includes(secret))]).toEqual([line.join(" "), []]);
    // A list is empty, and what names an id or touches all tenants is refused.
    const isList = command.registeredArguments.length === 0 || path[0] === "append";
    if (!isList && path.join(" ") !== "replay plan") expect([line.join(" "), own.code]).toEqual([line.join(" "), 4]);
    if (path[0] === "append") continue;
    const named = await as("acme", ...line, "--tenant", "globex");
    expect([line.join(" "), named.code]).toEqual([line.join(" "), 4]);
  }
  const after = await json<{ total: number; events: { amended_at: string | null; replay_id: string | null }[] }>("globex", "dlq", "ls");
  expect(after).toMatchObject({ total: 1, events: [{ amended_at: null, replay_id: theirs.replay }] });
  expect((await json<{ replays: { status: string }[] }>("globex", "replay", "ls")).replays).toHaveLength(1);
});

it("a key of all names one tenant, or all in a list, which then says whose each row is", async () => {
  for (const list of ["events", "entities", "dlq", "replay", "handlers"]) {
    const one = await as("boss", list, "ls", "--tenant", "globex");
    const all = await as("boss", list, "ls", "--tenant", "*");
    expect([list, one.code, all.code]).toEqual([list, 0, 0]);
    expect([list, one.stdout.startsWith("TENANT"), all.stdout.split("\n")[0]]).toEqual([list, false, expect.stringMatching(/^TENANT /)]);
    if (list !== "handlers") expect([list, all.stdout]).toEqual([list, expect.stringContaining("globex")]);
  }
  expect((await as("boss", "events", "show", eventId)).code).toBe(4);
  expect((await as("boss", "events", "show", eventId, "--tenant", "globex")).code).toBe(0);
  expect((await as("boss", "dlq", "discard", eventId, "--reason", "test", "--tenant", "*", "--yes")).code).toBe(4);
  expect((await as("boss", "status", "--tenant", "*")).code).toBe(2);
  expect((await as("boss", "events", "ls", "--tenant", "Globex")).code).toBe(2);
  const status = await as("boss", "status", "--tenant", "globex");
  expect([status.code, status.stdout]).toEqual([1, expect.stringMatching(/reprise replay run --handler ledger --tenant globex\n/)]);
});
