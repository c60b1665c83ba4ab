/** `schema check | lock | census | show | diff` on a copy of the order desk: what a newcomer sees who changes what was published. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { newId } from "../../src/event/ids.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { reprise } from "../support/cli.ts";
import { repositoryFolder, writeTree } from "../support/run-tool.ts";
import { someOf } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Each command is a process, and the machine may be busy. */
const timeout = 240_000;

const config = `
  import { defineConfig } from "reprise";
  import { events } from "./schemas/index.ts";
  import { upcasters } from "./upcasters/index.ts";
  export default defineConfig({ events, upcasters });`;

interface Desk {
  readonly folder: string;
  run(...args: string[]): ReturnType<typeof reprise>;
  edit(file: string, before: string, after: string): void;
}

/** A folder with the order desk's schemas, steps and lock. */
function desk(): Desk {
  const folder = temporaryFolder();
  for (const part of ["schemas", "upcasters"]) cpSync(join(repositoryFolder, part), join(folder, part), { recursive: true });
  writeTree(folder, { "reprise.config.ts": config, "package.json": '{ "type": "module" }' });
  return {
    folder,
    run: (...args) => reprise(["schema", ...args], { cwd: folder }),
    edit(file, before, after) {
      const text = readFileSync(join(folder, file), "utf8");
      if (text.replace(before, after) === text) throw new Error(`${file} has no ${before}`);
      writeFileSync(join(folder, file), text.replace(before, after));
    },
  };
}

const placed = (data: object, schemaVersion = 1, type = "order.placed") => ({
  id: newId(),
  type,
  schemaVersion,
  source: null,
  occurredAt: null,
  data: data as never,
  metadata: { priority: "normal" } as const,
});
const order = { orderId: "o-1", email: "ada@example.org", total: 12.5, items: ["mug"] };

describe.concurrent("schema check", { timeout }, () => {
  it("finds the order desk as its lock has it", async ({ expect }) => {
    expect(await reprise(["schema", "check"])).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^As recorded in schemas\/lock\.json: 7 event types, 11 versions, 4 steps/),
      stderr: "",
    });
  });

  const changes: readonly (readonly [string, string, (desk: Desk) => void, RegExp])[] = [
    [
      "one character of a published schema",
      "published-version-changed",
      ({ edit }) => edit("schemas/order.placed/v2.ts", "max(64)", "max(65)"),
      /^published-version-changed order\.placed version 2\n {2}Version 2 of order\.placed differs from the published one\.\n {4}\/properties\/orderId\/maxLength: 64 → 65 \(bound-loosened\)\n[\s\S]*→ A published version never changes: add version 4 .*step 3 → 4.*put version 2 back as it was \(where each has a file: git checkout -- schemas\/order\.placed\/v2\.ts\)/,
    ],
    [
      "one character of a pattern",
      "published-version-changed",
      ({ edit }) => edit("schemas/payment.charged/v1.ts", "EUR|CHF", "EUR|CHE"),
      /payment\.charged version 1\n[\s\S]*\/properties\/amount\/pattern/,
    ],
    [
      "one line of a step",
      "step-result-changed",
      ({ edit }) => edit("upcasters/order.placed/v1-to-v2.ts", "Math.round(total * 100)", "Math.floor(total * 100)"),
      /^step-result-changed order\.placed version 1\n[\s\S]*sample full of version 1: \/totalCents: 1999 → 1998\n[\s\S]*→ Put the step back as it was \(where each has a file: git checkout -- upcasters\/order\.placed\/v1-to-v2\.ts\)/,
    ],
    [
      "a line of a step that no sample shows",
      "step-edited",
      ({ edit }) => edit("upcasters/order.placed/v2-to-v3.ts", "?? 0)", "?? 0.0)"),
      /Nobody can tell whether the step 2 → 3 of order\.placed works as before: its code has changed, though every sample still becomes the same/,
    ],
    [
      "the entry of a step",
      "chain-gap",
      ({ edit }) => edit("upcasters/order.placed/index.ts", ", 2: v2ToV3", ""),
      /order\.placed has no step from version 2 to 3, so stored events of version 2 and older can no longer be read\.[\s\S]*→ The step was there when the lock was written: put it back/,
    ],
    [
      "the file of a step",
      "config-does-not-load",
      ({ folder }) => rmSync(join(folder, "upcasters/order.placed/v1-to-v2.ts")),
      /imports what cannot be found at .*index\.ts:3: .*v1-to-v2\.ts[\s\S]*→ When a file of a schema version or of a step is missing: put it back \(git checkout/,
    ],
    [
      "the newest version with its step",
      "version-disappeared",
      ({ edit }) => {
        edit("schemas/stock.reserved/index.ts", ", 2: v2", "");
        edit("upcasters/stock.reserved/index.ts", "1: v1ToV2", "");
      },
      /stock\.reserved version 2\n[\s\S]*Put version 2 back.*schemas\/stock\.reserved\/v2\.ts/,
    ],
    [
      "a type",
      "type-disappeared",
      ({ edit }) => edit("schemas/index.ts", ", paymentRefunded]", "]"),
      /The lock has event type payment\.refunded; the config does not\.[\s\S]*formerly/,
    ],
    ["the lock file", "lock-missing", ({ folder }) => rmSync(join(folder, "schemas/lock.json")), /Run `reprise schema lock` once/],
    ["half of the lock file", "lock-unreadable", ({ folder }) => writeFileSync(join(folder, "schemas/lock.json"), "{"), /git checkout/],
    [
      "a new version that is not recorded",
      "not-locked",
      ({ edit, folder }) => {
        cpSync(join(folder, "schemas/order.cancelled/v1.ts"), join(folder, "schemas/order.cancelled/v2.ts"));
        edit("schemas/order.cancelled/v2.ts", "export const v1", "export const v2");
        edit("schemas/order.cancelled/index.ts", "{ 1: v1 }", "{ 1: v1, 2: v2 }");
        edit("schemas/order.cancelled/index.ts", "import { v1 }", 'import { v2 } from "./v2.ts";\nimport { v1 }');
        edit(
          "upcasters/index.ts",
          "export const upcasters = [",
          'import { defineUpcasters } from "reprise";\nimport { orderCancelled } from "../schemas/order.cancelled/index.ts";\nexport const upcasters = [defineUpcasters(orderCancelled, { 1: (old) => old }), ',
        );
      },
      /order\.cancelled\n[\s\S]*version 2[\s\S]*run `reprise schema lock`/,
    ],
  ];
  it.for(someOf(6, changes))("catches a change of %s as %s", async ([, rule, change, text], { expect }) => {
    const { run, edit, folder } = desk();
    change({ run, edit, folder });
    const { code, stdout } = await run("check");
    expect(code).toBe(1);
    expect(stdout).toMatch(text);
    expect(stdout.startsWith(rule)).toBe(true);
  });
});

