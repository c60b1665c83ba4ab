/** What an open page says and keeps when the service goes away, is killed, or has no log. Most in the long run, because they wait for the page's own looks. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { noBrowser } from "../support/browser.ts";
import { goTo, heading, keyOf, logIn, read, useBrowser } from "../support/console-page.ts";
import { openScene, waitForLetters } from "../support/console-scene.ts";
import { getAll, kill, makeSite, post, startListening, until } from "../support/crash-service.ts";
import { freePort, startLogServer } from "../support/log-server.ts";
import { someOf } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const away = "The service does not answer.";
const patience = { timeout: 40_000 };

describe.skipIf(noBrowser !== null)(`outages under an open console${noBrowser === null ? "" : ` (${noBrowser})`}`, { timeout: 180_000 }, () => {
  const open = useBrowser();

  it("says that there is no network, and goes on when there is, with what was typed", async () => {
    const scene = await openScene({ orders: 2 });
    const [letter] = await waitForLetters(scene, 2);
    const { page, faults } = await open(scene, { hash: `#/dead-letters/${letter!.deliveryId}` });
    await heading(page, /order\/o-2/);
    await typeReason(page);
    await page.context().setOffline(true);
    await page.getByRole("button", { name: "Discard for good" }).click();
    await page.getByText("Nothing that you typed is lost").waitFor();
    await page.getByText(away).first().waitFor();
    await page.context().setOffline(false);
    await page.getByText(`${away} Since`).waitFor({ state: "detached" });
    await discards(page);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it.each(someOf(0, ["a restart"]))("says that the service is away, asks for the key again after %s, and loses nothing that was typed", async () => {
    const keyFile = join(temporaryFolder(), "keys.json");
    const anna = keyOf(keyFile, "anna", "operate");
    const scene = await openScene({ orders: 2, keyFile });
    const [letter] = await waitForLetters(scene, 2);
    const { page } = await open(scene, { hash: `#/dead-letters/${letter!.deliveryId}` });
    await logIn(page, anna);
    await heading(page, /order\/o-2/);
    await typeReason(page);
    await scene.stop();
    await page.getByText(away).waitFor(patience);
    await scene.start();
    await page.getByText("Your session is over").waitFor(patience);
    await logIn(page, anna);
    await page.getByText(away).waitFor({ state: "detached", ...patience });
    await discards(page);
    await page.context().close();
  });

  it.each(someOf(0, ["SIGKILL"]))("lives through a %s of the service: says so, recovers by itself, keeps reason, wizard and choice", async () => {
    const down = join(temporaryFolder(), "down");
    writeFileSync(down, "");
    const site = { ...makeSite(configOf(down)), port: await freePort() };
    let service = await startListening(site);
    const { url } = service;
    for (let n = 0; n < 3; n++) await post(url, "/events", { events: [{ type: "order.placed", entity: { type: "order", id: `o-${n}` }, data: { n } }] });
    const letters = await until("dead letters", async () => {
      const all = await getAll<{ readonly delivery_id: string }>(url, "/admin/dlq");
      return all.length === 3 && all;
    });
    const { page } = await open({ url }, { hash: "#/dead-letters" });
    await page.getByLabel("Choose order/o-1").check();
    await goTo(page, "#/replays/new");
    await page.getByLabel("Dead letters that a filter matches").check();
    await page.getByLabel("Error says").fill("half of what I meant");
    await kill(service);
    await page.getByText(away).waitFor(patience);
    expect(await page.getByLabel("Error says").inputValue()).toBe("half of what I meant");
    service = await startListening(site);
    await page.getByText(away).waitFor({ state: "detached", ...patience });
    expect(await page.getByLabel("Error says").inputValue()).toBe("half of what I meant");

    await goTo(page, `#/dead-letters/${letters[0]!.delivery_id}`);
    await heading(page, /order\/o-2/);
    await typeReason(page);
    // Pressed while nobody is there: it says so, and the same press does it once when there is.
    await kill(service);
    await page.getByRole("button", { name: "Discard for good" }).click();
    await page.getByText("Nothing that you typed is lost").waitFor(patience);
    rmSync(down);
    service = await startListening(site);
    await page.getByText(`${away} Since`).waitFor({ state: "detached", ...patience });
    await discards(page);
    await goTo(page, "#/dead-letters");
    await page.getByRole("button", { name: "Plan a replay of 1 chosen one" }).waitFor();
    await page.context().close();
    await kill(service);
  });

  it.each(someOf(0, ["log"]))("says on each view that the %s is away, and what waits for it goes on when it is back", async () => {
    const log = await startLogServer();
    const scene = await openScene({ orders: 2, log: log.url });
    const [letter] = await waitForLetters(scene, 2);
    const { page } = await open(scene, { hash: `#/dead-letters/${letter!.deliveryId}` });
    await heading(page, /order\/o-2/);
    await typeReason(page);
    await log.send("SIGKILL");
    await page.getByText("The service is not ready.").waitFor(patience);
    await goTo(page, "#/");
    await page.getByText("The service is not ready.").waitFor();
    await goTo(page, `#/dead-letters/${letter!.deliveryId}`);
    await log.start();
    await page.getByText("The service is not ready.").waitFor({ state: "detached", ...patience });
    await heading(page, /order\/o-2/);
    await read(page);
    await discards(page);
    await page.context().close();
  });
});

async function typeReason(page: Page): Promise<void> {
  await page.getByText("Discard", { exact: true }).click();
  await page.getByRole("form", { name: "Discard for good" }).getByLabel("Reason").fill("typed before it was away");
}

/** What was typed is there, and does what it was typed for. */
async function discards(page: Page): Promise<void> {
  const form = page.getByRole("form", { name: "Discard for good" });
  expect(await form.getByLabel("Reason").inputValue()).toBe("typed before it was away");
  await form.getByRole("button", { name: "Discard for good" }).click();
  await page.getByText("This is no dead letter any more").waitFor(patience);
  await page.getByText("discarded", { exact: true }).first().waitFor();
}

const configOf = (down: string): string => `
import { existsSync } from "node:fs";
import { defineConfig, defineEvent, defineHandler } from "reprise";
import { z } from "zod";
const placed = defineEvent("order.placed", { 1: z.object({ n: z.number() }) });
const ledger = defineHandler({
  name: "ledger", events: [placed], retry: { maxAttempts: 1 },
  on: { "order.placed": () => { if (existsSync(${JSON.stringify(down)})) throw new Error("the ledger does not answer"); } },
});
export default defineConfig({ events: [placed], handlers: [ledger] });
`;
