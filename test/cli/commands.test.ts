import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeProgram } from "../../src/cli/cli.ts";
import { groups } from "../../src/cli/commands.ts";
import { RepriseError } from "../../src/errors.ts";
import { takeTyped } from "../../src/store/append/typed.ts";
import { answerTo, listen, reprise } from "../support/cli.ts";
import { deadLetter, deliveryId, errorGroup, eventId, eventView, type FakeStore, makeFakeStore, planId, replayId, replayView } from "../support/fake-store.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

let store: FakeStore;
let url: string;
const closers: (() => Promise<void>)[] = [];
beforeAll(async () => {
  ({ store, url } = await service());
});
afterAll(async () => {
  for (const close of closers) await close();
});

async function service(replace: Parameters<typeof makeFakeStore>[0] = {}): Promise<{ store: FakeStore; url: string }> {
  const store = makeFakeStore(replace);
  const { url, close } = await listen(store);
  closers.push(close);
  return { store, url };
}

const silentTerminal = { out: () => {}, err: () => {}, interactive: false, columns: undefined, ask: async () => "", async *input() {} };

/** In this process; the few that run `reprise` itself hold its streams and its exit code. */
const run = (...args: string[]) => answerTo(args, { url });

describe.concurrent("lists", () => {
  it.for([
    ["events ls", "ID", eventId],
    ["entities ls", "ENTITY", "order/o-1"],
    ["entities events order/o-1", "ID", eventId],
    ["dlq ls", "ID", eventId],
    ["errors ls", "FINGERPRINT", errorGroup.fingerprint],
    ["handlers ls", "HANDLER", "mail"],
    ["integrations ls", "INTEGRATION", "bank"],
  ])("%s prints a table, JSON, a row a line, and ids", async ([command, heading, id], { expect }) => {
    const args = command!.split(" ");
    const [table, json, ndjson, quiet] = await Promise.all([run(...args), run(...args, "-o", "json"), run(...args, "-o", "ndjson"), run("-q", ...args)]);
    for (const { code } of [table, json, ndjson, quiet]) expect(code).toBe(0);
    const lines = table.stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(new RegExp(`^${heading} `));
    expect(lines[1]).toContain(id);
    expect(Object.values(JSON.parse(json.stdout))[0]).toEqual([JSON.parse(ndjson.stdout)]);
    expect(ndjson.stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(quiet.stdout).toBe(`${id}\n`);
    expect(quiet.stderr).toBe("");
  });
});

describe("a command", () => {
  it.each(groups.map((group) => [group] as const))("that is loaded alone is what it is among all: $names", async ({ names }) => {
    const world = { terminal: { ...silentTerminal }, env: {}, exitCode: 0 };
    const all = await makeProgram(world);
    for (const name of names) {
      const alone = await makeProgram(world, { args: [name] });
      const [one, among] = [alone, all].map((program) => program.commands.find((command) => command.name() === name)!.helpInformation());
      expect(one).toBe(among);
      if (name !== "completion") expect(alone.commands.map((command) => command.name())).toEqual(names);
    }
  });

  it("that is misspelt, or stands behind a flag, is looked for among all", async () => {
    expect((await run("evnts", "ls")).stderr).toContain("Did you mean events?");
    expect(await run("-o", "json", "events", "ls")).toMatchObject({ code: 0 });
    expect((await run("help", "dlq")).stdout).toContain("dead letters");
  });
});

describe("reading", () => {
  it("passes filters on under their wire names", async () => {
    await run("dlq", "ls", "--handler", "mail", "--error", "Error: down", "--entity", "order/a/b", "--cause", "schema", "--limit", "7");
    expect(store.last("views.deadLetters")).toEqual([
      { tenant: "default", handler: "mail", error: "Error: down", entityType: "order", entityId: "a/b", cause: "schema" },
      { limit: 7, offset: 0, data: false },
    ]);
    await run("dlq", "ls", "--error-group", "v1:0", "--error-like", "down");
    expect(store.last("views.deadLetters")[0]).toEqual({ tenant: "default", errorGroup: "v1:0", errorLike: "down" });
    await run("errors", "ls", "--state", "open", "--handler", "mail", "--error-like", "down", "--event-type", "order.placed", "--limit", "7");
    expect(store.last("views.errorGroups")).toEqual([
      { tenant: "default", state: "open", handler: "mail", errorLike: "down", eventType: "order.placed" },
      { limit: 7 },
    ]);
    await run("events", "ls", "--event-type", "order.placed", "--correlation-id", "c", "--status", "held");
    expect(store.last("views.events")[0]).toEqual({ tenant: "default", eventType: "order.placed", correlationId: "c", status: "held" });
    await run("entities", "events", "order/o-1", "--from", "3", "--direction", "backward");
    expect(store.last("readEntity")).toEqual([
      { type: "order", id: "o-1" },
      { tenant: "default", from: 3, limit: 100, direction: "backward" },
    ]);
  });

  it("says how to read on, without mixing it into the output", async () => {
    const { stdout, stderr } = await run("events", "ls");
    expect(stderr).toBe("There are more: add --cursor next\n");
    expect(stdout).not.toContain("--cursor");
  });

  it("shows one event, entity and dead letter", async () => {
    const [event, entity, letter, stats] = await Promise.all([
      run("events", "show", eventId),
      run("entities", "show", "order/o-1"),
      run("dlq", "show", deliveryId),
      run("dlq", "stats"),
    ]);
    expect(event.stdout).toMatch(/^id +018f2b2e.*\n/);
    expect(event.stdout).toContain('"totalCents": 995');
    expect(event.stdout).toContain("stored data (order.placed 1)");
    expect(event.stdout).toContain("Error: mail server down");
    expect(entity.stdout).toContain("blocked");
    expect(letter.stdout).toContain("1 → 2");
    expect(letter.stdout).toContain("order.paid");
    expect(stats.stdout).toContain("Error: mail server down");
    expect(JSON.parse((await run("dlq", "show", eventId, "-o", "json")).stdout)).toMatchObject({ id: eventId, steps: [{ from: 1 }] });
  });

  it("names dead letters that share an event by their delivery", async () => {
    const other = { ...deadLetter, handler: "audit", deliveryId: "b" };
    const { url } = await service({ views: { deadLetters: async () => ({ events: [deadLetter, other], total: 2, nextCursor: null }) } });
    expect((await answerTo(["dlq", "ls", "-q"], { url })).stdout).toBe(`${deliveryId}\nb\n`);
  });

  it("prints a sender's text so that it cannot move the terminal's cursor", async () => {
    const evil = { ...deadLetter, error: { type: "Error", message: "a\u001b[2Jb\nc\u202ed" } };
    const { url } = await service({ views: { deadLetters: async () => ({ events: [evil], total: 1, nextCursor: null }) } });
    expect((await answerTo(["dlq", "ls"], { url })).stdout).toMatch(/Error: a\\u001b\[2Jb c\\u202ed\n$/);
  });

  it("prints nothing on standard output for an empty list", async () => {
    const { url } = await service({ views: { deadLetters: async () => ({ events: [], total: 0, nextCursor: null }) } });
    expect(await answerTo(["dlq", "ls"], { url })).toEqual({ code: 0, stdout: "", stderr: "No dead letter matches.\n" });
    expect(JSON.parse((await answerTo(["dlq", "ls", "-o", "json"], { url })).stdout)).toMatchObject({ events: [], total: 0 });
  });

  it("views rebuild", async () => {
    expect(await run("views", "rebuild", "--reason", "new build")).toMatchObject({ code: 0, stdout: expect.stringContaining("being rebuilt") });
  });
});

describe("append", () => {
  const flags = ["append", "--type", "order.placed", "--entity", "order/o-1"];

  it("appends one event from flags, and changes no digit of its numbers", async () => {
    const { code, stdout } = await run(
      ...flags,
      "--data",
      '{"b":1.10,"a":null}',
      "--call-chain",
      "web,intake",
      "--source",
      "intake",
      "--context-ref",
      "doc:https://x/y",
      "--expected-revision",
      "3",
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ID .*\n018f2b2e.*order\/o-1 .* now\n$/);
    expect(store.last("append")).toMatchObject([
      {
        type: "order.placed",
        entity: { type: "order", id: "o-1" },
        data: { b: 1.1, a: null },
        source: "intake",
        callChain: ["web", "intake"],
        contextRefs: [{ kind: "doc", ref: "https://x/y" }],
      },
      { expectedRevision: 3 },
    ]);
    const unsafe = await run(...flags, "--data", "9007199254740993");
    expect(unsafe.code).toBe(4);
    expect(unsafe.stderr).toContain("NUMBER_UNSAFE");
  });

  it("reads data from a file or standard input", async () => {
    const file = join(temporaryFolder(), "data.json");
    writeFileSync(file, '{"from":"file"}');
    await run(...flags, "--data", `@${file}`);
    expect(store.last("append")).toMatchObject([{ data: { from: "file" } }, {}]);
    await reprise([...flags, "--data", "-"], { url, input: '{"from":"input"}' });
    expect(store.last("append")).toMatchObject([{ data: { from: "input" } }, {}]);
  });

  const event = (id: string) => ({ type: "order.placed", entity: { type: "order", id }, data: 1 });

  it.each([
    ["one event, over several lines", JSON.stringify(event("a"), null, 2), 1],
    ["a list", JSON.stringify([event("a"), event("b")]), 2],
    ["a whole request", JSON.stringify({ expected_revision: "any", events: [event("a")] }), 1],
    ["an event a line", `${JSON.stringify(event("a"))}\n\n${JSON.stringify(event("b"))}\n`, 2],
    ["nothing", "", 0],
  ])("reads %s from standard input", async (_what, input, count) => {
    const { code, stdout } = await answerTo(["append", "-q"], { url, input });
    expect({ code, lines: stdout.split("\n").length - 1 }).toEqual({ code: 0, lines: count });
  });

  it("sends lines in requests of 1000, and says what was stored when a later one is refused", async () => {
    let requests = 0;
    const good = makeFakeStore();
    const { url } = await service({
      store: { append: takeTyped((...args) => (++requests > 1 ? Promise.reject(new RepriseError("DATA_INVALID", "Not valid.")) : good.append(...args))) },
    });
    const input = Array.from({ length: 1500 }, (_, index) => JSON.stringify(event(String(index)))).join("\n");
    const { code, stdout, stderr } = await reprise(["append", "-q"], { url, input });
    expect({ code, lines: stdout.split("\n").length - 1 }).toEqual({ code: 3, lines: 1000 });
    expect(stderr).toContain("1000 events were stored; not those from line 1001 on.");
  });

  it("names the lines of what is refused, in whichever request and after whichever blank lines", async () => {
    let requests = 0;
    const good = makeFakeStore();
    const errors = [3, 3, 5].map((at) => ({ pointer: `#/events/${at}/data`, detail: "is wrong" }));
    const { url } = await service({
      store: {
        append: takeTyped((...args) => (++requests === 2 ? Promise.reject(new RepriseError("DATA_INVALID", "Not valid.", { errors })) : good.append(...args))),
      },
    });
    const input = Array.from({ length: 1010 }, (_, index) => `${JSON.stringify(event(String(index)))}\n${index === 4 ? "\n" : ""}`).join("");
    const { code, stderr } = await reprise(["append", "-q"], { url, input });
    expect({ code, told: stderr.split("\n").slice(-4) }).toEqual({
      code: 3,
      told: ["#/events/3 is line 1005 of the input.", "#/events/5 is line 1007 of the input.", "1000 events were stored; not those from line 1002 on.", ""],
    });
    requests = 1;
    const short = await reprise(["append", "-o", "json"], { url, input: input.split("\n").slice(0, 9).join("\n") });
    expect({ code: short.code, errors: JSON.parse(short.stderr).errors }).toEqual({ code: 4, errors: [4, 4, 7].map((line, at) => ({ ...errors[at], line })) });
  });

  it.each([
    [["append", "--type", "a"]],
    [[...flags, "--data", "{"]],
    [[...flags, "--data", "1", "file.json"]],
    [["append", "--type", "a", "--entity", "order", "--data", "1"]],
    [["append", "no-such-file.json"]],
  ])("%o is a usage error", async (args) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).not.toBe("");
  });

  it("names the line that is no JSON, and sends nothing", async () => {
    const before = store.calls.length;
    const { code, stderr } = await answerTo(["append"], { url, input: `${JSON.stringify(event("a"))}\n{"b":\n` });
    expect({ code, stderr }).toEqual({ code: 2, stderr: "Line 2 is not JSON. Nothing was sent.\n" });
    expect(store.calls.length).toBe(before);
  });
});

