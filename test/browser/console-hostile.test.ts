/** What others wrote, in the console: payloads, the names in them, error texts, logs, sources, reasons. It is text and nothing else. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { noBrowser } from "../support/browser.ts";
import { excess, goTo, read, useBrowser } from "../support/console-page.ts";
import { openScene, waitForLetters } from "../support/console-scene.ts";
import { someOf } from "../support/sizes.ts";

const harm = `["hacked" in window, document.querySelectorAll("main :is(script, style, img, iframe, object, link)").length]`;
/** What steers a terminal, turns a line, or is not seen. */
const unseen = /(?![\t\n])[\p{Cc}\p{Cf}]/u;

describe.skipIf(noBrowser !== null)(`hostile texts in the console${noBrowser === null ? "" : ` (${noBrowser})`}`, { timeout: 300_000 }, () => {
  const open = useBrowser();

  it("shows what others wrote as text: nothing runs, nothing turns or hides, the page keeps its width", async () => {
    const scene = await openScene({ orders: 0 });
    const texts = someOf(8, hostileTexts());
    for (const [index, text] of texts.entries()) await scene.order(`h-${index}`, text);
    const letters = await waitForLetters(scene, texts.length);
    const { page, faults } = await open(scene, { hash: "#/dead-letters", width: 390, height: 800 });
    await isWhole(page);
    for (const { deliveryId, id } of letters) {
      for (const hash of [`#/dead-letters/${deliveryId}`, `#/events/${id}`]) {
        await goTo(page, hash);
        await page.getByLabel("Payload as it is stored").waitFor();
        await page.evaluate(`document.querySelectorAll("details").forEach((each) => (each.open = true))`);
        await isWhole(page);
      }
    }
    for (const hash of [
      ...["#/", "#/errors", "#/events", "#/entities/order/h-0", "#/replays/new"],
      "#/dead-letters?error=%3Cimg%20src%3Dx%20onerror%3Dhacked%3D1%3E&handler=%3Cscript%3E",
      "#/%3Cimg%20src=x%20onerror=hacked=1%3E/%u202e",
      "#/dead-letters/%3Cscript%3Ehacked=1%3C/script%3E?tenant=%3Cb%3E",
    ]) {
      await goTo(page, hash);
      await isWhole(page);
    }
    expect(faults).toEqual([]);
    await page.context().close();
  });
});

async function isWhole(page: Page): Promise<void> {
  await read(page);
  expect(await excess(page)).toBeLessThanOrEqual(0);
  expect(await page.evaluate(harm)).toEqual([false, 0]);
  expect(unseen.exec(await page.locator("main").innerText())?.[0]).toBe(undefined);
}

/** What a page could be made to run, to load, to turn around or to burst with. */
function hostileTexts(): readonly string[] {
  const marks = [
    "<script>hacked=1</script>",
    "<img src=x onerror=hacked=1>",
    "</pre></style><svg onload=hacked=1>",
    "javascript:hacked=1",
    "$" + "{hacked=1}{{hacked=1}}",
    "<style>*{display:none}</style><base href=//evil.example>",
    "\"'><a href=javascript:hacked=1 autofocus onfocus=hacked=1>",
  ];
  const steers = [
    "\u001b[2J\u001b[31mred\u0007\u001b]8;;http://evil.example\u0007link\u001b]8;;\u0007",
    "\u202egnp.exe\u202c",
    "\u2066\u200b\ufeffhidden",
    "شحنة من البضائع",
    "a\u0000b\rc\u2028d",
    "\ud83d\ude80\u200d\ud83d\udd25",
  ];
  const long = ["x".repeat(900_000), "word ".repeat(20_000), "<".repeat(50_000), "\n".repeat(5000), "\u0301".repeat(3000), "שלום ".repeat(2000)];
  const first = [marks[0]!, marks[1]!, steers[0]!, steers[1]!, steers[2]!, long[0]!, marks[2]!, long[4]!];
  const all = [...first, ...marks, ...steers, ...long, ...marks.flatMap((mark) => steers.map((steer) => `${steer}${mark}${steer}`))];
  const more = Array.from({ length: 200 }, (_, index) => `${marks[index % marks.length]}${steers[index % steers.length]}${index}`);
  return [...new Set([...all, ...more])].slice(0, 200);
}
