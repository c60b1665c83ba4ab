/** Lists of the console: what is new, what is gone, what is followed, and that nothing moves under a pointer. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { noBrowser } from "../support/browser.ts";
import { useBrowser } from "../support/console-page.ts";
import { openScene, waitForLetters } from "../support/console-scene.ts";

describe.skipIf(noBrowser !== null)(`the lists of the console${noBrowser === null ? "" : ` (${noBrowser})`}`, { timeout: 60_000 }, () => {
  const open = useBrowser();

  it("counts what is new and moves no row, and asks for a list at most once in two seconds", async () => {
    const scene = await openScene({ orders: 1 });
    await waitForLetters(scene, 1);
    const { page, faults } = await open(scene, { hash: "#/events" });
    const askedMs: number[] = [];
    // By the browser's clock: this process may be told of two at once.
    page.on("response", (response) => void (response.url().includes("/events?") && askedMs.push(response.request().timing().startTime)));
    const first = page.locator("tbody tr").first();
    await first.getByRole("link").waitFor();
    await first.hover();
    const place = async () => [await first.innerText(), (await first.boundingBox())?.y];
    const before = await place();
    await scene.orders(10);
    await page.getByRole("button", { name: "Show 20 new" }).waitFor();
    expect(await place()).toEqual(before);
    // More than a page of them: still nothing is said to be gone.
    await scene.orders(60);
    await page.getByRole("button", { name: "Show 100 new" }).waitFor();
    expect(await place()).toEqual(before);
    expect(await page.locator("tr.over").count()).toBe(0);
    await page.getByRole("button", { name: "Show 100 new" }).click();
    await expect.poll(() => first.innerText()).not.toBe(before[0]);
    expect(askedMs.slice(1).every((at, index) => at - askedMs[index]! > 1500)).toBe(true);
    // Followed, and pointed at by nobody, it puts in what is new by itself.
    await page.getByText("Follow live").click();
    await page.mouse.move(5, 5);
    await scene.order("followed");
    await page.getByText("order/followed").first().waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("has at most 500 rows, few of them in the page, keeps the place when the first ones leave, and says where one is", async () => {
    const scene = await openScene({ orders: 0 });
    scene.mend();
    await scene.orders(330);
    const { page, faults } = await open(scene, { hash: "#/events" });
    const rows = page.locator("section.table");
    await rows.getByRole("link").first().waitFor();
    for (const shown of [200, 300, 400, 500]) await more(page, shown);
    await page.evaluate(`void (document.querySelector("section.table").scrollTop = 300 * 40)`);
    const inSight = `Array.from(document.querySelectorAll("section.table tbody tr[aria-rowindex]"), (row) => [row.getAttribute("aria-rowindex"), row.innerText, Math.round(row.getBoundingClientRect().top)])
      .filter(([, , top]) => top > 300 && top < 500)`;
    await expect.poll(async () => (await page.evaluate<unknown[]>(inSight)).length).toBeGreaterThan(2);
    const before = await page.evaluate(inSight);
    await page.getByRole("button", { name: "Show more" }).click();
    await page.getByText("rows 101 to 600 are shown").waitFor();
    await expect.poll(() => page.evaluate(inSight)).toEqual(before);
    expect(await page.locator("tr.over").count()).toBe(0);
    expect(await page.evaluate<number>("document.querySelectorAll('tbody tr').length")).toBeLessThan(80);
    expect(await page.evaluate<number>("document.querySelectorAll('*').length")).toBeLessThan(2000);
    await page.getByRole("button", { name: "Back to the first" }).click();
    await expect.poll(() => page.locator("tbody tr[aria-rowindex]").first().getAttribute("aria-rowindex")).toBe("2");
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("strikes out what somebody else has ended, and leaves it in its place", async () => {
    const scene = await openScene({ orders: 4 });
    const letters = await waitForLetters(scene, 4);
    const { page, faults } = await open(scene, { hash: "#/dead-letters" });
    await page.getByRole("link", { name: "order/o-4" }).waitFor();
    await scene.act(`admin/dlq/${letters[1]!.deliveryId}/discard`, { reason: "not needed" });
    await expect.poll(() => page.locator("tr.over").count(), { timeout: 25_000 }).toBe(1);
    expect(await page.locator("tbody tr").nth(1).innerText()).toContain("order/o-3");
    await page.getByText("3 in all").waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });
});

/** Asks for the next page; the table then is so long. */
async function more(page: Page, rows: number): Promise<void> {
  await page.getByRole("button", { name: "Show more" }).click();
  await expect.poll(() => page.evaluate(`document.querySelector("section.table").scrollHeight`)).toBeGreaterThanOrEqual(rows * 40);
}
