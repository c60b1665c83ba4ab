/** Keys: their text, their file, how it is edited, and how a service follows it. */
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { createKey, finishRotation, revokeKey, rotateKey } from "../../src/access/edit-key-file.ts";
import { lockForEdit } from "../../src/access/edit-lock.ts";
import { parseKeyFile, readKeyFile } from "../../src/access/key-file.ts";
import { keyText, readKeyText, withoutKeys } from "../../src/access/key-text.ts";
import { openKeys } from "../../src/access/keys.ts";
import { checkNewKey } from "../../src/access/new-key.ts";
import { makeRateLimit } from "../../src/access/rate-limit.ts";
import { mayDo, requiredRole, roles } from "../../src/access/roles.ts";
import { durationMs } from "../../src/cli/duration.ts";
import { newId } from "../../src/event/ids.ts";
import { makeFakeClock } from "../support/fake-clock.ts";
import { repositoryFolder } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** What happens at the moment when an editor asks for the lock. */
const asked = vi.hoisted(() => ({ once: undefined as (() => void) | undefined }));
vi.mock(import("../../src/access/edit-lock.ts"), async (original) => {
  const real = await original();
  const lockForEdit: typeof real.lockForEdit = (path) => {
    const happen = asked.once;
    asked.once = undefined;
    happen?.();
    return real.lockForEdit(path);
  };
  return { ...real, lockForEdit };
});

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const digit = fc.constantFrom(...base62);
const anyKey = fc.record({ id: fc.string({ unit: digit, minLength: 8, maxLength: 8 }), secret: fc.string({ unit: digit, minLength: 32, maxLength: 32 }) });

/** Bytes that differ from call to call, and are the same in each run. */
function makeRandom(): (count: number) => Uint8Array {
  let next = 7;
  return (count) => Uint8Array.from({ length: count }, () => (next = (next * 73 + 41) % 251));
}

function makeFile() {
  const path = join(temporaryFolder(), "keys.json");
  const clock = makeFakeClock();
  const random = makeRandom();
  const options = () => ({ path, nowMs: clock.now(), random });
  const create = (name: string, more: Partial<Parameters<typeof createKey>[1]> = {}) =>
    createKey(options(), { name, tenant: "default", role: "read", expiresAtMs: null, limit: null, sources: null, ...more });
  return { path, clock, options, create };
}

describe("the text of a key", () => {
  it("is rpr_, 8 of id, 32 of secret and the CRC32 in six base62 digits", () => {
    expect(keyText({ id: "00000000", secret: "0".repeat(32) })).toMatch(/^rpr_0{40}[0-9A-Za-z]{6}$/);
    fc.assert(fc.property(anyKey, (parts) => void expect(readKeyText(keyText(parts))).toEqual(parts)));
  });

  it("is refused with any one character changed, two neighbours swapped, or one left out", () => {
    fc.assert(
      fc.property(anyKey, fc.nat({ max: 45 }), digit, (parts, place, other) => {
        const text = keyText(parts);
        const at = 4 + place;
        const changed = text.slice(0, at) + other + text.slice(at + 1);
        const swapped = text.slice(0, at - 1) + text[at]! + text[at - 1]! + text.slice(at + 1);
        for (const wrong of [changed, ...(at > 4 ? [swapped] : []), text.slice(0, at) + text.slice(at + 1)])
          if (wrong !== text) expect(readKeyText(wrong)).toBeNull();
      }),
    );
  });
});

describe("a text that repeats a request", () => {
  it("is told without the keys in it, whole or without an end, and otherwise as it is", () => {
    fc.assert(
      fc.property(anyKey, fc.nat({ max: 15 }), (parts, cut) => {
        const key = keyText(parts);
        for (const sent of [key, `"${key}"`, `/replays/${key}?a=${key}`, key.slice(0, key.length - cut), key.replace("_", "%5F"), `x${key}y`])
          expect(withoutKeys(sent)).not.toContain(parts.secret.slice(0, 16));
      }),
    );
    for (const text of ["", "rpr_", "rpr_abcdefgh", "the handler rpr_mail_for_customers_of_the_shop", newId()]) expect(withoutKeys(text)).toBe(text);
  });
});

