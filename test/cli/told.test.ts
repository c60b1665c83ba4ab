/** How the command line tells things: errors as JSON, examples in every help, colours of its own words only. */
import type { Command } from "commander";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeProgram } from "../../src/cli/cli.ts";
import { painted, statusWord, wantsColour } from "../../src/cli/colour.ts";
import { table } from "../../src/cli/print.ts";
import { wantsJson } from "../../src/cli/tell-failure.ts";
import { answerTo, listen } from "../support/cli.ts";
import { deadLetter, makeFakeStore, replayId } from "../support/fake-store.ts";
import { onTerminal } from "../support/person.ts";

async function service(replace: Parameters<typeof makeFakeStore>[0] = {}): Promise<string> {
  const { url, close } = await listen(makeFakeStore(replace));
  onTestFinished(close);
  return url;
}

const red = "\u001b[31m";
const end = "\u001b[39m";
const tty = { tty: { out: true, err: true } };

describe("every --help", async () => {
  function* every(command: Command, path: readonly string[]): Generator<readonly [string, Command]> {
    yield [path.join(" "), command];
    for (const inner of command.commands) yield* every(inner, [...path, inner.name()]);
  }
  let shown = "";
  const terminal = {
    out: (text: string) => void (shown += text),
    err: () => {},
    interactive: false,
    columns: undefined,
    ask: async () => "",
    async *input() {},
  };
  const commands = [...every(await makeProgram({ terminal, env: {}, exitCode: 0 }), [])];

  it("is walked", () => expect(commands.length).toBeGreaterThan(50));

  it.each(commands)("of `reprise %s` has examples of that very command", (path, command) => {
    shown = "";
    command.outputHelp();
    const examples = (shown.split("\nExamples:\n")[1] ?? "")
      .split("\n\n")[0]!
      .split("\n")
      .filter((line) => line !== "");
    expect(examples.length).toBeGreaterThan(0);
    for (const line of examples) expect(line).toMatch(new RegExp(`^  (?:source <\\()?reprise ${path}`));
  });
});

describe("errors with -o json", { timeout: 30_000 }, () => {
  it("are one line of JSON on standard error: the problem's members, or a code and a message", async () => {
    const url = await service();
    const asJson = async (...args: string[]) => {
      const { code, out, err } = await onTerminal(url, "n", args);
      expect(err).toMatch(/^\{.*\}\n$/);
      return { code, out, error: JSON.parse(err) as Record<string, unknown> };
    };
    expect(await asJson("events", "show", "nope", "-o", "json")).toMatchObject({
      ...{ code: 4, out: "" },
      error: {
        code: "NOT_FOUND",
        status: 404,
        title: "Not found",
        detail: "There is no event with this id.",
        remedy: expect.any(String),
        type: expect.any(String),
      },
    });
    expect(await asJson("events", "ls", "--limit", "5000", "-o", "ndjson")).toMatchObject({ code: 4, error: { errors: [{ pointer: "?limit" }] } });
    expect(await asJson("events", "ls", "--nothing", "--output=json")).toEqual({
      code: 2,
      out: "",
      error: { code: "USAGE", message: "unknown option '--nothing'" },
    });
    expect(await asJson("dlq", "-o", "json")).toMatchObject({ code: 2, error: { code: "USAGE", message: "Name a command: --help lists them." } });
    expect(await asJson("dlq", "ls", "--since", "soon", "-ojson")).toMatchObject({
      code: 2,
      error: { code: "USAGE", message: expect.stringContaining("--since") },
    });
    expect(await asJson("dlq", "replay", "--all", "-o", "json")).toEqual({ code: 4, out: "", error: { code: "REFUSED", message: "Nothing was done." } });
    expect(await asJson("status", "-o", "json", "--url", "http://127.0.0.1:1")).toMatchObject({
      code: 5,
      error: { code: "UNREACHABLE", message: expect.stringContaining("serve") },
    });
    expect(await asJson("keys", "revoke", "Ab12Cd34", "--file", "/nowhere/keys.json", "-o", "json")).toMatchObject({
      code: 2,
      error: { code: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String) },
    });
    expect(await asJson("serve", "--config", "nowhere.ts", "-o", "json")).toMatchObject({ code: 2, error: { code: "CONFIG_INVALID" } });
    // Help that was asked for is no error.
    expect(await onTerminal(url, "", ["dlq", "--help", "-o", "json"])).toMatchObject({ code: 0, err: "", out: expect.stringContaining("Usage:") });
  });

  it("are a line for each of several ids, and bare text without -o json", async () => {
    const url = await service();
    const { code, err } = await onTerminal(url, "y", ["dlq", "show", "nope"]);
    expect({ code, err }).toMatchObject({ code: 4, err: expect.stringMatching(/^Not found \(404 NOT_FOUND\)\n/) });
    const several = await onTerminal(url, "y", ["dlq", "amend", "a", "--data", "{", "--reason", "x", "-o", "json"]);
    expect(JSON.parse(several.err)).toEqual({ code: "USAGE", message: "--data is not JSON." });
  });

  it.each([
    [["-o", "json"], true],
    [["a", "--output", "ndjson"], true],
    [["-ojson"], true],
    [["-o=json"], true],
    [["-qo", "json"], true],
    [["--output=json", "-o", "table"], false],
    [["--", "-o", "json"], false],
    [["-o"], false],
    [[], false],
  ])("%j: %s", (args, json) => expect(wantsJson(args)).toBe(json));
});

