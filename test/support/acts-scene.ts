/** A store with something for each operator's act to be done on, for tests that walk the acts. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { openStore } from "../../src/compose.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, Escalate, Terminal } from "../../src/delivery/handler.ts";
import { defineIntegration } from "../../src/delivery/integration-definition.ts";
import type { Clock } from "../../src/event/clock.ts";
import type { Store } from "../../src/store/store.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { handlerShows, startStore } from "./test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ kind: z.enum(["well", "dead", "late", "asked"]) }) });
export const order = (id: string, kind: "well" | "dead" | "late" | "asked" = "well") => ({
  type: "order.placed",
  entity: { type: "order", id },
  data: { kind },
});
export const entity = (id: string) => ({ type: "order", id });

export interface ActsScene {
  readonly store: Store;
  readonly folder: string;
  readonly calls: { readonly id: string; readonly revision: number; readonly kind: string; readonly replayId: string | null }[];
  readonly letter: string;
  readonly late: { readonly id: string; readonly deliveryId: string };
  /** What a test has made of it. */
  made: string;
  /** Closes the store, and starts another one in its place. */
  reopen(): Promise<Store>;
}

/** A delivery that waits for a person, of entity `e`: its id. */
export async function escalated({ store }: Pick<ActsScene, "store">): Promise<string> {
  await store.append(order("e", "asked"));
  let found: string | undefined;
  await expect
    .poll(async () => {
      found = (await store.views.escalations({ tenant: "default", status: "open" }, { limit: 1 })).escalations[0]?.deliveryId;
      return found;
    })
    .toBeDefined();
  return found!;
}

/** Nothing opens it but an operator. */
const mail = defineIntegration({ name: "mail", breaker: false });
const calls: ActsScene["calls"] = [];
const handlerOf = (name: string) =>
  defineHandler({
    ...{
      name,
      integration: "mail",
      events: [placed],
      startFrom: "beginning" as const,
      retry: { maxAttempts: 3, initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 },
    },
    on: {
      "order.placed": ({ entity: { id }, revision, data: { kind } }, { replay, approval }) => {
        if (name === "mailer") calls.push({ id, revision, kind, replayId: replay?.id ?? null });
        if (kind === "dead") throw new Terminal("cannot");
        if (kind === "asked" && approval === null) throw new Escalate("shall it be?");
        if (kind === "late") throw new Error("not yet");
      },
    },
  });
const configOf = (...names: string[]) => defineConfig({ events: [placed], integrations: [mail], handlers: names.map(handlerOf) });
const atRest = { byStatus: { dead_lettered: 2, held: 2, failed: 1 }, done: 1 };

/** Entities: `a` and `b` with a dead letter and an event behind it, `c` in back-off for an hour, `d` that flows; `gone` is in the log, not in the config. */
async function prepare(folder: string, clock: Clock): Promise<Pick<ActsScene, "letter" | "late">> {
  const openHere = async (name: string) => {
    const store = await openStore(configOf(name), { log: `sqlite:${folder}`, clock });
    await store.start();
    return store;
  };
  const before = await openHere("gone");
  const [a] = await before.append([order("a", "dead"), order("a"), order("b", "dead"), order("b"), order("c", "late"), order("d")]);
  await before.close();
  const store = await openHere("mailer");
  await handlerShows(store, folder, "mailer", atRest);
  const [late] = (await store.views.events({ tenant: "default", entityId: "c" }, { limit: 1 })).events;
  const { deliveryId } = late!.deliveries.find((each) => each.handler === "mailer")!;
  await store.close();
  return { letter: a!.id, late: { id: late!.id, deliveryId } };
}

const template = mkdtempSync(join(tmpdir(), "reprise-"));
afterAll(() => rmSync(template, { recursive: true }));
let prepared: Promise<Pick<ActsScene, "letter" | "late">> | null = null;

/** Made once; each test has a copy. */
export async function openActsScene(clock: Clock): Promise<ActsScene> {
  const ids = await (prepared ??= prepare(template, clock));
  const folder = temporaryFolder();
  cpSync(template, folder, { recursive: true });
  const open = () => startStore(configOf("mailer"), folder, { clock });
  let store = await open();
  await handlerShows(store, folder, "mailer", atRest);
  calls.length = 0;
  return {
    get store() {
      return store;
    },
    ...{ ...ids, folder, calls, made: "" },
    async reopen() {
      await store.close();
      store = await open();
      return store;
    },
  };
}
