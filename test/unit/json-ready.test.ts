/** What a user's code is given can be handed to `JSON.stringify`. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters } from "../../src/catalog/define.ts";
import { openStore } from "../../src/compose.ts";
import { defineConfig } from "../../src/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("JSON.stringify", () => {
  it("takes what appends, reads and acts answer, and what handlers and steps are given", async () => {
    const placed = defineEvent("order.placed", { 1: z.object({ n: z.int() }), 2: z.object({ n: z.int() }) });
    const seen: string[] = [];
    const { promise: handled, resolve } = Promise.withResolvers<void>();
    const config = defineConfig({
      events: [placed],
      upcasters: [
        defineUpcasters(placed, {
          1: (data, event) => {
            seen.push(JSON.stringify(event));
            return data;
          },
        }),
      ],
      handlers: [
        defineHandler({
          name: "ledger",
          events: [placed],
          on: {
            "order.placed": (event) => {
              seen.push(JSON.stringify({ event }));
              resolve();
            },
          },
        }),
      ],
    });
    const store = await openStore(config, { log: `sqlite:${temporaryFolder()}` });
    await store.start();
    const appended = await store.append({ type: "order.placed", schemaVersion: 1, entity: { type: "order", id: "1" }, data: { n: 1 } });
    expect(JSON.parse(JSON.stringify(appended))).toMatchObject([{ revision: 0, position: String(appended[0]!.position) }]);
    await handled;
    const { events } = await store.readEntity({ type: "order", id: "1" });
    expect(JSON.parse(JSON.stringify(events))).toMatchObject([{ position: String(appended[0]!.position), data: { n: 1 } }]);
    const paused = await store.pauseEntity({ type: "order", id: "1" });
    expect(JSON.parse(JSON.stringify(paused))).toMatchObject({ position: expect.stringMatching(/^\d+$/) });
    for (const text of seen) expect(text).toContain(`"position":"${appended[0]!.position}"`);
    expect(seen.length).toBeGreaterThan(1);
    await store.close();
  });
});
