/** The files of a new project: an event type with two versions, the step between them, a handler that can fail, and its test. */
import { indexesOf } from "./indexes.ts";

export const config = `import { defineConfig } from "reprise";
import { mailer } from "./handlers/mailer.ts";
import { events } from "./schemas/index.ts";
import { upcasters } from "./upcasters/index.ts";

export default defineConfig({ events, upcasters, handlers: [mailer] });
`;

const v1 = `import { z } from "zod";

/** v1: \`total\` is in euros. Nobody appends it any more, but the log may hold it, so it stays as it is. */
export const v1 = z.object({ total: z.number() });
`;

const v2 = `import { z } from "zod";

/** v2: \`total\` became \`totalCents\`, so that sums are exact. */
export const v2 = z.object({ totalCents: z.int() });
`;

const step = `import type { Upcaster } from "reprise";
import type { orderPlaced } from "../../schemas/order.placed/index.ts";

/** Rounds half up: v1 never held more than two decimals. */
export const v1ToV2: Upcaster<typeof orderPlaced, 1> = ({ total }) => ({ totalCents: Math.round(total * 100) });
`;

const handler = `import { existsSync } from "node:fs";
import { defineHandler } from "reprise";
import { orderPlaced } from "../schemas/order.placed/index.ts";

/** Sees the orders of each entity one at a time, in their order, always in today's schema. What it throws is tried again, and then set aside. */
export const mailer = defineHandler({
  name: "mailer",
  events: [orderPlaced],
  retry: { maxAttempts: 2, initialDelayMs: 50 },
  on: {
    "order.placed": async (event) => {
      if (existsSync("mail-is-down")) throw new Error("the mail server does not answer"); // an outage to play with: delete this line
      console.error(\`mailed: order \${event.entity.id}, \${event.data.totalCents} cents\`);
    },
  },
});
`;

const test = `import assert from "node:assert/strict";
import { test } from "node:test";
import { makeTestStore } from "reprise/testing";
import config from "../reprise.config.ts";

const order = (id: string) => ({ type: "order.placed", entity: { type: "order", id }, data: { totalCents: 900 } });

test("an order is mailed", async () => {
  const kit = await makeTestStore(config);
  const delivery = await kit.deliver("mailer", order("1"));
  assert.equal(delivery.status, "completed");
});

test("an order of last year reaches the mailer in cents", async () => {
  const kit = await makeTestStore(config);
  assert.deepEqual(kit.lift("order.placed", 1, { total: 12.5 }), { totalCents: 1250 });
});

test("an order that cannot be mailed is set aside, and replayed in its place", async () => {
  const kit = await makeTestStore(config);
  kit.failNext("mailer", new Error("the mail server does not answer"), 2);
  await kit.append([order("1"), order("1")]);
  await kit.clock.advance(60_000);
  const letter = await kit.assertLetter({ handler: "mailer", cause: "exhausted" });
  await kit.assertLane("mailer", { type: "order", id: "1" }, "blocked");
  await kit.store.replay(letter.id);
  await kit.assertDone();
});
`;

export const tsconfig = `{
  "compilerOptions": {
    "target": "es2024",
    "module": "nodenext",
    "strict": true,
    "noEmit": true,
    "skipLibCheck": true,
    "allowImportingTsExtensions": true,
    "erasableSyntaxOnly": true,
    "verbatimModuleSyntax": true,
    "types": ["node"]
  }
}
`;

export const gitignore = `node_modules/
data/
`;

/** For who wants more than one machine, one day: a log on a server, here one without keys, for this machine only. */
export const compose = `# A log on EventStoreDB, to develop with: this machine only, no password. For more see docs/operating.md in node_modules/reprise.
#
#   docker compose up --detach --wait
#   npm install @eventstore/db-client
#   REPRISE_LOG='esdb://127.0.0.1:2113?tls=false' npx reprise serve

services:
  log:
    image: eventstore/eventstore:24.10.14
    environment:
      EVENTSTORE_INSECURE: "true"
      EVENTSTORE_CLUSTER_SIZE: "1"
      EVENTSTORE_RUN_PROJECTIONS: None
      EVENTSTORE_TELEMETRY_OPTOUT: "true"
    ports:
      - "127.0.0.1:2113:2113"
    volumes:
      - log:/var/lib/eventstore
    healthcheck:
      test: ["CMD", "curl", "-fs", "http://localhost:2113/health/live"]
      interval: 5s
      timeout: 5s
      retries: 12

volumes:
  log:
`;

/** The code of a new project, by path. None of it may be there before. */
export const code: Readonly<Record<string, string>> = {
  "reprise.config.ts": config,
  "schemas/order.placed/v1.ts": v1,
  "schemas/order.placed/v2.ts": v2,
  "upcasters/order.placed/v1-to-v2.ts": step,
  ...indexesOf([{ type: "order.placed", versions: 2 }]),
  "handlers/mailer.ts": handler,
  "test/mailer.test.ts": test,
};