describe("colours", { timeout: 30_000 }, () => {
  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: "1" }, true, false],
    [{ NO_COLOR: "" }, true, true],
    [{ FORCE_COLOR: "1" }, false, true],
    [{ FORCE_COLOR: "" }, false, true],
    [{ FORCE_COLOR: "0" }, true, false],
    [{ FORCE_COLOR: "1", NO_COLOR: "1" }, true, false],
    [{ TERM: "dumb" }, true, false],
    [{ TERM: "dumb", FORCE_COLOR: "1" }, true, true],
  ])("%j, terminal %s: %s", (env, onTerminal, wanted) => expect(wantsColour(env, onTerminal)).toBe(wanted));

  it("are given to error titles and status words, and only on a terminal", async () => {
    const url = await service();
    const on = (args: readonly string[], terminal = {}, env = {}) => onTerminal(url, "", args, { terminal, env });
    expect((await on(["events", "show", "nope"], tty)).err).toContain(`${red}Not found (404 NOT_FOUND)${end}\nThere is no event`);
    expect((await on(["replay", "show", replayId], tty)).out).toContain(`  \u001b[32mcompleted${end}\n`);
    expect((await on(["replay", "ls"], tty)).out).toContain(`  \u001b[32mcompleted${end}  `);
    expect((await on(["status"], tty)).out).toContain(`${red}wrong${end}  1 entity of mail held behind a dead letter`);
    for (const [terminal, env] of [
      [{}, {}],
      [tty, { NO_COLOR: "1" }],
      [{ tty: { out: false, err: false } }, {}],
    ])
      for (const args of [["events", "show", "nope"], ["replay", "ls"], ["status"]]) {
        const { out, err } = await on(args, terminal, env);
        expect(out + err).not.toContain("\u001b");
        expect(out + err).not.toMatch(/[0-9a-f]{8}-[0-9a-f-]{27}[ryg]/);
      }
    // Each of the two for itself: an answer into a pipe, its errors on the screen.
    expect((await on(["replay", "ls"], { tty: { out: false, err: true } })).out).not.toContain("\u001b");
    expect((await on(["replay", "ls", "-o", "json"], tty)).out).not.toContain("\u001b");
    expect((await answerTo(["replay", "ls"], { url })).stdout).not.toContain("\u001b");
    expect((await answerTo(["replay", "ls"], { url, env: { FORCE_COLOR: "1" } })).stdout).toContain("\u001b[32mcompleted");
  });

  it("are never given to a sender's text, whatever it holds", async () => {
    const error = { type: "failed", message: `failed \u001b[31mred ${statusWord("failed").slice(0, 8)} STATUS failed` };
    const url = await service({
      views: { deadLetters: async () => ({ events: [{ ...deadLetter, error, eventType: "failed" }], total: 1, nextCursor: null }) },
    });
    const { out } = await onTerminal(url, "", ["dlq", "ls"], { terminal: { ...tty, columns: 400 } });
    expect(out).toContain("failed \\u001b[31mred");
    expect(out).not.toContain("\u001b");
  });

  it("take no room in a table", () => {
    const rows = [
      { id: "a", status: "failed" },
      { id: "bb", status: "completed" },
    ];
    const columns = [
      ["STATUS", ({ status }: { status: string }) => status],
      ["ID", ({ id }: { id: string }) => id],
    ] as const;
    const plain = "STATUS     ID\nfailed     a\ncompleted  bb\n";
    expect(painted(table(rows, columns), false)).toBe(plain);
    expect(painted(table(rows, columns), true)).toBe(plain.replace("failed", `${red}failed${end}`).replace("completed", `\u001b[32mcompleted${end}`));
    expect(
      painted(table(rows, columns, 8), false)
        .split("\n")
        .filter((line) => line.length > 8),
    ).toEqual([]);
  });
});
