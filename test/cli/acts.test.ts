import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answerTo, listen } from "../support/cli.ts";
import { amendedLetter, deliveryId, errorGroup, eventId, type FakeStore, makeFakeStore, replayId } from "../support/fake-store.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const skips = [{ reason: 'Migration "cents": it threw Error: no total', count: 2 }];
let store: FakeStore;
let url: string;
let close: () => Promise<void>;
beforeAll(async () => {
  store = makeFakeStore({
    store: { replayBatch: async () => ({ replayId, total: 3, succeeded: 1, failed: 0, skipped: 2, skips, remaining: 0, position: "14" }) },
    views: { findDeadLetters: async () => [amendedLetter] },
  });
  ({ url, close } = await listen(store));
});
afterAll(() => close());

const run = (...args: string[]) => answerTo(args, { url });

describe("dlq amend", () => {
  it("takes data as it stands, from a file and from standard input, and shows what changes", async () => {
    const file = join(temporaryFolder(), "data.json");
    writeFileSync(file, '{"orderId":"o-1","total":9.99}');
    const { code, stdout, stderr } = await run("dlq", "amend", eventId, "--data", `@${file}`, "--reason", "typo", "--handler", "mail");
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/WHERE +CHANGE +FROM +TO\n +#\/total +replace +9.95 +9.99\n/) });
    expect(stderr).toContain(`reprise dlq replay ${deliveryId}`);
    const data = { orderId: "o-1", total: 9.99 };
    expect(store.last("amend")).toEqual([eventId, { tenant: "default", actor: "local", data, reason: "typo", handler: "mail" }]);
    expect((await answerTo(["dlq", "amend", eventId, "--data", "-", "--reason", "x", "-q"], { url, input: '{"total":1.50}' })).stdout).toBe(`${deliveryId}\n`);
    expect(store.last("amend")).toMatchObject([eventId, { data: { total: 1.5 } }]);
    expect(JSON.parse((await run("dlq", "amend", eventId, "--data", "[]", "--reason", "x", "-o", "json")).stdout)).toMatchObject({
      amended_at: amendedLetter.amendedAt,
    });
  });

  it("refuses data that is no JSON, a file that is not there, and an act without a reason", async () => {
    const calls = store.calls.length;
    const [noJson, noFile, noReason] = await Promise.all([
      run("dlq", "amend", eventId, "--data", "{", "--reason", "x"),
      run("dlq", "amend", eventId, "--data", "@/nowhere.json", "--reason", "x"),
      run("dlq", "amend", eventId, "--data", "{}"),
    ]);
    expect(noJson).toMatchObject({ code: 2, stderr: "--data is not JSON.\n" });
    expect(noFile).toMatchObject({ code: 2, stderr: expect.stringMatching(/nowhere.json cannot be read: ENOENT/) });
    expect(noReason).toMatchObject({ code: 2, stderr: expect.stringMatching(/--reason/) });
    expect(store.calls.length).toBe(calls);
  });
});

describe("dlq show", () => {
  it("shows the original beside the amendment, with who and why", async () => {
    const { stdout } = await run("dlq", "show", eventId);
    expect(stdout).toMatch(/amended data\n +\{\n.*\n +"total": 9.99/);
    expect(stdout).toMatch(/stored data\n +\{\n.*\n +"total": 9.95/);
    expect(stdout).toMatch(/#\/total +replace +9.95 +9.99/);
    expect(stdout).toMatch(/amendments, newest first\n +AT +BY +MIGRATION +REASON\n +2026-01-31 12:00:00Z +local +- +typo/);
  });
});

describe("dlq replay --migration", () => {
  it("names it for ids and for a filter, and shows what was left alone and why", async () => {
    await run("dlq", "replay", eventId, "--migration", "cents", "--reason", "mend");
    expect(store.last("replay")).toEqual([eventId, { tenant: "default", actor: "local", reason: "mend", migration: "cents" }]);
    const { code, stdout } = await run("dlq", "replay", "--handler", "mail", "--migration", "cents", "--yes");
    expect(code).toBe(3);
    expect(stdout).toMatch(/skipped +2\n/);
    expect(stdout).toMatch(/2 +Migration "cents": it threw Error: no total/);
    expect(store.last("replayBatch")).toEqual([{ handler: "mail" }, { tenant: "default", actor: "local", migration: "cents" }]);
  });
});

describe("escalations", () => {
  it("are listed, the open ones where nothing else is asked", async () => {
    const { code, stdout } = await run("escalations", "ls", "--handler", "mail");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ID +HANDLER +ENTITY +STATUS +DUE +BY +WHY\n\S+ +mail +order\/o-1 +open +\S.* a refund over 100\n$/);
    expect(store.last("views.escalations")).toEqual([{ tenant: "default", status: "open", handler: "mail" }, { limit: 100 }]);
    expect((await run("escalations", "ls", "--status", "all", "-q")).stdout).toBe(`${deliveryId}\n`);
    expect(store.last("views.escalations")[0]).toEqual({ tenant: "default" });
    expect((await run("escalations", "ls", "--status", "refused")).code).toBe(2);
  });

  it("show what is asked, with the data and how to decide", async () => {
    const { code, stdout, stderr } = await run("escalations", "show", deliveryId.slice(0, 8));
    expect(code).toBe(0);
    expect(stdout).toMatch(/why +a refund over 100\n/);
    expect(stdout).toMatch(/before the handler was called\n/);
    expect(stdout).toContain('"totalCents": 20000');
    expect(stderr).toContain(`reprise escalations approve ${deliveryId} --reason …`);
    expect(JSON.parse((await run("escalations", "show", deliveryId, "-o", "json")).stdout)).toMatchObject({ delivery_id: deliveryId, status: "open" });
  });

  it("are approved and rejected with a reason, one after the other", async () => {
    const approved = await run("escalations", "approve", deliveryId, eventId, "--reason", "seen");
    expect(approved).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ID +STATUS +HANDLER +ENTITY\n\S+ +approved +mail +order\/o-1\n\S+ +approved/) });
    expect(store.last("approveEscalation")).toEqual([eventId, { tenant: "default", actor: "local", reason: "seen" }]);
    expect(await run("escalations", "reject", deliveryId, "--reason", "no", "-q")).toMatchObject({ code: 0, stdout: `${deliveryId}\n` });
    expect(store.last("rejectEscalation")).toEqual([deliveryId, { tenant: "default", actor: "local", reason: "no" }]);
    expect((await run("escalations", "approve", deliveryId)).code).toBe(2);
  });
});