describe("dlq replay and discard", () => {
  it("replays ids without asking", async () => {
    const { code, stdout } = await run("dlq", "replay", eventId, deliveryId, "--reason", "mail is back");
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(3);
    expect(store.last("replay")).toEqual([deliveryId, { tenant: "default", actor: "local", reason: "mail is back" }]);
  });

  it("exits with 3 when one of several fails, and with 1 when all do", async () => {
    const good = makeFakeStore();
    const { url } = await service({
      store: {
        replay: async (id, options) => {
          if (id === "refused") throw new RepriseError("DELIVERY_RUNNING", "It runs.");
          const result = await good.replay(id, options);
          return id === "bad" ? { ...result, status: "dead_lettered", error: { type: "Error", message: "again" } } : result;
        },
      },
    });
    const replay = (...ids: string[]) => answerTo(["dlq", "replay", ...ids], { url });
    const [some, bad, refused] = await Promise.all([replay("good", "bad", "refused"), replay("bad"), replay("refused")]);
    expect(some.code).toBe(3);
    expect(some.stdout).toMatch(/good .*replayed/);
    expect(some.stdout).toMatch(/bad .*dead_lettered.*Error: again/);
    expect(some.stderr).toContain("refused: Delivery running (409 DELIVERY_RUNNING)");
    expect(bad.code).toBe(1);
    expect(refused.code).toBe(4);
  });

  it("refuses a filter when nobody can be asked, and goes on with --yes", async () => {
    const before = store.calls.length;
    const refused = await run("dlq", "replay", "--handler", "mail");
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain("--yes");
    expect(store.calls.length).toBe(before);
    const { code, stdout } = await run(
      "dlq",
      "replay",
      "--handler",
      "mail",
      "--error",
      "Error: down",
      "--max",
      "500",
      "--rate",
      "10",
      "--reason",
      "back",
      "--yes",
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/succeeded +2\n/);
    expect(store.last("replayBatch")).toEqual([
      { handler: "mail", error: "Error: down" },
      { tenant: "default", actor: "local", reason: "back", maxEvents: 500, ratePerSecond: 10 },
    ]);
  });

  it.each([
    [{ total: 2, succeeded: 1, failed: 1 }, 3],
    [{ total: 2, succeeded: 0, failed: 2 }, 1],
    [{ total: 0, succeeded: 0, failed: 0 }, 0],
  ])("ends a batch of %o with %i", async (counts, code) => {
    const { url } = await service({ store: { replayBatch: async () => ({ replayId, skipped: 0, skips: [], remaining: 0, position: "1", ...counts }) } });
    expect((await answerTo(["dlq", "replay", "--all", "--yes", "-q"], { url })).code).toBe(code);
  });

  it("follows a batch past the service's patience to its end", async () => {
    let asked = 0;
    const { url } = await service({
      store: { replayBatch: async () => ({ replayId, total: 2, succeeded: 0, failed: 0, skipped: 0, skips: [], remaining: 2, position: "1" }) },
      views: { replay: async () => (asked++ === 0 ? { ...replayView, status: "running", succeeded: 1, remaining: 1 } : replayView) },
    });
    const { code, stdout } = await answerTo(["dlq", "replay", "--all", "--yes", "-o", "json"], { url });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ replay_id: replayId, status: "completed", succeeded: 2 });
    expect(asked).toBe(2);
  });

  it("discards what a filter matches, and refuses to discard without one", async () => {
    expect((await run("dlq", "discard", "--reason", "x", "--yes")).code).toBe(2);
    expect((await run("dlq", "discard", "--reason", "x", "--handler", "mail")).code).toBe(4);
    const { code, stdout } = await run("dlq", "discard", "--handler", "mail", "--max", "5", "--reason", "tidy", "--resolution", "not_needed", "--yes");
    expect(code).toBe(3);
    expect(stdout).toMatch(/discarded +1\n/);
    expect(store.last("discardBatch")).toEqual([
      { handler: "mail" },
      { tenant: "default", actor: "local", reason: "tidy", maxEvents: 5, resolution: "not_needed" },
    ]);
  });

  it("discards with a reason", async () => {
    const { code } = await run("dlq", "discard", eventId, "--reason", "sent by hand", "--resolution", "done_by_hand", "--handler", "mail");
    expect(code).toBe(0);
    expect(store.last("discard")).toEqual([
      eventId,
      { tenant: "default", actor: "local", reason: "sent by hand", resolution: "done_by_hand", handler: "mail" },
    ]);
  });

  it.each([
    [["dlq", "replay"]],
    [["dlq", "replay", eventId, "--error", "x"]],
    [["dlq", "replay", eventId, "--max", "5"]],
    [["dlq", "discard", eventId]],
    [["dlq", "discard", eventId, "--reason", "x", "--resolution", "lost"]],
    [["dlq", "amend", eventId]],
    [["nothing"]],
    [["events", "ls", "--nothing"]],
    [["events", "ls", "-o", "xml"]],
    [["entities", "show", "order"]],
    [["events", "ls", "--url", "ftp://x"]],
    [[]],
  ])("%o is a usage error", async (args) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stderr).not.toBe("");
  });

  const aLog = "it must be sqlite:<folder>, esdb://host:2113 or esdb+discover://host:2113.\n";
  it.each([
    ["--log", ["log", "check", "--log", "x"]],
    ["--log", ["backup", "--log", "x", "--to", "y"]],
    ["--log", ["views", "verify", "--log", "x"]],
    ["--log", ["schema", "census", "--log", "x"]],
    ["--log", ["schema", "check", "--log", "x"]],
    ["--log", ["archive", "run", "--log", "x"]],
    ["--log", ["archive", "verify", "--archive", "file:/tmp", "--log", "x"]],
    ["--from", ["copy", "--from", "x", "--to", "sqlite:y"]],
    ["--to", ["copy", "--from", "esdb://nowhere:1", "--to", "x"]],
  ])("what names no log is refused with its flag, %s: %j", async (flag, args) => {
    expect(await run(...args)).toEqual({ code: 2, stdout: "", stderr: `${flag} is "x": ${aLog}` });
  });
});

