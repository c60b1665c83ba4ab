/** The console under what a bad year leaves behind: a million dead letters, a payload of 4 MiB, a hundred events a second. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { noBrowser } from "../support/browser.ts";
import { excess, goTo, read, useBrowser } from "../support/console-page.ts";
import { openScene, waitForLetters } from "../support/console-scene.ts";
import { seedLetters } from "../support/million-letters.ts";
import { size, someOf } from "../support/sizes.ts";

/** Presses something and waits, drawing by drawing, for other rows than there were: all by the page's own clock. */
const pressed = (press: string) => `(async () => {
  const rows = () => Array.from(document.querySelectorAll("section.table tbody tr[aria-rowindex] a"), (link) => link.textContent).join() + document.querySelector("section.table")?.scrollHeight;
  const before = rows();
  const beganMs = performance.now();
  ${press};
  do await new Promise(requestAnimationFrame); while ((document.querySelector("section.table a") === null || rows() === before) && performance.now() - beganMs < 20000);
  return performance.now() - beganMs;
})()`;

const button = (text: string) => `{
  const found = Array.from(document.querySelectorAll("main button")).find(({ textContent }) => textContent === ${JSON.stringify(text)});
  if (found === undefined) throw new Error(${JSON.stringify(text)} + " is not there: " + document.querySelector("main").innerText.slice(0, 1000));
  found.click();
}`;
/** Types into a field, or chooses, as a person does. */
const fill = (label: string, value: string) => `{
  const field = Array.from(document.querySelectorAll("main label")).find(({ firstChild }) => firstChild.textContent === ${JSON.stringify(label)}).querySelector("input, select");
  field.value = ${JSON.stringify(value)};
  field.dispatchEvent(new Event(field.matches("select") ? "change" : "input", { bubbles: true }));
}`;

