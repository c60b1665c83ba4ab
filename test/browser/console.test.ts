/** The console in a real Chromium: the way of a recovery, what it takes to read and to steer it, and what others' texts cannot do. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createKey } from "../../src/access/edit-key-file.ts";
import type { Role } from "../../src/access/roles.ts";
import { noBrowser, openBrowser } from "../support/browser.ts";
import { answerTo } from "../support/cli.ts";
import { openScene, type Scene } from "../support/console-scene.ts";
import { repositoryFolder } from "../support/run-tool.ts";
import { someOf } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser: Browser;

/** A page that has met no fault: of its own, of its policy, of its files, and that asked nobody else. */
async function openPage(scene: Scene, hash = "", size = { width: 1280, height: 900 }): Promise<{ readonly page: Page; readonly faults: string[] }> {
  const context = await browser.newContext({ viewport: size, reducedMotion: "reduce", timezoneId: "Europe/Vienna", locale: "en-GB" });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`fault: ${error.message}`));
  page.on("console", (message) => void (/Content Security Policy|TrustedHTML/i.test(message.text()) && faults.push(message.text())));
  page.on("dialog", (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    return dialog.dismiss();
  });
  page.on("request", (request) => void (request.url().startsWith(scene.url) || faults.push(`asked ${request.url()}`)));
  page.setDefaultTimeout(8000);
  await page.goto(`${scene.url}/console${hash}`);
  return { page, faults };
}

async function waitForLetters(scene: Scene, count: number): Promise<readonly { readonly id: string; readonly deliveryId: string; readonly handler: string }[]> {
  await expect.poll(async () => (await scene.store.views.deadLetterStats({ tenant: "default" })).total, { timeout: 8000 }).toBe(count);
  return (await scene.store.views.deadLetters({ tenant: "default" }, { limit: 200 })).events;
}

/** What runs in the page is text here, because these tests know no types of a page. */
const isRead = `document.querySelector("main h1") !== null && !document.querySelector("main").textContent.includes("Reading …")`;
const violations = `axe.run().then(({ violations }) => [
  ...violations.map(({ id, nodes }) => id + ": " + nodes[0].html.slice(0, 200)),
  ...(document.documentElement.scrollWidth > innerWidth ? [document.documentElement.scrollWidth + " px wide"] : []),
])`;
const commandLines = `Array.from(document.querySelectorAll(".command code"), (line) => line.textContent)`;
const goTo = (page: Page, hash: string) => page.evaluate(`void (location.hash = ${JSON.stringify(hash)})`);

/** `REPRISE_PICTURES=1` keeps the pictures of docs/console.md, as the story goes. */
const keep = async (page: Page, name: string): Promise<void> => {
  if (process.env.REPRISE_PICTURES) await page.screenshot({ path: join(repositoryFolder, `docs/pictures/console-${name}.png`) });
};

const heading = (page: Page, name: string | RegExp) => page.getByRole("heading", { level: 1, name }).waitFor();

