import { expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, Terminal } from "../../src/delivery/handler.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerShows, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ email: z.string() }) });
const orders = 50;

it("writes one line a flush about dead letters to the operator's log, without data or error messages", async () => {
  const lines: { readonly fields: Record<string, unknown>; readonly message: string }[] = [];
  const logger = { info: () => {}, warn: (fields: object, message: string) => void lines.push({ fields: { ...fields }, message }), error: () => {} };
  const mailer = defineHandler({
    name: "mailer",
    events: [placed],
    on: {
      "order.placed": ({ data }) => {
        throw new Terminal(`no mail to ${data.email}`);
      },
    },
  });
  const folder = temporaryFolder();
  const store = await startStore(defineConfig({ events: [placed], handlers: [mailer] }), folder, { logger });
  await store.append(
    Array.from(
      { length: orders },
      (_, id): EventInput => ({ type: "order.placed", entity: { type: "order", id: String(id) }, data: { email: "ada@example.org" } }),
    ),
  );
  await handlerShows(store, folder, "mailer", { byStatus: { dead_lettered: orders } });

  expect(lines.reduce((sum, { fields }) => sum + Number(fields.dead_letters), 0)).toBe(orders);
  expect(lines.length).toBeLessThan(orders / 2);
  for (const { fields, message } of lines) {
    expect(message).toBe("dead-lettered");
    expect(fields).toMatchObject({ handler: "mailer", causes: ["terminal"], error_types: ["Terminal"] });
    expect((fields.event_ids as string[]).length).toBe(Math.min(10, Number(fields.dead_letters)));
  }
  expect(JSON.stringify(lines)).not.toContain("ada@");
});
