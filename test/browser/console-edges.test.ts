/** The console where it is not alone or not at home: under a prefix, in two tabs, with a session that ends, with a stream that is refused. */

import { join } from "node:path";
import Fastify from "fastify";
import { describe, expect, it, onTestFinished } from "vitest";
import { revokeKey } from "../../src/access/edit-key-file.ts";
import { noBrowser } from "../support/browser.ts";
import { goTo, heading, keyOf, logIn, read, useBrowser } from "../support/console-page.ts";
import { openScene, waitForLetters } from "../support/console-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe.skipIf(noBrowser !== null)(`the console at its edges${noBrowser === null ? "" : ` (${noBrowser})`}`, { timeout: 60_000 }, () => {
  const open = useBrowser();

  it("works under a prefix of somebody else's server, in two tabs at once, and without its stream", async () => {
    const scene = await openScene({ orders: 2 });
    const [letter] = await waitForLetters(scene, 2);
    const host = Fastify();
    host.register(scene.store.http(), { prefix: "/ours/reprise" });
    const url = await host.listen({ host: "127.0.0.1", port: 0 });
    onTestFinished(async () => {
      host.server.closeAllConnections();
      await host.close();
    });
    const first = await open({ url: `${url}/ours/reprise` }, { hash: `#/dead-letters/${letter!.deliveryId}` });
    await heading(first.page, /order\/o-2/);
    const second = await open({ url: `${url}/ours/reprise` });
    // Too many read already: then the page looks by itself.
    await second.page.route("**/events/stream*", (route) => route.fulfill({ status: 429, contentType: "application/problem+json", body: "{}" }));
    await second.page.reload();
    await goTo(second.page, `#/dead-letters/${letter!.deliveryId}`);
    await heading(second.page, /order\/o-2/);
    scene.mend();
    await first.page.getByRole("button", { name: "Replay", exact: true }).dblclick();
    await first.page.getByText("This is no dead letter any more").waitFor();
    await second.page.getByText("This is no dead letter any more").waitFor();
    expect(await second.page.getByRole("button", { name: "Replay", exact: true }).count()).toBe(0);
    const { replays } = (await (await fetch(`${url}/ours/reprise/replays`)).json()) as { readonly replays: readonly unknown[] };
    expect(replays.length).toBe(1);
    expect([...first.faults, ...second.faults]).toEqual([]);
    for (const { page } of [first, second]) await page.context().close();
  });

  it("asks for the key when the session ends, and gives what was typed to nobody else", async () => {
    const keyFile = join(temporaryFolder(), "keys.json");
    const [anna, bert] = [keyOf(keyFile, "anna", "operate"), keyOf(keyFile, "bert", "operate")];
    const scene = await openScene({ orders: 1, keyFile });
    const [letter] = await waitForLetters(scene, 1);
    const { page, faults } = await open(scene, { hash: `#/dead-letters/${letter!.deliveryId}` });
    await logIn(page, anna);
    await heading(page, /order\/o-1/);
    const reason = page.getByRole("form", { name: "Replay" }).getByLabel("Reason");
    await reason.fill("what anna thinks");
    revokeKey({ path: keyFile, nowMs: Date.now(), random: (count) => new Uint8Array(count) }, anna.slice("rpr_".length, "rpr_".length + 8));
    await page.getByText("Your session is over").waitFor({ timeout: 30_000 });
    await logIn(page, bert);
    await goTo(page, "#/");
    await read(page);
    await goTo(page, `#/dead-letters/${letter!.deliveryId}`);
    await heading(page, /order\/o-1/);
    expect(await reason.inputValue()).toBe("");
    expect(faults).toEqual([]);
    await page.context().close();
  });
});