describe("problems", () => {
  it("are told with title, detail and remedy on standard error", async () => {
    const { code, stdout, stderr } = await run("events", "show", "nope");
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr).toBe("Not found (404 NOT_FOUND)\nThere is no event with this id.\nCheck the id or the path; ids in paths are percent-encoded.\n");
    const invalid = await run("events", "ls", "--limit", "5000");
    expect(invalid.code).toBe(4);
    expect(invalid.stderr).toContain("?limit: must be a whole number from 1 to 1000");
  });

  it("have an exit code of their own for a service that asks to try again, one that is away, and one that is no Reprise", async () => {
    const stranger = createServer((_, response) => response.writeHead(200).end("<html>")).listen(0, "127.0.0.1");
    closers.push(async () => void stranger.close());
    await once(stranger, "listening");
    const address = stranger.address() as { port: number };
    const defect = await service({ views: { event: () => Promise.reject(new Error("boom")) } });
    const [behind, away, strange, broken] = await Promise.all([
      run("events", "ls", "--after", "10"),
      answerTo(["events", "ls", "--url", "http://127.0.0.1:1"]),
      answerTo(["events", "ls"], { env: { REPRISE_HOST: "127.0.0.1", REPRISE_PORT: String(address.port) } }),
      answerTo(["events", "show", eventView.id], { url: defect.url }),
    ]);
    expect(behind.code).toBe(5);
    expect(away.code).toBe(5);
    expect(away.stderr).toContain("reprise serve");
    expect(strange.code).toBe(1);
    expect(strange.stderr).toContain("does not look like Reprise");
    expect(broken.code).toBe(1);
  });
});