describe.concurrent("schema lock", { timeout }, () => {
  it("records what is new, and rewrites only what it is told to", async ({ expect }) => {
    const { run, edit, folder } = desk();
    const lock = () => readFileSync(join(folder, "schemas/lock.json"), "utf8");
    const before = lock();
    expect(await run("lock")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Nothing new/) });
    expect(lock()).toBe(before);

    edit("schemas/order.placed/v2.ts", "max(64)", "max(65)");
    expect(JSON.parse((await run("check", "-o", "json")).stdout)).toMatchObject({
      ok: false,
      findings: [{ rule: "published-version-changed", type: "order.placed", version: 2 }],
    });
    const refused = await run("lock");
    expect(refused).toMatchObject({ code: 4, stderr: expect.stringMatching(/Nothing was recorded: .*--rewrite/) });
    expect(refused.stdout).toContain("published-version-changed order.placed version 2");
    expect(lock()).toBe(before);
    expect(await run("lock", "--rewrite", "order.lost@1")).toMatchObject({ code: 2 });
    expect(await run("lock", "--rewrite", "order.placed@2")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Recorded in schemas\/lock\.json/) });
    expect(lock()).not.toBe(before);
    expect(await run("check")).toMatchObject({ code: 0 });
    expect(readdirSync(join(folder, "schemas")).filter((name) => name.includes(".new"))).toEqual([]);
  });

  it("takes real payloads from files", async ({ expect }) => {
    const { run, folder } = desk();
    writeTree(folder, { "schemas/order.placed/samples/v1/summer.json": JSON.stringify(order) });
    expect(await run("lock")).toMatchObject({ code: 0, stdout: expect.stringContaining("order.placed: sample real/summer of version 1") });
    expect(await run("check")).toMatchObject({ code: 0, stdout: expect.stringContaining("45 samples") });
    writeTree(folder, { "schemas/order.placed/samples/v1/broken.json": "{" });
    expect(await run("check")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/broken\.json is no payload that an append takes: The JSON is not one complete document/),
    });
  });

  it("records nothing while the config does not load", async ({ expect }) => {
    const { run, edit } = desk();
    edit("upcasters/order.placed/index.ts", ", 2: v2ToV3", "");
    expect(await run("lock")).toMatchObject({ code: 1, stdout: expect.stringContaining("chain-gap"), stderr: "Nothing was recorded.\n" });
    expect(await run("check", "--config", "none.ts")).toMatchObject({ code: 2, stderr: expect.stringContaining("There is no config file") });
  });
});