it("integrations are isolated and reset", async () => {
  const isolated = await run("integrations", "isolate", "bank", "--reason", "it charges twice");
  expect(isolated).toMatchObject({
    code: 0,
    stdout: "Integration bank is isolated.\n",
    stderr: "To let its handlers go on: reprise integrations reset bank\n",
  });
  expect(store.last("isolateIntegration")).toEqual(["bank", { tenant: "default", actor: "local", reason: "it charges twice" }]);
  expect((await run("integrations", "reset", "bank")).stdout).toBe("Integration bank is closed.\n");
  expect(store.last("resetIntegration")).toEqual(["bank", { tenant: "default", actor: "local" }]);
});

it("error groups are shown, resolved, ignored and reopened", async () => {
  const fingerprint = errorGroup.fingerprint;
  const shown = await run("errors", "show", fingerprint);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toMatch(/failures +3\n/);
  expect(shown.stdout).toMatch(/builds +1\.4\.2, and 4 before\n/);
  expect(shown.stdout).toContain("failures by the hour (1 before)");
  expect(shown.stderr).toContain(`reprise errors resolve ${fingerprint}`);
  expect((await run("errors", "show", "v1:nope")).code).toBe(4);
  expect((await run("errors", "resolve", fingerprint, "--build", "1.4.3", "--reason", "mended", "--handler", "mail")).stdout).toBe(
    `Error group ${fingerprint} of mail is resolved.\n`,
  );
  expect(store.last("resolveErrorGroup")).toEqual([fingerprint, { tenant: "default", actor: "local", handler: "mail", reason: "mended", build: "1.4.3" }]);
  expect((await run("errors", "ignore", fingerprint, "--until", "2h", "-q")).stdout).toBe(`${fingerprint}\n`);
  const [, { until }] = store.last("ignoreErrorGroup") as [string, { until: string }];
  expect(Math.round((Date.parse(until) - Date.now()) / 60_000)).toBeGreaterThan(118);
  expect((await run("errors", "ignore", fingerprint, "--until", "soon")).code).toBe(2);
  expect((await run("errors", "reopen", fingerprint)).stdout).toBe(`Error group ${fingerprint} of mail is open.\n`);
});

describe("handlers and entities, paused and resumed", () => {
  it("name the handler or the entity, with a reason", async () => {
    const paused = await run("handlers", "pause", "mail", "--reason", "look first");
    expect(paused).toMatchObject({ code: 0, stdout: "Handler mail is paused.\n", stderr: "To let it go on: reprise handlers resume mail\n" });
    expect(store.last("pauseHandler")).toEqual(["mail", { tenant: "default", actor: "local", reason: "look first" }]);
    expect((await run("handlers", "resume", "mail")).stdout).toBe("Handler mail is running.\n");
    expect((await run("entities", "pause", "order/a/b", "--handler", "mail", "--reason", "x")).stdout).toBe("order/a/b is paused for mail, ledger.\n");
    expect(store.last("pauseEntity")).toEqual([
      { type: "order", id: "a/b" },
      { tenant: "default", actor: "local", handler: "mail", reason: "x" },
    ]);
    expect((await run("entities", "resume", "order/a", "-o", "json")).stdout).toContain('"position": "20"');
    expect((await run("entities", "retry", "order/a", "-q")).stdout).toBe("order/a\n");
    expect((await run("entities", "retry", "order")).code).toBe(2);
  });
});