describe.skipIf(noBrowser !== null)(`the console in Chromium${noBrowser === null ? "" : ` (${noBrowser})`}`, { timeout: 60_000 }, () => {
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());

  it("takes a person from the outage to its end by mouse: overview, error, letter, plan, canary, done", async () => {
    const scene = await openScene({ orders: 3 });
    await waitForLetters(scene, 3);
    const { page, faults } = await openPage(scene);
    await page.getByRole("link", { name: "3 dead letters" }).waitFor();
    await keep(page, "overview");
    await page.getByRole("link", { name: /connect ECONNREFUSED/ }).click();
    await heading(page, "Error");
    await page.getByRole("link", { name: "3 entities held up" }).click();
    await heading(page, "Dead letters");
    await page.getByRole("link", { name: "order/o-2" }).click();
    await heading(page, /order\/o-2/);
    await page.getByText("1 later event of this entity waits behind it").waitFor();
    expect(await page.getByLabel("Payload as it would be delivered today").innerText()).toContain('"totalCents": 1250');
    await keep(page, "letter");
    await page.goBack();
    scene.mend();
    await page.getByRole("button", { name: "Plan a replay of all 3 matches" }).click();
    await heading(page, "The plan");
    await page.getByText("3 deliveries of 3 entities, which release 3 events").waitFor();
    await page.getByLabel("Canary: entities that go first").fill("1");
    await page.getByLabel("Seconds to watch the canary").fill("0");
    await page.getByLabel("Reason").fill("the ledger is back");
    await keep(page, "plan");
    expect(await page.locator(".command code").innerText()).toMatch(
      /^npx reprise replay run [0-9a-f-]{36} --canary 1 --hold 0 --stop-in-a-row 5 --reason 'the ledger is back'$/,
    );
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await heading(page, "Replay");
    await page.getByText("3 of 3 deliveries done").waitFor({ timeout: 15_000 });
    await page.locator("main .lead .state", { hasText: "completed" }).waitFor({ timeout: 15_000 });
    await page.getByRole("link", { name: "Overview" }).click();
    await page.getByText("No dead letter: nothing waits for a person.").waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("does the same by keyboard alone, on a telephone's width", async () => {
    const scene = await openScene({ orders: 1 });
    await waitForLetters(scene, 1);
    const { page, faults } = await openPage(scene, "", { width: 390, height: 800 });
    const press = async (...keys: readonly string[]): Promise<void> => {
      for (const key of keys) await page.keyboard.press(key);
    };
    await heading(page, "Overview");
    await press("?");
    await page.getByRole("dialog").getByText("next and previous row of a table").waitFor();
    await press("Escape", "g", "d");
    await heading(page, "Dead letters");
    await page.getByRole("link", { name: "order/o-1" }).waitFor();
    await press("j", "Enter");
    await heading(page, /order\/o-1/);
    scene.mend();
    const button = page.getByRole("button", { name: "Replay", exact: true });
    await button.waitFor();
    for (
      let steps = 0;
      steps < 30 && !(await page.evaluate(`document.activeElement.matches("button.main") && document.activeElement.textContent === "Replay"`));
      steps++
    )
      await press("Tab");
    await press("Enter");
    await page.getByText("This is no dead letter any more").waitFor();
    expect(await scene.store.views.deadLetterStats({ tenant: "default" })).toMatchObject({ total: 0 });
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("decides what waits for a person", async () => {
    const scene = await openScene({ orders: 0 });
    scene.mend();
    await scene.order("o-1", "ask first");
    const { page, faults } = await openPage(scene);
    await page.getByRole("link", { name: "order/o-1" }).click();
    await heading(page, "order/o-1");
    const decide = page.getByRole("form", { name: "Approve" });
    await decide.getByLabel("Reason").fill("the customer called");
    await decide.getByRole("button", { name: "Approve" }).click();
    await page.getByText("the customer called").waitFor();
    await page.locator("main .lead .state", { hasText: "approved" }).waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("counts what is new and moves no row, and asks for a list at most once in two seconds", async () => {
    const scene = await openScene({ orders: 1 });
    await waitForLetters(scene, 1);
    const { page, faults } = await openPage(scene, "#/events");
    const askedMs: number[] = [];
    page.on("request", (request) => void (request.url().includes("/events?") && askedMs.push(Date.now())));
    const first = page.locator("tbody tr").first();
    await first.getByRole("link").waitFor();
    await first.hover();
    const place = async () => [await first.innerText(), (await first.boundingBox())?.y];
    const before = await place();
    for (let count = 0; count < 10; count++) await scene.order(`new-${count}`);
    await page.getByRole("button", { name: "Show 20 new" }).waitFor();
    expect(await place()).toEqual(before);
    await page.getByRole("button", { name: "Show 20 new" }).click();
    await page.getByText("order/new-9").first().waitFor();
    expect(askedMs.slice(1).every((at, index) => at - askedMs[index]! > 1500)).toBe(true);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("keeps nobody out: axe finds no violation on any view, light, dark and 320 px wide, and nothing is wider than the page", async () => {
    const scene = await openScene({ orders: 3 });
    await waitForLetters(scene, 3);
    await scene.order("o-4", "ask first");
    // What is escalated is among the dead letters.
    const letter = (await waitForLetters(scene, 5)).find(({ handler }) => handler === "ledger");
    const [waits] = (await scene.store.views.escalations({ tenant: "default" }, { limit: 1 })).escalations;
    const groups = (await (await fetch(`${scene.url}/admin/errors?handler=ledger`)).json()) as { readonly groups: readonly { readonly fingerprint: string }[] };
    const [group] = groups.groups;
    const selection = { dead_letters: { handler: "ledger" } };
    const asked = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ selection }) };
    const plan = (await (await fetch(`${scene.url}/replays/plan`, asked)).json()) as { readonly plan_id: string };
    const views = [
      ...[
        "#/",
        "#/dead-letters?handler=ledger",
        `#/dead-letters/${letter!.deliveryId}`,
        "#/entities",
        "#/entities/order/o-1",
        "#/replays",
        "#/replays/new",
        "#/errors",
        `#/errors/${group!.fingerprint}?handler=ledger`,
        "#/escalations",
        `#/escalations/${waits!.deliveryId}`,
      ],
      ...[`#/replays/plans/${plan.plan_id}`, "#/handlers", "#/schemas", "#/schemas/order.placed", "#/events", `#/events/${letter!.id}`],
    ];
    const { page, faults } = await openPage(scene);
    await page.evaluate(axe);
    const wrong: string[] = [];
    const commands = new Set<string>();
    for (const look of someOf(1, [
      { width: 320, scheme: "dark" },
      { width: 1280, scheme: "light" },
      { width: 1280, scheme: "dark" },
      { width: 320, scheme: "light" },
    ] as const)) {
      await page.setViewportSize({ width: look.width, height: 800 });
      await page.emulateMedia({ colorScheme: look.scheme });
      for (const hash of views) {
        await goTo(page, hash);
        await page.locator("main h1").waitFor();
        await expect.poll(() => page.evaluate(isRead)).toBe(true);
        const found = await page.evaluate<readonly string[]>(violations);
        for (const line of await page.evaluate<readonly string[]>(commandLines)) commands.add(line);
        wrong.push(...found.map((each) => `${hash} ${look.scheme} ${look.width}: ${each}`));
      }
    }
    expect(wrong).toEqual([]);
    await allAreCommands([...commands]);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("shows what others wrote as text: nothing runs, nothing turns or hides, the page keeps its width", async () => {
    const scene = await openScene({ orders: 0 });
    const texts = someOf(8, hostileTexts());
    for (const [index, text] of texts.entries()) await scene.order(`h-${index}`, text);
    const letters = await waitForLetters(scene, texts.length);
    const { page, faults } = await openPage(scene, "#/dead-letters", { width: 390, height: 800 });
    const isWhole = async (): Promise<void> => {
      await expect.poll(() => page.evaluate(isRead)).toBe(true);
      expect(
        await page.evaluate(
          `[document.documentElement.scrollWidth <= innerWidth, "hacked" in window, document.querySelectorAll("main :is(script, style, img, iframe)").length]`,
        ),
      ).toEqual([true, false, 0]);
      // What steers a terminal, turns a line or is not seen, is written out.
      expect(/(?![\t\n])[\p{Cc}\p{Cf}]/u.exec(await page.locator("main").innerText())?.[0]).toBe(undefined);
    };
    await isWhole();
    for (const { deliveryId } of letters) {
      await goTo(page, `#/dead-letters/${deliveryId}`);
      await page.getByLabel("Payload as it is stored").waitFor();
      await isWhole();
    }
    await goTo(page, "#/");
    await isWhole();
    await goTo(page, "#/dead-letters?error=%3Cimg%20src%3Dx%20onerror%3Dhacked%3D1%3E&handler=%3Cscript%3E");
    await isWhole();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  // It waits for the page's own looks at the service, ten seconds in all: in the long run.
  it.each(someOf(0, ["a restart"]))(
    "says that the service is away, comes back by itself after %s, asks for the key again, and loses nothing that was typed",
    async () => {
      const keyFile = join(temporaryFolder(), "keys.json");
      const keyOf = (name: string, role: Role): string =>
        createKey({ path: keyFile, nowMs: Date.now(), random }, { name, role, tenant: "default", expiresAtMs: null, limit: null, sources: null }).text;
      const [anna, reader] = [keyOf("anna", "operate"), keyOf("rita", "read")];
      const scene = await openScene({ orders: 2, keyFile });
      const [letter] = await waitForLetters(scene, 2);
      const { page } = await openPage(scene, `#/dead-letters/${letter!.deliveryId}`);
      await logIn(page, reader);
      await heading(page, /order\/o-2/);
      expect(await page.getByRole("button", { name: "Replay", exact: true }).count()).toBe(0);
      await page.getByRole("button", { name: "Log out" }).click();
      await logIn(page, anna);
      await page.getByText("Discard", { exact: true }).click();
      await page.getByRole("form", { name: "Discard for good" }).getByLabel("Reason").fill("typed before the restart");

      await scene.stop();
      await page.getByText("The service does not answer.").waitFor();
      await scene.start();
      await page.getByText("Your session is over").waitFor();
      await logIn(page, anna);
      await page.getByText("The service does not answer.").waitFor({ state: "detached" });
      // Somebody else looks at the same letter meanwhile.
      const other = await openPage(scene, `#/dead-letters/${letter!.deliveryId}`);
      await logIn(other.page, reader);
      await heading(other.page, /order\/o-2/);
      await page.getByRole("button", { name: "Discard for good" }).click();
      await page.getByText("This is no dead letter any more").waitFor();
      await other.page.getByText("This is no dead letter any more").waitFor();
      await other.page.getByText("discarded", { exact: true }).waitFor();
      expect(other.faults).toEqual([]);
      await page.context().close();
      await other.page.context().close();
    },
  );
});

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

const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));

async function logIn(page: Page, key: string): Promise<void> {
  await page.getByLabel("Key", { exact: true }).fill(key);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: "Log out" }).waitFor();
}

/** What a page could be made to run, to load, to turn around or to burst with. */
function hostileTexts(): readonly string[] {
  const marks = [
    "<script>hacked=1</script>",
    "<img src=x onerror=hacked=1>",
    "</pre></style><svg onload=hacked=1>",
    "javascript:hacked=1",
    "${hacked=1}{{hacked=1}}",
  ];
  const steers = [
    "\u001b[2J\u001b[31mred\u0007",
    "\u202egnp.exe\u202c",
    "\u2066\u200b\ufeffhidden",
    "شحنة من البضائع",
    "a\u0000b\rc\u2028d",
    "\ud83d\ude80\u200d\ud83d\udd25",
  ];
  const long = ["x".repeat(100_000), "word ".repeat(20_000), "<".repeat(50_000), "\n".repeat(5000), "\u0301".repeat(3000)];
  const first = [marks[0]!, marks[1]!, steers[0]!, steers[1]!, steers[2]!, long[0]!, marks[2]!, long[4]!];
  const all = [...first, ...marks, ...steers, ...long, ...marks.flatMap((mark) => steers.map((steer) => `${steer}${mark}${steer}`))];
  return [...new Set([...all, ...Array.from({ length: 200 }, (_, index) => `${marks[index % marks.length]}${steers[index % steers.length]}${index}`)])].slice(
    0,
    200,
  );
}
