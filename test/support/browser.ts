/** A real Chromium, where the machine has one: Debian's package `chromium`, or what CHROMIUM names. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const path = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (each) => each !== undefined && existsSync(each),
);

/** Null: there is a browser. Else why the tests of the page are passed over. */
export const noBrowser: string | null = path === undefined ? "no Chromium here: install the package chromium, or name one with CHROMIUM" : null;

/** Without a sandbox: containers have no user namespaces, and the pages are our own. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: path!, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}