describe("the key file", () => {
  it("holds no secret, and only its owner may read it", () => {
    const { path, create } = makeFile();
    const { text } = create("anna");
    const stored = readFileSync(path, "utf8");
    expect(stored).not.toContain(readKeyText(text)!.secret);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("is refused when others may write it, when it is torn, and when a member is unknown; the text names no value", () => {
    const { path, create } = makeFile();
    create("anna");
    const whole = readFileSync(path, "utf8");
    chmodSync(path, 0o620);
    expect(() => readKeyFile(path)).toThrow("other users may write it");
    chmodSync(path, 0o600);
    for (let length = 0; length < whole.length - 1; length += 7) expect(() => parseKeyFile(whole.slice(0, length), path)).toThrow("API keys file");
    expect(() => parseKeyFile(whole.replace('"read"', '"root-secret"'), path)).toThrow(/#\/keys\/0\/role/);
    expect(() => parseKeyFile(whole.replace('"read"', '"root-secret"'), path)).not.toThrow("root-secret");
  });

  it("refuses a second key of a name that is in force, and takes it once the first is revoked", () => {
    const { create, options } = makeFile();
    const { key } = create("anna");
    expect(() => create("anna")).toThrow("name keys by their names");
    revokeKey(options(), key.id);
    expect(create("anna").key.id).not.toBe(key.id);
  });

  it("is never spoilt by a command: what no service could read is refused, and the file stays as it was", () => {
    const { path, create } = makeFile();
    create("anna");
    const whole = readFileSync(path, "utf8");
    const wrong: readonly Parameters<typeof create>[1][] = [
      { tenant: "reprise" },
      { tenant: "Acme" },
      { expiresAtMs: Date.UTC(10_000, 0, 1) },
      { limit: { per_second: 0, burst: 1 } },
      { sources: [] },
      { sources: Array.from({ length: 101 }, (_, at) => `agent-${at}`) },
    ];
    for (const more of wrong) expect(() => create("bert", more)).toThrow("No service could read the key file afterwards");
    for (const name of ["policy", "Local", "a\nb"]) expect(() => create(name)).toThrow("No service could read the key file afterwards");
    expect(readFileSync(path, "utf8")).toBe(whole);
    expect(create("bert").key.name).toBe("bert");
  });

  it("stays the file that a link leads to", () => {
    const { path, create, options } = makeFile();
    const { key } = create("anna");
    const real = `${path}.real`;
    renameSync(path, real);
    symlinkSync(real, path);
    revokeKey(options(), key.id);
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readKeyFile(real)).toMatchObject([{ name: "anna", revoked_at: expect.any(String) }]);
  });

  it("keeps its mode, and its owner when root changes it, so that a service of another user sees the change", () => {
    const { path, create, options } = makeFile();
    const { key } = create("anna");
    chmodSync(path, 0o640);
    if (process.geteuid?.() === 0) chownSync(path, 1234, 4321);
    const before = statSync(path);
    revokeKey(options(), key.id);
    const { uid, gid, mode } = statSync(path);
    expect({ uid, gid, mode }).toEqual({ uid: before.uid, gid: before.gid, mode: before.mode });
  });

  it("is not edited while another edits, and whatever a killed editor left there holds nobody up", async () => {
    const { path, create } = makeFile();
    const unlock = lockForEdit(`${path}.lock`);
    expect(() => create("anna")).toThrow("Another process edits the key file");
    unlock();
    const lib = pathToFileURL(join(repositoryFolder, "src/access/edit-lock.ts")).href;
    // What ends the lock is kept: a lock that nobody can end any more is collected as garbage, and ends.
    const hold = `globalThis.unlock = (await import(${JSON.stringify(lib)})).lockForEdit(process.argv[1]); console.log("locked"); setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ["--input-type=module", "-e", hold, `${path}.lock`], { stdio: ["ignore", "pipe", "ignore"] });
    await once(holder.stdout, "data");
    expect(() => create("anna")).toThrow("Another process edits the key file");
    holder.kill("SIGKILL");
    await once(holder, "exit");
    create("anna");
    for (const left of ["", "4194304000", String(process.pid), "x".repeat(5000), "\0".repeat(100)]) {
      writeFileSync(`${path}.lock`, left);
      create(`after ${left.length}`);
      expect(readdirSync(dirname(path))).toEqual(["keys.json"]);
    }
  });

  it("is looked at under the lock: what another made or moved a moment before is not lost", () => {
    const { path, create } = makeFile();
    asked.once = () => create("anna");
    create("bert");
    expect(readKeyFile(path).map(({ name }) => name)).toEqual(["anna", "bert"]);

    const elsewhere = join(temporaryFolder(), "elsewhere.json");
    asked.once = () => {
      renameSync(path, elsewhere);
      symlinkSync(elsewhere, path);
    };
    expect(() => create("carl")).toThrow("moved the key file");
    create("carl");
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readKeyFile(elsewhere).map(({ name }) => name)).toEqual(["anna", "bert", "carl"]);
  });

  it("is edited by one of many at a time, also when they find a lock of somebody who ended: no key is lost", { timeout: 60_000 }, async () => {
    const { path } = makeFile();
    const lib = pathToFileURL(join(repositoryFolder, "src/access/edit-key-file.ts")).href;
    const edit = `import { createKey } from ${JSON.stringify(lib)}; import { randomBytes } from "node:crypto"; import { writeFileSync, existsSync } from "node:fs";
      const [path, name] = process.argv.slice(1); let made = 0;
      while (made < 10) {
        try { createKey({ path, nowMs: Date.now(), random: randomBytes }, { name: name + made, tenant: "default", role: "read", expiresAtMs: null, limit: null, sources: null }); made++; }
        catch (error) { if (!/Another process edits/.test(error.message)) throw error; }
        if (!existsSync(path + ".lock")) try { writeFileSync(path + ".lock", "4194304000", { flag: "wx" }); } catch {}
      }`;
    const run = promisify(execFile);
    await Promise.all(["a", "b", "c"].map((name) => run(process.execPath, ["--input-type=module", "-e", edit, path, name])));
    expect(new Set(readKeyFile(path).map(({ name }) => name)).size).toBe(30);
  });
});

describe("keys in force", () => {
  const bearer = (text: string) => `Bearer ${text}`;

  it("are found by their text; a mistyped, unknown, revoked or expired key is refused with the same message", async () => {
    const { path, clock, create, options } = makeFile();
    const anna = create("anna", { tenant: "acme", role: "operate" });
    const bert = create("bert");
    const soon = create("soon", { expiresAtMs: clock.now() + 1000 });
    revokeKey(options(), bert.key.id);
    const keys = openKeys({ path, clock });
    expect(keys.authenticate(bearer(anna.text))).toMatchObject({ name: "anna", tenant: "acme", role: "operate", sources: null });
    expect(keys.authenticate(`bearer  ${anna.text}`).name).toBe("anna");
    expect(keys.authenticate(bearer(soon.text)).name).toBe("soon");
    await clock.advance(1000);
    const refused = [
      anna.text.slice(0, -1),
      keyText({ id: anna.key.id, secret: "x".repeat(32) }),
      keyText({ id: "unknown1", secret: "x".repeat(32) }),
      bert.text,
      soon.text,
      "rpr_",
    ];
    const texts = refused.map((text) => {
      try {
        return keys.authenticate(bearer(text)).name;
      } catch (error) {
        return `${(error as { code: string }).code}: ${(error as Error).message}`;
      }
    });
    expect(new Set(texts)).toEqual(new Set(["KEY_INVALID: The key is not one that is in force here."]));
    expect(() => keys.authenticate(undefined)).toThrow("no Authorization header");
    keys.close();
  });

  it("follow their file within 5 s: a new key, a revoked one, a rotation with two secrets at once", async () => {
    const { path, clock, create, options } = makeFile();
    const anna = create("anna");
    const keys = openKeys({ path, clock });
    const bert = create("bert");
    const rotated = rotateKey(options(), anna.key.id);
    await clock.advance(5000);
    for (const text of [anna.text, rotated.text, bert.text]) expect(keys.authenticate(bearer(text)).id).toBeTruthy();
    finishRotation(options(), anna.key.id);
    revokeKey(options(), bert.key.id);
    await clock.advance(5000);
    expect(keys.authenticate(bearer(rotated.text)).name).toBe("anna");
    for (const text of [anna.text, bert.text]) expect(() => keys.authenticate(bearer(text))).toThrow("in force");
    keys.close();
  });

  it("are looked at anew for each connection, and by a connection that sends another text, whose key was revoked, or has expired", async () => {
    const { path, clock, create, options } = makeFile();
    const [anna, bert, soon] = [create("anna"), create("bert"), create("soon", { expiresAtMs: clock.now() + 60_000 })];
    const keys = openKeys({ path, clock });
    const [one, other] = [{}, {}];
    const ask = (text: string, connection: object) => {
      try {
        return keys.authenticate(bearer(text), connection).name;
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    const mistyped = `${anna.text.slice(0, -1)}${anna.text.endsWith("0") ? "1" : "0"}`;
    const guessed = anna.text.replace(/.(?=.{7}$)/, (letter) => (letter === "a" ? "b" : "a"));
    expect([anna.text, anna.text, bert.text, mistyped, guessed, anna.text].map((text) => ask(text, one))).toEqual([
      ...["anna", "anna", "bert"],
      ...["KEY_INVALID", "KEY_INVALID", "anna"],
    ]);
    expect([ask(soon.text, other), ask(soon.text, other)]).toEqual(["soon", "soon"]);
    revokeKey(options(), anna.key.id);
    await clock.advance(5000);
    expect([ask(anna.text, one), ask(bert.text, one)]).toEqual(["KEY_INVALID", "bert"]);
    await clock.advance(60_000);
    expect(ask(soon.text, other)).toBe("KEY_INVALID");
    keys.close();
  });

  it("stay as they were while the file is torn or away, with one report and a warning, and go on when it is whole", async () => {
    const { path, clock, create } = makeFile();
    const anna = create("anna");
    const troubles: string[] = [];
    const keys = openKeys({ path, clock, onTrouble: ({ message }) => troubles.push(message) });
    const whole = readFileSync(path, "utf8");
    writeFileSync(path, whole.slice(0, 40));
    await clock.advance(20_000);
    expect(keys.authenticate(bearer(anna.text)).name).toBe("anna");
    expect(troubles).toHaveLength(1);
    expect(keys.warning()).toContain("stay in force");
    writeFileSync(path, whole);
    await clock.advance(5000);
    expect(keys.warning()).toBeNull();
    keys.close();
  });

  const standIns: readonly (readonly [what: string, put: (path: string) => void])[] = [
    ["a link to itself", (path) => symlinkSync(path, path)],
    ["a folder", (path) => mkdirSync(path)],
    ["a named pipe", (path) => void execFileSync("mkfifo", [path])],
    ["an endless device", (path) => symlinkSync("/dev/zero", path)],
    [
      "a file of three gigabytes",
      (path) => {
        writeFileSync(path, "", { mode: 0o600 });
        truncateSync(path, 3e9);
      },
    ],
    ["nothing", () => {}],
  ];

  it.each(standIns)("stay as they were while %s stands in the place of their file", async (_what, put) => {
    const { path, clock, create } = makeFile();
    const anna = create("anna");
    const troubles: string[] = [];
    const keys = openKeys({ path, clock, onTrouble: ({ message }) => troubles.push(message) });
    const whole = readFileSync(path);
    rmSync(path);
    put(path);
    await clock.advance(20_000);
    expect(keys.authenticate(bearer(anna.text)).name).toBe("anna");
    expect(troubles).toEqual([expect.stringContaining("API keys file")]);
    expect(keys.warning()).toContain("stay in force");
    rmSync(path, { recursive: true, force: true });
    writeFileSync(path, whole, { mode: 0o600 });
    await clock.advance(5000);
    expect(keys.warning()).toBeNull();
    keys.close();
  });

  it("keep what they have used of their allowance over a change of the file", async () => {
    const { path, clock, create } = makeFile();
    const anna = create("anna", { limit: { per_second: 1, burst: 2 } });
    const keys = openKeys({ path, clock });
    const take = () => keys.authenticate(bearer(anna.text)).take().ok;
    expect([take(), take(), take()]).toEqual([true, true, false]);
    create("bert");
    await clock.advance(2000);
    expect([take(), take(), take()]).toEqual([true, true, false]);
    keys.close();
  });
});

describe("the rate limit", () => {
  it("never grants more than the burst and what has flowed in since", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 500 }),
        fc.array(fc.nat({ max: 3000 }), { maxLength: 200 }),
        (perSecond, burst, waits) => {
          const bucket = makeRateLimit({ per_second: perSecond, burst }, 0);
          let nowMs = 0;
          let granted = 0;
          for (const wait of waits) {
            nowMs += wait;
            const { ok, remaining, retryAfterMs } = bucket.take(nowMs);
            granted += Number(ok);
            expect(granted).toBeLessThanOrEqual(burst + (nowMs * perSecond) / 1000 + 1e-6);
            if (!ok) expect([remaining, retryAfterMs > 0]).toEqual([0, true]);
          }
        },
      ),
    );
  });
});

describe("roles", () => {
  it("may what the table of roles says", () => {
    const table = roles.map((role) => [role, ...(["append", "look", "read", "operate", "admin"] as const).map((access) => mayDo(role, access))]);
    expect(table).toEqual([
      ["append", true, true, false, false, false],
      ["read", false, true, true, false, false],
      ["operate", false, true, true, true, false],
      ["admin", true, true, true, true, true],
    ]);
    expect((["append", "look", "read", "operate", "admin"] as const).map(requiredRole)).toEqual(["append", "read", "read", "operate", "admin"]);
  });
});

describe("a key as it is asked for", () => {
  const ask = (more: object) => () => checkNewKey({ name: "anna", tenant: "default", role: "read", ...more }, Date.UTC(2026, 0, 1), durationMs);

  it("is checked member by member, with a fix", () => {
    expect(ask({ expires: "90d", limit: "50/s", source: ["agent"] })()).toMatchObject({
      expiresAtMs: Date.UTC(2026, 3, 1),
      limit: { per_second: 50, burst: 100 },
      sources: ["agent"],
    });
    expect(ask({ name: "" })).toThrow('--name is ""');
    for (const tenant of ["Acme", "reprise", "", "../x"]) expect(ask({ tenant })).toThrow("--tenant");
    for (const name of ["policy", "LOCAL"]) expect(ask({ name })).toThrow("an actor that is no key");
    for (const source of [[], [""], Array.from({ length: 101 }, () => "agent")]) expect(ask({ source })).toThrow("--source");
    expect(ask({ tenant: "*" })().tenant).toBe("*");
    for (const expires of ["yesterday", "0d", "-1d", "2020-01-01T00:00:00Z", "9999999999999w", "9000000w"]) expect(ask({ expires })).toThrow("--expires");
    for (const limit of ["200", "0/s", "-1/s", "1e9/s", "fast"]) expect(ask({ limit })).toThrow("--limit");
  });
});
