/** The whole way of a recovery in a real Chromium: outage, error group, letter, plan, canary, done; with each hand, on each width. */
import { describe, expect, it } from "vitest";
import { noBrowser } from "../support/browser.ts";
import { heading, keepPicture, keepsPictures, keyboard, mouse, read, useBrowser } from "../support/console-page.ts";
import { openScene, waitForLetters } from "../support/console-scene.ts";
import { someOf } from "../support/sizes.ts";

/** More make a better picture. */
const orders = keepsPictures ? 24 : 3;

const runs = [
  { by: "mouse", width: 1280, height: 900 },
  { by: "keyboard", width: 390, height: 844 },
  { by: "keyboard", width: 1280, height: 900 },
  { by: "mouse", width: 390, height: 844 },
] as const;

describe.skipIf(noBrowser !== null)(`the console's way of a recovery${noBrowser === null ? "" : ` (${noBrowser})`}`, { timeout: 60_000 }, () => {
  const open = useBrowser();

  it.each(keepsPictures ? runs : someOf(2, runs))("goes from the outage to its end by $by alone, $width px wide", async ({ by, width, height }) => {
    const scene = await openScene({ orders });
    await waitForLetters(scene, orders);
    const { page, faults } = await open(scene, { width, height });
    const hand = by === "mouse" ? mouse() : keyboard(page);
    const keep = (name: string) => (by === "mouse" ? keepPicture(page, width === 390 ? `narrow-${name}` : name) : undefined);

    await page.getByText("Something is wrong").waitFor();
    await read(page);
    await keep("overview");
    await hand.press(page.getByRole("link", { name: "Look at the largest error" }));

    await heading(page, "Error");
    await page.getByText(`which hold ${orders} later events`).waitFor();
    await keep("error");
    await hand.press(page.getByRole("link", { name: `${orders} dead letters` }));

    await heading(page, "Dead letters");
    await page.getByText("Error group: v1:").waitFor();
    await hand.open(page.getByRole("link", { name: "order/o-2", exact: true }));

    await heading(page, /order\/o-2/);
    await page.getByText("1 later event of this entity waits behind it").waitFor();
    expect(await page.getByLabel("Payload as it is stored").innerText()).toContain('"total": 12.5');
    expect(await page.getByLabel("Payload as it would be delivered today").innerText()).toContain('"totalCents": 1250');
    await keep("letter");
    scene.mend();
    await hand.press(page.getByRole("link", { name: "The error group" }));
    await hand.press(page.getByRole("button", { name: "Plan a replay of its dead letters" }));

    await heading(page, "The plan");
    await page.getByText(`${orders} deliveries of ${orders} entities, which release ${orders} events`).waitFor();
    await hand.type(page.getByLabel("Canary: entities that go first"), "1");
    await hand.type(page.getByLabel("Seconds to watch the canary"), "0");
    await hand.type(page.getByLabel("Reason"), "the ledger is back");
    expect(await page.locator(".command code").innerText()).toMatch(
      /^npx reprise replay run [0-9a-f-]{36} --canary 1 --hold 0 --stop-in-a-row 5 --reason 'the ledger is back'$/,
    );
    await keep("plan");
    await hand.press(page.getByRole("button", { name: "Run", exact: true }));

    await heading(page, "Replay");
    await page.getByText(`${orders} of ${orders} deliveries done`).waitFor({ timeout: 25_000 });
    await page.locator("main .lead .state", { hasText: "completed" }).waitFor({ timeout: 25_000 });
    await page.getByText("1 entity, watched for 0 s").waitFor();
    await keep("done");
    if (by === "keyboard") for (const key of ["g", "o"]) await page.keyboard.press(key);
    else await page.getByRole("link", { name: "Overview" }).click();
    await page.getByText("All is well").waitFor();
    await page.getByText("No dead letter: nothing waits for a person.").waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });
});
