/** The user with which Reprise logs in at a server: its account, its rights, its password. A real server with users is tried by hand: docs/operating.md. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { AccessDeniedError, type EventStoreDBClient, NO_STREAM, StreamNotFoundError, WrongExpectedVersionError } from "@eventstore/db-client";
import { describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/cli.ts";
import { namedLog, readPasswordFile } from "../../src/cli/named-log.ts";
import { haveAccount } from "../../src/log/eventstoredb/user/account.ts";
import type { Ask, Login } from "../../src/log/eventstoredb/user/administration.ts";
import { keepOthersOut, letReadAll } from "../../src/log/eventstoredb/user/rights.ts";
import { tryRights } from "../../src/log/eventstoredb/user/try-rights.ts";
import { parseServerUrl, withUser } from "../../src/log/server-url.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const administrator = { user: "admin", password: "changeit" };
const reprise = { user: "reprise", password: "a long password" };

/** A server's list of users, as its HTTP paths show it. */
function serverWith(passwords: Map<string, string>, disabled: readonly string[] = []): Ask {
  return async (as: Login, method, path, body = {}) => {
    if (passwords.get(as.user) !== as.password) return { status: 401, text: "" };
    const { loginName, password, newPassword } = body as Record<string, string>;
    const name = /^\/users\/([^/]+)/.exec(path)?.[1] ?? "";
    if (path === "/users/$current") return { status: 200, text: "" };
    if (as.user !== "admin") return { status: 403, text: "" };
    if (method === "POST" && path === "/users/") passwords.set(loginName!, password!);
    else if (!passwords.has(name)) return { status: 404, text: "" };
    else if (path.endsWith("/command/reset-password")) passwords.set(name, newPassword!);
    return { status: 200, text: JSON.stringify({ data: { disabled: disabled.includes(name) } }) };
  };
}

describe("the account", () => {
  it("is made once, kept as it is, and given another password", async () => {
    const passwords = new Map([["admin", "changeit"]]);
    const ask = serverWith(passwords);
    expect(await haveAccount(ask, administrator, reprise)).toBe("created");
    expect(await haveAccount(ask, administrator, reprise)).toBe("unchanged");
    expect(await haveAccount(ask, administrator, { ...reprise, password: "another password" })).toBe("password_changed");
    expect(passwords.get("reprise")).toBe("another password");
  });

  it("is refused to whoever is no administrator, and when it is disabled", async () => {
    const passwords = new Map([
      ["admin", "changeit"],
      ["ops", "ops"],
      ["reprise", "x"],
    ]);
    const ask = serverWith(passwords, ["reprise"]);
    await expect(haveAccount(ask, { user: "admin", password: "wrong" }, reprise)).rejects.toThrow("does not take the password of the administrator");
    await expect(haveAccount(ask, { user: "ops", password: "ops" }, reprise)).rejects.toThrow("or it is no administrator");
    await expect(haveAccount(ask, administrator, reprise)).rejects.toThrow("is disabled");
  });
});

/** The streams of a server, in which each append has to expect the last revision. */
function streamsOf(streams: Map<string, object[]>): EventStoreDBClient {
  const client = {
    async *readStream(name: string) {
      const events = streams.get(name);
      if (events === undefined) throw new StreamNotFoundError(new Error() as never, name);
      yield { event: { isJson: true, data: events.at(-1), revision: BigInt(events.length - 1) } };
    },
    async appendToStream(name: string, { data }: { data: object }, { expectedRevision }: { expectedRevision: unknown }) {
      const events = streams.get(name) ?? [];
      expect(expectedRevision).toBe(events.length === 0 ? NO_STREAM : BigInt(events.length - 1));
      streams.set(name, [...events, data]);
    },
  };
  return client as unknown as EventStoreDBClient;
}

describe("the rights", () => {
  const id = () => "018f2b2e-7c4a-7d3b-8a1e-0123456789ab";

  it.each([
    ["no list yet", undefined, ["$admins", "reprise"]],
    ["a list of one name", { $acl: { $r: "audit" } }, ["audit", "reprise"]],
    ["a list of several", { $acl: { $r: ["$admins", "audit"], $mr: "audit" }, $cacheControl: 3 }, ["$admins", "audit", "reprise"]],
  ])("to read $all are added to %s, once; nothing else is changed", async (_what, before, readers) => {
    const streams = new Map<string, object[]>(before === undefined ? [] : [["$$$all", [before]]]);
    expect(await letReadAll(streamsOf(streams), id, "reprise")).toBe(true);
    expect(streams.get("$$$all")!.at(-1)).toEqual({ ...before, $acl: { ...before?.$acl, $r: readers } });
    expect(await letReadAll(streamsOf(streams), id, "reprise")).toBe(false);
  });

  it("of other users to streams are taken away, once; the lists of system streams stay as they are", async () => {
    const streams = new Map<string, object[]>([["$settings", [{ $systemStreamAcl: { $r: "audit" } }]]]);
    expect(await keepOthersOut(streamsOf(streams), id, "reprise")).toBe(true);
    const both = ["$admins", "reprise"];
    expect(streams.get("$settings")!.at(-1)).toEqual({
      $systemStreamAcl: { $r: "audit" },
      $userStreamAcl: { $r: both, $w: both, $mr: both, $mw: both, $d: "$admins" },
    });
    expect(await keepOthersOut(streamsOf(streams), id, "reprise")).toBe(false);
  });

  it("are tried without storing anything, and each that is refused is named", async () => {
    const denied = () => new AccessDeniedError(new Error() as never);
    const client = {
      async *readAll() {
        yield* [];
        throw denied();
      },
      async appendToStream(name: string) {
        throw name.startsWith("$$")
          ? denied()
          : new WrongExpectedVersionError(null as never, { streamName: name, current: NO_STREAM, expected: "stream_exists" });
      },
    };
    const tried = await tryRights(client as unknown as EventStoreDBClient, id);
    expect(tried.map(({ right, granted }) => [right, granted])).toEqual([
      ["read", false],
      ["append", true],
      ["truncate", false],
    ]);
  });
});

