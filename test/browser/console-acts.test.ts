/** Acts of the console: what they ask for before they are done, what they keep that was typed, who may, and what a second person sees. */
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { noBrowser } from "../support/browser.ts";
import { goTo, heading, keyOf, logIn, read, useBrowser } from "../support/console-page.ts";
import { openScene, waitForLetters } from "../support/console-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe.skipIf(noBrowser !== null)(`the acts of the console${noBrowser === null ? "" : ` (${noBrowser})`}`, { timeout: 60_000 }, () => {
  const open = useBrowser();
  const form = (page: Page, name: string) => page.getByRole("form", { name });

  it("asks for the number above 100, does it once however often it is pressed, and says what came of it", async () => {
    const scene = await openScene({ orders: 120 });
    await waitForLetters(scene, 120);
    const { page, faults } = await open(scene, { hash: "#/dead-letters?handler=ledger" });
    await page.getByText("Discard all 120 matches").click();
    const discard = form(page, "Discard 120 for good");
    const button = discard.getByRole("button", { name: "Discard 120 for good" });
    await discard.getByLabel("Reason").fill("a test of the shop");
    expect(await button.isDisabled()).toBe(true);
    await discard.getByLabel("This is about 120 deliveries").fill("119");
    expect(await button.isDisabled()).toBe(true);
    await discard.getByLabel("This is about 120 deliveries").fill("120");
    expect(await discard.locator("code").innerText()).toBe(
      "npx reprise dlq discard --handler ledger --max 120 --resolution not_needed --reason 'a test of the shop'",
    );
    const posts: string[] = [];
    page.on("request", (request) => void (request.method() === "POST" && posts.push(request.url())));
    await button.dblclick();
    await waitForLetters(scene, 0);
    expect(posts.length).toBe(1);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("judges other data as it is typed, keeps each digit of its numbers, and shows each step of the lift", async () => {
    const scene = await openScene({ orders: 1 });
    const [letter] = await waitForLetters(scene, 1);
    const { page, faults } = await open(scene, { hash: `#/dead-letters/${letter!.deliveryId}` });
    await heading(page, /order\/o-1/);
    await page.getByText("Each step (1)").click();
    await page.getByText("version 1 → 2").waitFor();
    await page.getByText("Amend", { exact: true }).first().click();
    const amend = form(page, "Amend");
    const data = amend.getByLabel("Data (JSON)");
    await data.fill("{ total: 1 }");
    await amend.getByText("This is no JSON").waitFor();
    await data.fill('{ "total": "much" }');
    await amend.getByText("/total must be a number").waitFor();
    await data.fill('{ "note": "free" }');
    await amend.getByText("/total is missing").waitFor();
    expect(await amend.getByRole("button", { name: "Amend" }).isDisabled()).toBe(true);
    await data.fill('{ "total": 12.50, "note": "9007199254740993", "more": 9007199254740993 }');
    await amend.getByLabel("Reason").fill("the shop sent it wrong");
    await amend.getByText("9007199254740993").last().waitFor();
    await data.fill('{ "total": 13, "note": "9007199254740993" }');
    await amend.getByRole("button", { name: "Amend" }).click();
    await page.getByText("Amended, version 1").waitFor();
    await page.getByText("the shop sent it wrong").waitFor();
    expect(await page.getByLabel("Payload as it would be delivered today").innerText()).toContain('"totalCents": 1300');
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("puts an error group out of the way for a time, or says which build mends it", async () => {
    const scene = await openScene({ orders: 2 });
    await waitForLetters(scene, 2);
    const { page, faults } = await open(scene, { hash: "#/errors?state=open" });
    await page.getByRole("link", { name: /connect ECONNREFUSED/ }).click();
    await page.locator("summary", { hasText: "Ignore" }).click();
    const ignore = form(page, "Ignore");
    await ignore.getByLabel("For how long").selectOption("8 h");
    expect(await ignore.locator("code").innerText()).toMatch(/^npx reprise errors ignore v1:\w+ --handler ledger --until 8h$/);
    await ignore.getByRole("button", { name: "Ignore" }).click();
    await page.locator("main .lead .state", { hasText: "ignored" }).waitFor();
    const [ignored] = (await scene.store.views.errorGroups({ tenant: "default" }, { limit: 1 })).groups;
    expect(Math.round((Date.parse(ignored!.ignoredUntil!) - Date.now()) / 360_000)).toBe(80);
    await page.locator("summary", { hasText: "Open again" }).click();
    await form(page, "Open again").getByRole("button").last().click();
    await page.locator("summary", { hasText: "Resolve" }).click();
    await form(page, "Resolve").getByLabel("Mended in build").fill("9.9.9");
    await form(page, "Resolve").getByRole("button", { name: "Resolve" }).click();
    await page.getByText("mended in 9.9.9").waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("decides what waits for a person", async () => {
    const scene = await openScene({ orders: 0 });
    scene.mend();
    await scene.order("o-1", "ask first");
    const { page, faults } = await open(scene);
    await page.getByRole("link", { name: "order/o-1" }).click();
    await heading(page, "order/o-1");
    await form(page, "Approve").getByLabel("Reason").fill("the customer called");
    await form(page, "Approve").getByRole("button", { name: "Approve" }).click();
    await page.getByText("the customer called").waitFor();
    await page.locator("main .lead .state", { hasText: "approved" }).waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("keeps what was typed and chosen over a look elsewhere, the way back and a reload, until it is done", async () => {
    const scene = await openScene({ orders: 3 });
    const [letter] = await waitForLetters(scene, 3);
    const { page, faults } = await open(scene, { hash: "#/dead-letters" });
    const choose = page.getByLabel("Choose order/o-1");
    await choose.check();
    await page.getByLabel("Choose order/o-2").check();
    await goTo(page, `#/dead-letters/${letter!.deliveryId}`);
    await form(page, "Replay").getByLabel("Reason").fill("half a thou");
    await goTo(page, "#/replays/new");
    await page.getByLabel("What a handler was given before").check();
    await page.getByLabel("Handler", { exact: true }).fill("mail");
    await page.getByRole("button", { name: "Plan", exact: true }).click();
    await heading(page, "The plan");
    await page.getByLabel("Deliveries a second").fill("7");
    await page.getByLabel("Reason").fill("a second look");
    await page.goBack();
    await heading(page, "A new replay: choose");
    expect(await page.getByLabel("Handler", { exact: true }).inputValue()).toBe("mail");
    await page.goForward();
    await heading(page, "The plan");
    await page.reload();
    await heading(page, "The plan");
    expect([await page.getByLabel("Deliveries a second").inputValue(), await page.getByLabel("Reason").inputValue()]).toEqual(["7", "a second look"]);
    await page.getByLabel("Seconds to watch the canary").fill("0");
    await page.getByLabel("Dry run").check();
    await page.getByRole("button", { name: "Run it dry" }).click();
    await heading(page, "Dry run");
    await page.getByRole("link", { name: "Back to the plan, to run it" }).click({ timeout: 15_000 });
    await heading(page, "The plan");
    expect([await page.getByLabel("Deliveries a second").inputValue(), await page.getByLabel("Reason").inputValue()]).toEqual(["7", ""]);
    await goTo(page, `#/dead-letters/${letter!.deliveryId}`);
    expect(await form(page, "Replay").getByLabel("Reason").inputValue()).toBe("half a thou");
    await goTo(page, "#/dead-letters");
    await page.getByRole("button", { name: "Plan a replay of 2 chosen ones" }).waitFor();
    expect(await choose.isChecked()).toBe(true);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("shows what one may, refuses what one may not, and tells a second person what the first did", async () => {
    const keyFile = join(temporaryFolder(), "keys.json");
    const [anna, rita, other] = [keyOf(keyFile, "anna", "operate"), keyOf(keyFile, "rita", "read"), keyOf(keyFile, "olga", "operate", "acme")];
    const scene = await openScene({ orders: 2, keyFile });
    const [letter] = await waitForLetters(scene, 2);
    const hash = `#/dead-letters/${letter!.deliveryId}`;
    const first = await open(scene, { hash });
    await logIn(first.page, anna);
    const second = await open(scene, { hash });
    await logIn(second.page, rita);
    await heading(second.page, /order\/o-2/);
    for (const view of [hash, "#/handlers", "#/entities/order/o-2", "#/errors", "#/dead-letters?handler=ledger", "#/escalations"]) {
      await goTo(second.page, view);
      await read(second.page);
      expect([view, await second.page.locator("form.act").count()]).toEqual([view, 0]);
    }
    const refused = `fetch("admin/dlq/${letter!.deliveryId}/replay", { method: "POST" }).then(({ status }) => status)`;
    expect(await second.page.evaluate(refused)).toBe(403);
    await goTo(second.page, hash);
    await heading(second.page, /order\/o-2/);

    await first.page.getByText("Discard", { exact: true }).click();
    await form(first.page, "Discard for good").getByLabel("Reason").fill("paid by hand");
    await first.page.getByRole("button", { name: "Discard for good" }).click();
    await first.page.getByText("This is no dead letter any more").waitFor();
    await second.page.getByText("This is no dead letter any more").waitFor();
    await second.page.getByText("discarded", { exact: true }).first().waitFor();
    await second.page.getByText("by anna").waitFor();
    await second.page.getByText("paid by hand").waitFor();

    // Another tenant's key sees nothing of it, neither here nor by its address.
    const third = await open(scene, { hash });
    await logIn(third.page, other);
    await third.page.getByText("NOT_FOUND").waitFor();
    await goTo(third.page, "#/dead-letters?tenant=default");
    await third.page.locator(".problem").first().waitFor();
    expect(await third.page.getByText("order/o-1").count()).toBe(0);
    for (const { page, faults } of [first, second, third]) {
      expect(faults).toEqual([]);
      await page.context().close();
    }
  });
});
