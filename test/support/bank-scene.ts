/** A bank that pays refunds, some of which a person has to approve, on an injected clock: for tests of what waits for people. */
import { expect } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { type Config, defineConfig } from "../../src/config/config.ts";
import type { DeliveryLogger } from "../../src/delivery/delivery-logger.ts";
import { defineHandler, type HandlerDefinition } from "../../src/delivery/handler.ts";
import type { Store } from "../../src/store/store.ts";
import type { EscalationView } from "../../src/views/model/escalation.ts";
import { type FakeClock, makeFakeClock } from "./fake-clock.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { logHead, startStore } from "./test-store.ts";

export const refund = defineEvent("refund.asked", { 1: z.object({ cents: z.int() }) });
export const asked = (cents: number, id = "1") => ({ type: "refund.asked", entity: { type: "order", id }, data: { cents } });
export const why = "a refund over 100";
export const over100 = ({ data: { cents } }: { readonly data: { readonly cents: number } }) => cents > 10_000 && why;
export const tenant = "default";
export const because = { reason: "the customer called" };

export interface Bank {
  store: Store;
  readonly folder: string;
  readonly clock: FakeClock;
  readonly paid: { readonly cents: number; readonly by: string | null }[];
  /** Lines of the service's log about decisions. */
  readonly told: object[];
  /** A restart, with another handler where it is given, or on another log. */
  reopen(handler?: HandlerDefinition, folder?: string): Promise<void>;
  /** Lets the clock go on in small steps until it holds. */
  until(holds: () => Promise<boolean>): Promise<void>;
  /** The same until the work is done. */
  during<T>(work: Promise<T>): Promise<T>;
  /** What waits for a decision, once something does. */
  open(): Promise<EscalationView>;
}

export type BankOptions = Partial<Parameters<typeof defineHandler<readonly [typeof refund]>>[0]>;

/** @param more of the config, beside the handler. */
export async function openBank(options: BankOptions = {}, more: Partial<Config> = {}): Promise<Bank> {
  const [folder, paid, told]: [string, Bank["paid"], object[]] = [temporaryFolder(), [], []];
  let clock = makeFakeClock();
  let log = folder;
  const handler = defineHandler({
    ...{ name: "bank", events: [refund] as const, escalate: over100 },
    on: { "refund.asked": ({ data: { cents } }, { approval }) => void paid.push({ cents, by: approval?.by ?? null }) },
    ...options,
  });
  const tell = (fields: object) => "stage" in fields && told.push(fields);
  const logger: DeliveryLogger = { info: tell, warn: tell, error() {} };
  /** Views that are behind still show what was just decided as open. */
  const shown = () => bank.store.views.waitFor(logHead(log));
  const start = (which: HandlerDefinition, where: string) => {
    const config = { events: [refund], ...more, handlers: [which, ...(more.handlers ?? [])] } as Config;
    return startStore(defineConfig(config), where, { clock, logger });
  };
  const bank: Bank = {
    store: await start(handler, folder),
    get clock() {
      return clock;
    },
    ...{ folder, paid, told },
    async reopen(which = handler, where = folder) {
      await bank.store.close();
      clock = makeFakeClock(clock.now());
      log = where;
      bank.store = await start(which, where);
    },
    async until(holds) {
      const step = async () => {
        await clock.advance(10);
        await shown();
        return holds();
      };
      await expect.poll(step, { timeout: 25_000, interval: 1 }).toBe(true);
    },
    async during(work) {
      let over = false;
      const end = () => {
        over = true;
      };
      work.then(end, end);
      await bank.until(async () => over);
      await shown();
      return work;
    },
    async open() {
      const listed = async () => (await bank.store.views.escalations({ tenant: "*", status: "open" }, { limit: 10 })).escalations;
      await bank.until(async () => (await listed()).length > 0);
      return (await listed())[0]!;
    },
  };
  return bank;
}

export const deliveryOf = async ({ store }: Bank, eventId: string) => (await store.views.event(tenant, eventId))!.deliveries[0]!;
export const statusOf = async (bank: Bank, eventId: string) => (await deliveryOf(bank, eventId)).status;
export const lastOf = async ({ store }: Bank, { deliveryId }: Pick<EscalationView, "deliveryId">) => (await store.views.escalation(tenant, deliveryId))!;