describe("the address of a server", () => {
  it("is read in its parts, and given another user, whatever letters there are", () => {
    const url = "esdb+discover://an%40na:p%2Fw@a:2113,b?tlsCAFile=/x/ca.crt&TlsVerifyCert=false";
    const parsed = parseServerUrl(url)!;
    expect(parsed).toMatchObject({ user: "an@na", password: "p/w", hosts: ["a:2113", "b"] });
    expect([...parsed.options]).toEqual([
      ["tlscafile", "/x/ca.crt"],
      ["tlsverifycert", "false"],
    ]);
    const other = { user: "x:y", password: "@/?:%,é" };
    expect(parseServerUrl(withUser(url, other))).toMatchObject({ ...other, hosts: ["a:2113", "b"], options: parsed.options });
    expect(parseServerUrl("esdb://host")).toMatchObject({ user: null, password: null, hosts: ["host"] });
    expect([parseServerUrl("sqlite:./data"), parseServerUrl("esdb://"), parseServerUrl("esdb://a@b@c")]).toEqual([null, null, null]);
  });

  it("gets the password of the file where it names a user without one, and else stays as it is", () => {
    const file = join(temporaryFolder(), "password");
    writeFileSync(file, "a/b@c\r\n");
    const env = { REPRISE_LOG_PASSWORD_FILE: file };
    expect(namedLog("esdb://reprise@h", env)).toBe("esdb://reprise:a%2Fb%40c@h");
    for (const log of ["esdb://x:own@h", "esdb://h?tls=false", "esdb://reprise@h?tls=false", "sqlite:./data"]) expect(namedLog(log, env)).toBe(log);
    expect(namedLog(undefined, { ...env, REPRISE_LOG: "esdb://reprise@h" })).toBe("esdb://reprise:a%2Fb%40c@h");
    expect(namedLog(undefined, {})).toBe("sqlite:./data");
    expect(() => namedLog("esdb://h", env)).toThrow("names no user");
    expect(() => namedLog("esdb://", env)).toThrow("--log is");
    expect(() => namedLog(undefined, { ...env, REPRISE_LOG: "esdb://" })).toThrow("REPRISE_LOG is");
  });

  it.each([
    ["", "the password and nothing else"],
    ["two\nlines", "the password and nothing else"],
    ["x".repeat(2000), "more than 1024 bytes"],
  ])("is refused a password file of %j", (text, why) => {
    const file = join(temporaryFolder(), "password");
    writeFileSync(file, text);
    expect(() => readPasswordFile("REPRISE_LOG_PASSWORD_FILE", file)).toThrow(why);
    expect(() => readPasswordFile("REPRISE_LOG_PASSWORD_FILE", join(file, "none"))).toThrow("cannot be read");
  });
});

describe("reprise log user", () => {
  const tell = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    let told = "";
    const terminal = { out: () => {}, err: (text: string) => (told += text), columns: 100, interactive: false, ask: async () => "", tty: {} };
    return { code: await runCli(["log", "user", ...args], { terminal: terminal as never, env }), told };
  };
  const file = "PASSWORD";
  const inFolder = (args: readonly string[]): readonly string[] => {
    const path = join(temporaryFolder(), "password");
    writeFileSync(path, "long enough it is");
    return args.map((arg) => (arg === file ? path : arg));
  };

  it.each([
    [["--password-file", file, "--user", "Admin", "--log", "esdb://a:b@h"], "server's own administrators"],
    [["--password-file", file, "--user", "$ops", "--log", "esdb://a:b@h"], "letters, digits"],
    [["--log", "esdb://a:b@h"], "REPRISE_LOG_PASSWORD_FILE"],
    [["--password-file", file], "Only a log on a server"],
    [["--password-file", file, "--log", "esdb://a:b@h?tls=false"], "has no users"],
    [["--password-file", file, "--log", "esdb://admin@h"], "names no administrator"],
    [["--password-file", file, "--log", "esdb://a:b@h?tlsCAFile=/nowhere/ca.crt"], "tlsCAFile of the log's address cannot be read"],
  ])("%j is refused with what to do", async (given, why) => {
    const args = inFolder(given);
    expect(await tell(args)).toMatchObject({ code: 2, told: expect.stringContaining(why) });
    expect(await tell([...args, "-o", "json"])).toMatchObject({ code: 2, told: expect.stringMatching(/^\{.*\}\n$/) });
  });

  it("refuses a password that is short, without showing it", async () => {
    const short = join(temporaryFolder(), "short");
    writeFileSync(short, "short-one");
    const { code, told } = await tell(["--log", "esdb://a:b@h", "--password-file", short]);
    expect({ code, told }).toEqual({ code: 2, told: expect.stringContaining("12 letters or more") });
    expect(told).not.toContain("short-one");
  });
});