describe.concurrent("a log", { timeout }, () => {
  it("is counted and checked while a service has it, and is not changed", async ({ expect }) => {
    const { run, folder } = desk();
    const log = await openSqliteLog(join(folder, "data"));
    try {
      await log.append("default.order-1", [placed(order), placed({ orderId: "o-1", email: "ada@example.org", by: "desk" }, 1, "order.cancelled")], "none");
      await log.append("shop.order-2", [placed(order), placed({ ...order, totalCents: 5, currency: "EUR", total: undefined }, 2)], "none");
      const data = join(folder, "data");
      const before = readFileSync(join(data, "log.db"));
      const census = await run("census", "--log", "sqlite:data");
      expect(census).toMatchObject({ code: 0, stderr: "" });
      const lines = census.stdout.split("\n");
      expect(lines[0]).toMatch(/^TYPE +STORED AS +VERSION +EVENTS +FIRST +LAST +TENANTS +TODAY +FIRST ERROR$/);
      expect(lines[1]).toMatch(/^order\.cancelled +- +1 +1 +\d{4}-\d\d-\d\d +\d{4}-\d\d-\d\d +1: default +read +-$/);
      expect(lines[2]).toMatch(/^order\.placed +- +1 +2 .* 2: default, shop +read +-$/);
      expect(census.stdout).toContain("Steps that stored events need: order.placed 1 → 2 (2 events), order.placed 2 → 3 (3 events)");
      expect(census.stdout).toContain("Steps that nothing here needs: payment.charged 1 → 2, stock.reserved 1 → 2");
      expect(await run("check", "--log", "sqlite:data")).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("Every event of the log can be read by this code: 4 lifted and valid."),
      });
      expect(readFileSync(join(data, "log.db")).equals(before)).toBe(true);
    } finally {
      await log.close();
    }
  });

  it("that this code cannot read fails the check, with positions and the first of each kind", async ({ expect }) => {
    const { run, folder } = desk();
    const log = await openSqliteLog(join(folder, "data"));
    await log.append(
      "default.order-1",
      [placed(order), placed({ orderId: "o-1" }), placed({ orderId: "o-2" }), placed({}, 9), placed({}, 1, "order.lost")],
      "none",
    );
    await log.close();
    const { code, stdout } = await run("check", "--log", "sqlite:data");
    expect(code).toBe(1);
    expect(stdout).toContain("log: 4 of 5 events cannot be read by this code.");
    expect(stdout).toMatch(/2 events of order\.placed version 1: SchemaInvalid: [\s\S]*first at position 3, default\.order-1 revision 1, id [0-9a-f-]{36}/);
    expect(stdout).toMatch(/1 event of order\.placed version 9: SchemaVersionUnknown/);
    expect(stdout).toMatch(/1 event of order\.lost version 1: EventTypeUnknown/);
    expect(stdout).toContain("positions: 3 4 5 6\n");
    expect(stdout).toContain("Do not deploy this");
    const wire = JSON.parse((await run("check", "--log", "sqlite:data", "-o", "json")).stdout);
    expect(wire).toMatchObject({
      ok: false,
      findings: [],
      log: { events: 5, failed: 4, failures: [{ position: "3" }, { position: "4" }, { position: "5" }, { position: "6" }] },
    });
    const [row] = (await run("census", "--log", "sqlite:data", "-o", "ndjson")).stdout
      .split("\n")
      .map((line) => (line === "" ? null : JSON.parse(line)))
      .filter((row) => row?.type === null);
    expect(row).toMatchObject({ stored_type: "order.lost", version: 1, count: 1, newer: 1, first_error: { type: "EventTypeUnknown", position: "6" } });
  });

  it("that does not exist is a usage error, and is not created", async ({ expect }) => {
    const { run, folder } = desk();
    expect(await run("census")).toMatchObject({ code: 2, stderr: expect.stringContaining("There is no log in") });
    expect(await run("census", "--log", "mysql://x")).toMatchObject({ code: 2 });
    expect(readdirSync(folder)).not.toContain("data");
  });
});

describe.concurrent("schema show and diff", { timeout }, () => {
  it("list types, and print a version as JSON Schema", async ({ expect }) => {
    const { run } = desk();
    const [list, current, second, none] = await Promise.all([
      run("show"),
      run("show", "order.placed"),
      run("show", "order.placed", "2"),
      run("show", "order.placed", "4"),
    ]);
    expect(list.stdout).toMatch(/^TYPE +CURRENT VERSION +FORMERLY\n/);
    expect(list.stdout).toMatch(/order\.placed +3 +-/);
    expect(JSON.parse(current.stdout)).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: "urn:reprise:schemas/order.placed/3",
      title: "order.placed version 3",
    });
    expect(JSON.parse(second.stdout)).toMatchObject({ properties: { totalCents: { type: "integer" } } });
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("it has 1 to 3") });
  });

  it("name each difference and whether old payloads survive it", async ({ expect }) => {
    const { run } = desk();
    const { stdout } = await run("diff", "order.placed", "1", "2");
    expect(stdout).toMatch(/^RULE +AT +BEFORE +AFTER +SURVIVES\n/);
    expect(stdout).toMatch(/property-removed +\/properties\/total .* no\n/);
    expect(stdout).toMatch(/property-added-required +\/properties\/totalCents .* no\n/);
    expect(stdout).toMatch(/Payloads of version 1 are not all valid as version 2: the step has to change them\.\n$/);
    expect(JSON.parse((await run("diff", "order.placed", "2", "2", "-o", "json")).stdout)).toEqual({
      type: "order.placed",
      from: 2,
      to: 2,
      survives: "yes",
      differences: [],
    });
    expect(await run("diff", "order.lost", "1", "2")).toMatchObject({ code: 2, stderr: expect.stringContaining("known are confirmation.requested") });
  });
});
