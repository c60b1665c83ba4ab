/** The console's page in a real Chromium, and two hands that use it. */
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { createKey } from "../../src/access/edit-key-file.ts";
import type { Role } from "../../src/access/roles.ts";
import { openBrowser } from "./browser.ts";
import { repositoryFolder } from "./run-tool.ts";

/** What of a scene a page needs to know. */
interface Served {
  readonly url: string;
}

export interface PageOptions {
  readonly hash?: string;
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  readonly path?: string;
}

export interface OpenedPage {
  readonly page: Page;
  /** Faults of the page, reports of its policy, files that are missing, and requests to others. */
  readonly faults: string[];
}

/** One browser for the tests of a file. Pages are closed by their tests, or with it. */
export function useBrowser(): (scene: Served, options?: PageOptions) => Promise<OpenedPage> {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());
  return async ({ url }, { hash = "", width = 1280, height = 900, dark = false, path = "/console" } = {}) => {
    const looks = { colorScheme: dark ? "dark" : "light", reducedMotion: "reduce", timezoneId: "Europe/Vienna", locale: "en-GB" } as const;
    const context = await browser.newContext({ viewport: { width, height }, ...looks });
    const page = await context.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(`fault: ${error.message}`));
    page.on("console", (message) => void (/Content Security Policy|TrustedHTML/i.test(message.text()) && faults.push(message.text())));
    page.on("dialog", (dialog) => {
      faults.push(`dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    page.on("request", (request) => void (request.url().startsWith(url) || faults.push(`asked ${request.url()}`)));
    page.setDefaultTimeout(25_000);
    await page.goto(`${url}${path}${hash}`);
    return { page, faults };
  };
}

export const heading = (page: Page, name: string | RegExp) => page.getByRole("heading", { level: 1, name }).waitFor();

/** What runs in the page is text here, because these tests know no types of a page. */
export const goTo = (page: Page, hash: string) => page.evaluate(`void (location.hash = ${JSON.stringify(hash)})`);

const isRead = `document.querySelector("main h1") !== null && !document.querySelector("main").textContent.includes("Reading …")`;
export const read = (page: Page) => expect.poll(() => page.evaluate(isRead), { timeout: 25_000 }).toBe(true);

/** How much wider than the window the page is. */
export const excess = (page: Page) => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");

/** `REPRISE_PICTURES=1` keeps the pictures of the documentation, as the tests go. */
export const keepsPictures = process.env.REPRISE_PICTURES !== undefined;
export async function keepPicture(page: Page, name: string): Promise<void> {
  if (keepsPictures) await page.screenshot({ path: join(repositoryFolder, `docs/pictures/console-${name}.png`), animations: "disabled" });
}

/** How somebody uses the page. */
export interface Hand {
  press(target: Locator): Promise<void>;
  type(target: Locator, text: string): Promise<void>;
  /** Opens a row of a table. */
  open(link: Locator): Promise<void>;
}

export function mouse(): Hand {
  return { press: (target) => target.click(), type: (target, text) => target.fill(text), open: (link) => link.click() };
}

const isFocused = async (target: Locator) => (await target.and(target.page().locator(":focus")).count()) === 1;

/** The keyboard alone: what is not reached by it, is not there. */
export function keyboard(page: Page): Hand {
  const reach = async (target: Locator, key: string): Promise<void> => {
    await target.waitFor();
    for (let steps = 0; !(await isFocused(target)); steps++) {
      if (steps === 150) throw new Error(`${key} does not lead to ${String(target)}.`);
      await page.keyboard.press(key);
    }
  };
  return {
    async press(target) {
      await reach(target, "Tab");
      await page.keyboard.press("Enter");
    },
    async type(target, text) {
      await reach(target, "Tab");
      await page.keyboard.press("ControlOrMeta+A");
      if (text === "") await page.keyboard.press("Delete");
      else await page.keyboard.type(text);
    },
    async open(link) {
      await reach(link, "j");
      await page.keyboard.press("Enter");
    },
  };
}

const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));

/** A new key in a file of keys. */
export function keyOf(path: string, name: string, role: Role, tenant = "default"): string {
  return createKey({ path, nowMs: Date.now(), random }, { name, role, tenant, expiresAtMs: null, limit: null, sources: null }).text;
}

export async function logIn(page: Page, key: string): Promise<void> {
  await page.getByLabel("Key", { exact: true }).fill(key);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: "Log out" }).waitFor();
}
