/** What each view of the console looks like: to who sees little, on any width, in the dark; and that each command line it shows is one. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { noBrowser } from "../support/browser.ts";
import { answerTo } from "../support/cli.ts";
import { excess, goTo, keepPicture, keepsPictures, read, useBrowser } from "../support/console-page.ts";
import { openScene, type Scene, waitForLetters } from "../support/console-scene.ts";
import { someOf } from "../support/sizes.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const violations = `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes[0].html.slice(0, 200)))`;
const commandLines = `Array.from(document.querySelectorAll(".command code"), (line) => line.textContent)`;
/** Lines of running text that are longer than anybody reads. */
const longLines = `Array.from(document.querySelectorAll("main p:not(.says, .command), main dd, main li > span"), (each) => [each.getBoundingClientRect().width, each.textContent.slice(0, 60)])
  .filter(([width]) => width > 1300)`;

describe.skipIf(noBrowser !== null)(`the looks of the console${noBrowser === null ? "" : ` (${noBrowser})`}`, { timeout: 120_000 }, () => {
  const open = useBrowser();

  it("keeps nobody out: axe finds no violation on any view, light, dark and 320 px wide, and nothing is wider than the page", async () => {
    const scene = await openScene({ orders: 3 });
    const views = await viewsOf(scene);
    const { page, faults } = await open(scene);
    await page.evaluate(axe);
    const wrong: string[] = [];
    const commands = new Set<string>();
    for (const look of someOf(1, [
      { width: 320, scheme: "dark" },
      { width: 1280, scheme: "light" },
      { width: 1280, scheme: "dark" },
      { width: 320, scheme: "light" },
      { width: 640, scheme: "light" },
    ] as const)) {
      await page.setViewportSize({ width: look.width, height: 800 });
      await page.emulateMedia({ colorScheme: look.scheme });
      for (const [name, hash] of Object.entries(views)) {
        await goTo(page, hash);
        await read(page);
        await page.evaluate(`document.querySelectorAll("details").forEach((each) => (each.open = true))`);
        const found = await page.evaluate<readonly string[]>(violations);
        if ((await excess(page)) > 0) wrong.push(`${name} ${look.width}: ${await excess(page)} px too wide`);
        for (const line of await page.evaluate<readonly string[]>(commandLines)) commands.add(line);
        wrong.push(...found.map((each) => `${name} ${look.scheme} ${look.width}: ${each}`));
      }
    }
    expect(wrong).toEqual([]);
    await allAreCommands([...commands]);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it.each(someOf(0, ["3840 px wide"]))("keeps its lines short and its parts together, %s", async () => {
    const scene = await openScene({ orders: 3 });
    const views = await viewsOf(scene);
    const { page, faults } = await open(scene, { width: 3840, height: 2160 });
    const wrong: unknown[] = [];
    for (const [name, hash] of Object.entries(views)) {
      await goTo(page, hash);
      await read(page);
      wrong.push(...(await page.evaluate<unknown[]>(longLines)).map((line) => [name, line]));
      if ((await excess(page)) > 0) wrong.push(`${name} is too wide`);
    }
    expect(wrong).toEqual([]);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it.runIf(keepsPictures)("is pictured in the dark", async () => {
    const scene = await openScene({ orders: 12 });
    await waitForLetters(scene, 12);
    const { page } = await open(scene, { dark: true });
    await read(page);
    await page.getByText("Something is wrong").waitFor();
    await keepPicture(page, "dark");
    expect(await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")).toBe("rgb(16, 19, 23)");
    await page.context().close();
  });
});

/** An address of each view, with something in it. */
async function viewsOf(scene: Scene): Promise<Readonly<Record<string, string>>> {
  await waitForLetters(scene, 3);
  await scene.order("o-4", "ask first");
  // What is escalated is among the dead letters.
  const letter = (await waitForLetters(scene, 5)).find(({ handler }) => handler === "ledger")!;
  const [waits] = (await scene.store.views.escalations({ tenant: "default" }, { limit: 1 })).escalations;
  const groups = (await (await fetch(`${scene.url}/admin/errors?handler=ledger`)).json()) as { readonly groups: readonly { readonly fingerprint: string }[] };
  const post = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ selection: { dead_letters: { handler: "ledger" } } }),
  };
  const plan = (await (await fetch(`${scene.url}/replays/plan`, post)).json()) as { readonly plan_id: string };
  const run = { ...post, body: JSON.stringify({ plan_id: plan.plan_id, mode: "dry_run", reason: "to be seen" }) };
  const replay = (await (await fetch(`${scene.url}/replays`, run)).json()) as { readonly replay_id: string };
  return {
    ...{ overview: "#/", letters: "#/dead-letters?handler=ledger", letter: `#/dead-letters/${letter.deliveryId}`, entities: "#/entities" },
    ...{ entity: "#/entities/order/o-1", replays: "#/replays", choose: "#/replays/new", plan: `#/replays/plans/${plan.plan_id}` },
    ...{ replay: `#/replays/${replay.replay_id}`, errors: "#/errors", group: `#/errors/${groups.groups[0]!.fingerprint}?handler=ledger` },
    ...{ escalations: "#/escalations", escalation: `#/escalations/${waits!.deliveryId}`, handlers: "#/handlers", schemas: "#/schemas" },
    ...{ schema: "#/schemas/order.placed", events: "#/events", event: `#/events/${letter.id}`, none: "#/there/is/none", empty: "#/dead-letters?handler=mail" },
  };
}

/** Each is a command with its arguments: a service that knows nothing refuses it, and the command line does not. */
async function allAreCommands(lines: readonly string[]): Promise<void> {
  const nothing = createServer((_, response) => {
    response.writeHead(404, { "content-type": "application/problem+json" });
    response.end(JSON.stringify({ status: 404, code: "NOT_FOUND", title: "Not found", detail: "Nothing here.", remedy: "None." }));
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void nothing.close());
  await once(nothing, "listening");
  const url = `http://127.0.0.1:${(nothing.address() as AddressInfo).port}`;
  expect(lines.length).toBeGreaterThan(10);
  for (const line of lines) {
    const [npx, reprise, ...args] = Array.from(line.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, plain]) => quoted ?? plain!);
    expect([npx, reprise]).toEqual(["npx", "reprise"]);
    if (args[0] === "schema") continue; // asks no service
    const { code, stderr } = await answerTo(
      args.map((arg) => (arg === "@amended.json" ? "{}" : arg)),
      { url },
    );
    expect([line, code, stderr]).toEqual([line, 4, expect.stringContaining("Nothing here.")]);
  }
}