describe("help", () => {
  it("--help and --version exit with 0, also for commands below the first", async () => {
    const [help, version, replay] = await Promise.all([reprise(["--help"]), reprise(["--version"]), answerTo(["dlq", "replay", "--help"])]);
    expect(help.code).toBe(0);
    for (const command of ["serve", "append", "events", "entities", "dlq", "handlers", "views"]) expect(help.stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    for (const flag of ["--error", "--max", "--rate", "--reason", "--yes", "--url"]) expect(replay.stdout).toContain(flag);
  });
});

describe("replay", () => {
  it("plans by filter, by ids and by history, and says how to go on", async () => {
    const filtered = await run("replay", "plan", "--handler", "mail", "--error", "Error: down", "--rate", "10");
    expect(filtered.code).toBe(0);
    expect(filtered.stdout).toMatch(/deliveries +1\n/);
    expect(filtered.stdout).toMatch(/1 {2}Error: mail server down/);
    expect(filtered.stdout).toContain('"totalCents": 995');
    expect(filtered.stderr).toContain(`reprise replay run ${planId} --rate 10 --reason`);
    expect(store.last("planReplay")).toMatchObject([{ kind: "dead_letters", filter: { handler: "mail", error: "Error: down" } }, { ratePerSecond: 10 }]);
    expect((await run("-q", "replay", "plan", eventId, deliveryId, "--target-handler", "sandbox")).stdout).toBe(`${planId}\n`);
    expect(store.last("planReplay")).toMatchObject([{ kind: "ids", ids: [eventId, deliveryId] }, { targetHandler: "sandbox" }]);
    await run("replay", "plan", "--history", "mail", "--entity", "order/o-1", "--types", "order.placed,order.paid", "--since", "2026-01-01T00:00:00Z");
    expect(store.last("planReplay")).toMatchObject([
      {
        kind: "history",
        handler: "mail",
        filter: { entityType: "order", entityId: "o-1", types: ["order.placed", "order.paid"], sinceMs: Date.UTC(2026, 0, 1) },
      },
      {},
    ]);
    for (const args of [[], [eventId, "--handler", "mail"], ["--types", "a.b"], ["--history", "mail", "--error", "x"], ["--handler", "mail", "--rate", "many"]])
      expect((await run("replay", "plan", ...args)).code, args.join(" ")).toBe(2);
  });

  it("runs a plan with all its terms, to its end", async () => {
    expect((await run("replay", "run", planId, "--reason", "back")).code).toBe(4);
    const terms = ["--rate", "5", "--canary", "2", "--hold", "1.5", "--stop-ratio", "0.1", "--stop-in-a-row", "3", "--effects", "again"];
    const { code, stdout } = await run("replay", "run", planId, "--reason", "back", ...terms, "--yes");
    expect(code).toBe(0);
    expect(stdout).toMatch(/status +completed\n/);
    expect(store.last("startReplay")).toEqual([
      planId,
      {
        ...{ tenant: "default", actor: "local", reason: "back" },
        terms: {
          ...{ mode: "run", ratePerSecond: 5, effects: "again" },
          canary: { entities: 2, holdSeconds: 1.5 },
          stopWhen: { failureRatio: 0.1, failuresInARow: 3 },
        },
      },
    ]);
    const dry = await run("replay", "run", planId, "--reason", "look", "--dry-run");
    expect(dry.stdout).toContain("/totalCents: nothing → 995");
    expect(store.last("startReplay")).toMatchObject([planId, { terms: { mode: "dry_run" } }]);
    expect((await run("-q", "replay", "run", planId, "--reason", "x", "--yes", "--detach")).stdout).toBe(`${replayId}\n`);
  });

  it("runs a plan by --plan, and what a filter matches in one step, with all terms", async () => {
    expect((await run("replay", "run", "--plan", planId, "--reason", "back", "--yes")).code).toBe(0);
    expect(store.last("startReplay")).toMatchObject([planId, { reason: "back" }]);
    const filtered = ["replay", "run", "--handler", "mail", "--error", "Error: down", "--rate", "10", "--canary", "2"];
    const calls = store.calls.length;
    expect(await run(...filtered)).toMatchObject({ code: 4, stderr: expect.stringContaining("--yes") });
    expect(store.calls.length).toBe(calls);
    expect(await run(...filtered, "--reason", "back", "--yes", "-q")).toEqual({ code: 0, stdout: `${replayId}\n`, stderr: "" });
    expect(store.last("planReplay")).toMatchObject([{ kind: "dead_letters", filter: { handler: "mail", error: "Error: down" } }, { ratePerSecond: 10 }]);
    expect(store.last("startReplay")).toMatchObject([planId, { reason: "back", terms: { ratePerSecond: 10, canary: { entities: 2, holdSeconds: 30 } } }]);
    await run("replay", "run", "--entity", "order/o-1", "--cause", "schema", "--rate", "none", "--yes");
    expect(store.last("startReplay")).toMatchObject([
      planId,
      { reason: "replay run --cause schema --entity-type order --entity-id o-1", terms: { ratePerSecond: null } },
    ]);
    await run("replay", "run", "--error", "x".repeat(600), "--dry-run");
    expect(store.last("startReplay")).toMatchObject([planId, { reason: expect.stringMatching(/^.{500}$/), terms: { mode: "dry_run" } }]);
  });

  it.each([
    [["--reason", "x"]],
    [[planId]],
    [[planId, "--plan", planId, "--reason", "x"]],
    [[planId, "--handler", "mail", "--reason", "x"]],
    [["--handler", "mail", "--rate", "many", "--yes"]],
    [["--handler", "mail", "--canary", "two", "--yes"]],
  ])("`replay run` with %j is a usage error, before anything is asked", async (args) => {
    const calls = store.calls.length;
    expect((await run("replay", "run", ...args)).code).toBe(2);
    expect(store.calls.length).toBe(calls);
  });

  it("watches one to its end, with the exit code of `replay run`", async () => {
    let asked = 0;
    const { url } = await service({
      views: {
        replay: async () => (asked++ === 0 ? { ...replayView, status: "running", succeeded: 1, remaining: 1 } : { ...replayView, succeeded: 1, failed: 1 }),
      },
    });
    const { code, stdout, stderr } = await answerTo(["replay", "watch", replayId], { url });
    expect({ code, asked }).toEqual({ code: 3, asked: 2 });
    expect(stdout).toMatch(/failed +1\n/);
    expect(stderr).not.toContain("█");
    expect((await run("replay", "watch", "nope")).code).toBe(4);
  });

  it("tells who started a plan, and what changed in a stale one", async () => {
    const { url } = await service({
      store: {
        startReplay: async () => {
          const changed = [{ reason: "are not dead-lettered any more", count: 1, event_ids: [eventId] }];
          throw new RepriseError("PLAN_STALE", "It has changed.", { fields: { changed } });
        },
      },
    });
    const { code, stderr } = await answerTo(["replay", "run", planId, "--reason", "x", "--yes"], { url });
    expect(code).toBe(4);
    expect(stderr).toContain(`1 are not dead-lettered any more: ${eventId}`);
  });

  it("lists, shows, pauses, resumes, cancels, and changes the rate", async () => {
    expect((await run("replay", "ls")).stdout).toMatch(new RegExp(`^REPLAY .*\\n${replayId} +batch +completed +2 +2 +0 +0 `));
    expect((await run("replay", "show", replayId)).stdout).toMatch(/succeeded +2\n/);
    expect((await run("replay", "show", planId)).stdout).toMatch(/deliveries +1\n/);
    expect((await run("replay", "show", replayId, "--report")).stdout).toContain("/totalCents: nothing → 995");
    for (const [verb, status] of [
      ["pause", "paused"],
      ["resume", "running"],
      ["cancel", "cancelled"],
    ] as const) {
      expect((await run("replay", verb, replayId, "--reason", "so")).stdout).toMatch(new RegExp(`status +${status}\n`));
      expect(store.last("actOnReplay")).toEqual([replayId, verb, { tenant: "default", actor: "local", reason: "so" }]);
    }
    expect((await run("replay", "rate", replayId, "20")).code).toBe(0);
    expect(store.last("setReplayRate")).toEqual([replayId, 20, { tenant: "default", actor: "local" }]);
    await run("replay", "rate", replayId, "none");
    expect(store.last("setReplayRate")).toEqual([replayId, null, { tenant: "default", actor: "local" }]);
  });
});