describe.skipIf(noBrowser !== null)(`the console under load${noBrowser === null ? "" : ` (${noBrowser})`}`, { timeout: 900_000 }, () => {
  const open = useBrowser();

  it.each(someOf(0, [size(1_000, 1_000_000, "REPRISE_CONSOLE_LETTERS")]))(
    "lists %i dead letters: p95 within 150 ms from click to rows, few elements",
    async (count) => {
      const beganMs = performance.now();
      const scene = await openScene({ orders: 2, prepare: (folder) => seedLetters(folder, count) });
      const { page, faults } = await open(scene, { hash: "#/dead-letters" });
      await page.getByText(`${(count + 2).toLocaleString("en")} in all`).waitFor({ timeout: 60_000 });
      console.log(`there after ${Math.round((performance.now() - beganMs) / 1000)} s`);
      const times: Record<string, number[]> = {};
      const press = async (kind: string, script: string): Promise<void> => {
        (times[kind] ??= []).push(await page.evaluate<number>(pressed(script)));
        expect(await page.evaluate<number>("document.querySelectorAll('*').length")).toBeLessThan(2000);
      };
      for (let round = 0; round < 4; round++) {
        await press("choice", fill("Cause", "terminal"));
        await press("next", button("Show more"));
        await press("clear", button("Clear"));
        for (const handler of ["mail", "ledger"])
          await press("handler", `${fill("Handler", handler)}; await null; await new Promise(requestAnimationFrame); ${button("Filter")}`);
        for (let pages = 0; pages < 3; pages++) await press("next", button("Show more"));
        await press("words", `${fill("Error says", `order ${round + 3} is`)}; await new Promise(requestAnimationFrame); ${button("Filter")}`);
        await press("next", button("Show more"));
        await press("clear", button("Clear"));
        await goTo(page, "#/errors?state=open");
        await page.locator("section.table a").first().waitFor();
        await page.evaluate(`document.querySelectorAll("section.table a")[${round}].click()`);
        await page.getByRole("link", { name: /^[\d,]+ dead letters?$/ }).waitFor();
        await press("group", `document.querySelector("main .lead a").click()`);
        await press("next", button("Show more"));
        await goTo(page, "#/dead-letters");
        await page.getByText(`${(count + 2).toLocaleString("en")} in all`).waitFor({ timeout: 60_000 });
      }
      const all = Object.values(times)
        .flat()
        .sort((a, b) => a - b);
      const p95 = all[Math.ceil(all.length * 0.95) - 1]!;
      const told = Object.entries(times).map(([kind, each]) => `${kind} ${each.map(Math.round).join(" ")}`);
      console.log(`${all.length} clicks, p50 ${Math.round(all[all.length >> 1]!)} ms, p95 ${Math.round(p95)} ms: ${told.join("; ")}`);
      expect(all.length).toBeGreaterThanOrEqual(40);
      expect(p95).toBeLessThan(150);
      expect(faults).toEqual([]);
      await page.context().close();
    },
  );

  it.each(someOf(0, [4]))("shows a payload of %i MiB and all of it on demand, and never holds the page for 200 ms", async (mebibytes) => {
    const scene = await openScene({ orders: 1 });
    const [letter] = await waitForLetters(scene, 1);
    const { page, faults } = await open(scene);
    await read(page);
    const lines = Array.from({ length: (mebibytes * 1024 * 1024) / 128 }, (_, index) => `${String(index).padStart(8)} ${"x".repeat(110)}`);
    const data = { total: 12.5, id: "9007199254740993", lines };
    await page.route(`**/admin/dlq/${letter!.deliveryId}*`, async (route) => {
      const answer = (await (await route.fetch()).json()) as { stored: { data: unknown } };
      const body = { ...answer, data: { ...data, totalCents: 1250 }, stored: { ...answer.stored, data }, steps: [] };
      await route.fulfill({ body: JSON.stringify(body), contentType: "application/json" });
    });
    await page.evaluate(
      `window.tasks = []; new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" })`,
    );
    const longest = async () => Math.max(0, ...(await page.evaluate<readonly number[]>("tasks.splice(0)")));
    const told: Record<string, number> = {};
    await goTo(page, `#/dead-letters/${letter!.deliveryId}`);
    await page.getByLabel("Payload as it is stored").waitFor({ timeout: 60_000 });
    await page.getByText("Cut at 16 KB.").first().waitFor();
    expect(await page.evaluate<number>(`document.querySelector('[aria-label^="Payload as it is stored"]').textContent.length`)).toBeLessThan(17_000);
    await settle(page);
    told.open = await longest();
    await page.getByRole("button", { name: "Show all" }).first().click();
    await expect
      .poll(() => page.evaluate<number>(`document.querySelector('[aria-label^="Payload as it is stored"]').textContent.length`), { timeout: 30_000 })
      .toBeGreaterThan(4_000_000);
    await settle(page);
    told.all = await longest();
    await page.evaluate(`void (document.querySelector('[aria-label^="Payload as it is stored"]').scrollTop = 1e9)`);
    await settle(page);
    told.scrolled = await longest();
    // What comes again, the same, is not made anew.
    await page.waitForResponse((response) => response.url().includes("/admin/dlq/"), { timeout: 30_000 });
    await settle(page);
    told.again = await longest();
    console.log(
      Object.entries(told)
        .map(([what, ms]) => `${what} ${Math.round(ms)} ms`)
        .join(", "),
    );
    for (const [what, ms] of Object.entries(told)) expect([what, ms < 200]).toEqual([what, true]);
    expect(await excess(page)).toBeLessThanOrEqual(0);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it.each([100])("leaves the row under the pointer where it is while %i events a second come, followed or not", async (perSecond) => {
    const scene = await openScene({ orders: 30 });
    scene.mend();
    const { page, faults } = await open(scene, { hash: "#/events?follow=yes" });
    const row = page.locator("tbody tr[aria-rowindex]").nth(4);
    await row.hover();
    const place = async () => [await row.innerText(), (await row.boundingBox())?.y];
    const before = await place();
    let appended = 0;
    const timer = setInterval(() => void scene.orders(perSecond / 20).then(() => (appended += perSecond / 10)), 100);
    for (let look = 0; look < size(4, 20); look++) {
      await page.waitForTimeout(500);
      expect(await place()).toEqual(before);
    }
    expect(appended).toBeGreaterThan(0);
    await page.getByRole("button", { name: /^Show \d+ (or more )?new$/ }).waitFor();
    expect(await page.locator("tr.over").count()).toBe(0);
    // Nobody points at it: it is followed.
    await page.mouse.move(5, 5);
    await expect.poll(async () => (await place())[0], { timeout: 25_000 }).not.toBe(before[0]);
    clearInterval(timer);
    expect(await page.evaluate<number>("document.querySelectorAll('*').length")).toBeLessThan(2000);
    expect(faults).toEqual([]);
    await page.context().close();
  });
});

/** Two drawings, and a moment for what was put off. */
const settle = (page: Page) => page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 300))))");
