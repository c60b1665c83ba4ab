/** What waits for a person, where it meets everything else: split events, relaxed order, replays, amendments, retirement, breakers, copies, tenants. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters, part, split } from "../../src/catalog/define.ts";
import type { Config } from "../../src/config/config.ts";
import { defineHandler, Escalate, type HandlerDefinition } from "../../src/delivery/handler.ts";
import { defineIntegration } from "../../src/delivery/integration-definition.ts";
import { copyLog } from "../../src/log/copy/copy.ts";
import { openLog } from "../../src/log/open-log.ts";
import { toSelection } from "../../src/replay/selection.ts";
import { asked, type Bank, because, deliveryOf, lastOf, openBank, over100, refund, statusOf, tenant, why } from "../support/bank-scene.ts";
import { runTerms } from "../support/replay-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerView } from "../support/test-store.ts";

const approve = async (bank: Bank, by = "anna") => {
  const open = await bank.open();
  await bank.during(bank.store.approveEscalation(open.deliveryId, { ...because, actor: by }));
  return open;
};
const reportOf = async (bank: Bank, replayId: string) => {
  await bank.until(async () => (await bank.store.replayState(replayId))?.endedAt !== null);
  return (await bank.store.replayReport(replayId, { limit: 10 })).items;
};
const planned = async (bank: Bank, terms = runTerms, targetHandler?: string) => {
  const plan = bank.store.planReplay(toSelection({ history: { handler: "bank" } }), targetHandler === undefined ? {} : { targetHandler });
  const { planId } = await bank.during(plan);
  return (await bank.during(bank.store.startReplay(planId, { ...because, terms }))).replayId;
};

it("of an event that was split, each part is asked about by itself, and what is done is not done again", async () => {
  const batch = defineEvent("refund.batch", { 1: z.object({ cents: z.array(z.int()) }), 2: z.object({ none: z.null() }) });
  const steps = defineUpcasters(batch, { 1: ({ cents }) => split(...cents.map((each) => part(refund, { cents: each }))) }, { into: [refund] });
  const bank = await openBank({}, { events: [refund, batch], upcasters: [steps] } as Partial<Config>);
  const [first] = await bank.store.append([
    { type: "refund.batch", schemaVersion: 1, entity: { type: "order", id: "1" }, data: { cents: [5, 20_000, 30_000, 7] } },
  ]);
  const second = await approve(bank);
  expect(second).toMatchObject({ eventId: first!.id, part: 1, eventType: "refund.asked", data: { cents: 20_000 } });
  await bank.until(async () => bank.paid.length === 2);
  const third = await bank.open();
  expect(third).toMatchObject({ part: 2, data: { cents: 30_000 } });
  expect(third.deliveryId).not.toBe(second.deliveryId);
  await bank.reopen();
  await approve(bank, "bert");
  await bank.until(async () => bank.paid.length === 4);
  expect(bank.paid).toEqual([
    { cents: 5, by: null },
    { cents: 20_000, by: "anna" },
    { cents: 30_000, by: "bert" },
    { cents: 7, by: null },
  ]);
  await bank.until(async () => (await statusOf(bank, first!.id)) === "replayed");
  await bank.store.close();
});

it("under relaxed order what comes behind it goes on, and it runs when it is approved", async () => {
  const bank = await openBank({ ordering: "relaxed" });
  await bank.store.append([asked(20_000), asked(500), asked(30_000), asked(600)]);
  await bank.until(async () => bank.paid.length === 2);
  await bank.until(async () => (await bank.store.views.openEscalations(tenant))[0]?.open === 2);
  await approve(bank);
  await approve(bank);
  await bank.until(async () => bank.paid.length === 4);
  expect(bank.paid.map(({ cents }) => cents)).toEqual([500, 600, 30_000, 20_000]);
  await bank.store.close();
});

it("two dead letters of a strict lane are approved in their order", async () => {
  const relaxed = { ordering: "relaxed" } as const;
  const bank = await openBank(relaxed);
  await bank.store.append([asked(20_000), asked(30_000)]);
  await bank.until(async () => (await bank.store.views.openEscalations(tenant))[0]?.open === 2);
  const handler = defineHandler({
    ...{ name: "bank", events: [refund], escalate: over100 },
    on: { "refund.asked": ({ data }) => void bank.paid.push({ ...data, by: null }) },
  });
  await bank.reopen(handler);
  const { escalations } = await bank.store.views.escalations({ tenant, status: "open" }, { limit: 10 });
  const [later, first] = escalations;
  await expect(bank.during(bank.store.approveEscalation(later!.deliveryId, because))).rejects.toMatchObject({ code: "LETTER_NOT_FIRST" });
  await bank.during(bank.store.approveEscalation(first!.deliveryId, because));
  await bank.until(async () => bank.paid.length === 1);
  await bank.during(bank.store.approveEscalation(later!.deliveryId, because));
  await bank.until(async () => bank.paid.length === 2);
  expect(bank.paid.map(({ cents }) => cents)).toEqual([20_000, 30_000]);
  await bank.store.close();
});

describe("a replay's own deliveries", () => {
  it("are not made without a person: the item fails, uncalled, whether it is of history, to another handler, or a dry run", async () => {
    const dry: number[] = [];
    const sandbox = defineHandler({
      ...{ name: "sandbox", events: [refund], startFrom: "now", dryRun: true, escalate: over100 },
      on: { "refund.asked": ({ data }) => void dry.push(data.cents) },
    }) as HandlerDefinition;
    const bank = await openBank({ escalate: () => false }, { handlers: [sandbox] });
    await bank.store.append([asked(500), asked(20_000), asked(600)]);
    await bank.until(async () => bank.paid.length === 3);
    await bank.until(async () => (await handlerView(bank.store, "sandbox")).waiting === 2);
    await bank.reopen(
      defineHandler({ name: "bank", events: [refund], escalate: over100, on: { "refund.asked": ({ data }) => void bank.paid.push({ ...data, by: null }) } }),
    );
    bank.paid.length = 0;
    dry.length = 0;
    const failed = { outcome: "failed", attempts: 0, error: { type: "Escalate", message: why } };
    expect(await reportOf(bank, await planned(bank))).toMatchObject([{ outcome: "succeeded" }, failed, { outcome: null }]);
    expect(bank.paid.map(({ cents }) => cents)).toEqual([500]);
    expect(await reportOf(bank, await planned(bank, runTerms, "sandbox"))).toMatchObject([{ outcome: "succeeded" }, failed, { outcome: null }]);
    expect(await reportOf(bank, await planned(bank, { ...runTerms, mode: "dry_run" }, "sandbox"))).toMatchObject([
      { outcome: "succeeded" },
      failed,
      { outcome: "succeeded" },
    ]);
    expect(dry).toEqual([500, 500, 600]);
    expect((await bank.store.views.openEscalations(tenant)).filter(({ handler }) => handler === "bank")).toEqual([]);
    await bank.store.close();
  });
});

describe("an approval", () => {
  it("is for what was looked at: other data is asked about anew", async () => {
    let down = true;
    const bank = await openBank({
      retry: { maxAttempts: 1 },
      on: {
        "refund.asked": ({ data: { cents } }, { approval }) => {
          if (down) throw new Error("the bank is down");
          bank.paid.push({ cents, by: approval?.by ?? null });
        },
      },
    });
    const [first] = await bank.store.append([asked(20_000)]);
    await approve(bank);
    await bank.until(async () => (await deliveryOf(bank, first!.id)).attempts === 1);
    await bank.during(bank.store.amend(first!.id, { data: { cents: 90_000 }, reason: "a zero was missing" }));
    down = false;
    expect(await bank.during(bank.store.replay(first!.id))).toMatchObject({ status: "dead_lettered", error: { type: "Escalate" } });
    expect(await bank.open()).toMatchObject({ status: "open", data: { cents: 90_000 } });
    expect((await bank.store.views.escalations({ tenant }, { limit: 10 })).escalations.map(({ status }) => status)).toEqual(["open", "approved"]);
    await approve(bank, "bert");
    await bank.until(async () => bank.paid.length === 1);
    expect(bank.paid).toEqual([{ cents: 90_000, by: "bert" }]);
    await bank.store.close();
  });

  it("of a handler that asks again ends in another question, which takes a decision of its own", async () => {
    const bank = await openBank({
      escalate: () => false,
      on: {
        "refund.asked": () => {
          throw new Escalate("whatever you say");
        },
      },
    });
    await bank.store.append(asked(1));
    for (const by of ["anna", "bert"]) {
      await approve(bank, by);
      await bank.until(async () => (await bank.store.views.openEscalations(tenant))[0]?.open === 1);
    }
    const { escalations } = await bank.store.views.escalations({ tenant }, { limit: 10 });
    expect(escalations.map(({ status, decidedBy }) => [status, decidedBy])).toEqual([
      ["open", null],
      ["approved", "bert"],
      ["approved", "anna"],
    ]);
    const page = await bank.store.views.escalations({ tenant }, { limit: 2 });
    expect((await bank.store.views.escalations({ tenant }, { limit: 2, cursor: page.nextCursor! })).escalations).toEqual(escalations.slice(2));
    await bank.store.close();
  });

  it("is kept in a back-off over a restart, and given up as any other delivery", async () => {
    let calls = 0;
    const bank = await openBank({
      retry: { maxAttempts: 3, initialDelayMs: 600_000, maxDelayMs: 600_000 },
      on: {
        "refund.asked": () => {
          calls++;
          throw new Error("the bank is down");
        },
      },
    });
    const [first] = await bank.store.append([asked(20_000)]);
    const open = await approve(bank);
    await bank.until(async () => calls === 1);
    await bank.until(async () => (await statusOf(bank, first!.id)) === "failed");
    await bank.reopen();
    await bank.clock.advance(500_000);
    expect(calls).toBe(1);
    await bank.clock.advance(200_000);
    await bank.until(async () => calls === 2);
    await bank.until(async () => (await deliveryOf(bank, first!.id)).attempts === 2);
    await bank.during(bank.store.giveUp(open.deliveryId, because));
    await bank.until(async () => (await statusOf(bank, first!.id)) === "dead_lettered");
    await bank.reopen();
    await bank.clock.advance(2_000_000);
    expect(calls).toBe(2);
    await bank.store.close();
  });
});

it("a rule that asks for a person says nothing about the integration: no trial of its breaker ends by it", async () => {
  const integrations = [defineIntegration({ name: "bank", breaker: { failures: 1, withinMs: 30_000, coolDownMs: 30_000 } })];
  let down = true;
  const bank = await openBank(
    {
      ...{ integration: "bank", retry: { maxAttempts: 9 } },
      on: {
        "refund.asked": ({ data: { cents } }) => {
          if (down) throw new Error("the bank is down");
          bank.paid.push({ cents, by: null });
        },
      },
    },
    { integrations },
  );
  const state = async () => (await bank.store.integrations())[0]!.state;
  await bank.store.append(asked(5, "2"));
  await bank.until(async () => (await state()) === "open");
  await bank.store.append(asked(20_000));
  await bank.clock.advance(1000);
  expect(await bank.store.views.openEscalations(tenant)).toEqual([]);
  down = false;
  await bank.clock.advance(31_000);
  await bank.open();
  await bank.until(async () => bank.paid.length === 1);
  expect(await state()).toBe("closed");
  await bank.store.close();
});

it("what waits for a retired handler is over, with whoever retired it", async () => {
  const bank = await openBank();
  await bank.store.append([asked(20_000)]);
  const open = await bank.open();
  await bank.reopen(defineHandler({ name: "other", events: [refund], startFrom: "now", on: { "refund.asked": () => {} } }));
  await bank.during(bank.store.retireHandler("bank", { reason: "we have another bank", actor: "anna" }));
  await bank.until(async () => (await lastOf(bank, open)).status !== "open");
  expect(await lastOf(bank, open)).toMatchObject({ status: "rejected", decidedBy: "anna", reason: "we have another bank" });
  await expect(bank.store.approveEscalation(open.deliveryId, because)).rejects.toMatchObject({ code: "ALREADY_DECIDED" });
  await bank.store.close();
});

it("a copy of the log waits as its source did, until the same time, and remembers what was approved", async () => {
  const bank = await openBank({ escalation: { dueInMs: 600_000, onDue: "reject" } });
  await bank.store.append([asked(20_000)]);
  await bank.store.append([asked(30_000, "2")]);
  await bank.until(async () => (await bank.store.views.openEscalations(tenant))[0]?.open === 2);
  const [, first] = (await bank.store.views.escalations({ tenant }, { limit: 2 })).escalations;
  await bank.during(bank.store.pauseEntity({ type: "order", id: "1" }, { handler: "bank" }));
  await bank.during(bank.store.approveEscalation(first!.deliveryId, because));
  const before = (await bank.store.views.escalations({ tenant }, { limit: 2 })).escalations;
  await bank.store.close();
  const folder = temporaryFolder();
  const [source, target] = [await openLog(`sqlite:${bank.folder}`), await openLog(`sqlite:${folder}`)];
  await copyLog({ source, target, together: true, verify: true, signal: new AbortController().signal, onProgress() {} });
  await Promise.all([source.close(), target.close()]);
  await bank.reopen(undefined, folder);
  await bank.until(async () => (await bank.store.views.escalations({ tenant }, { limit: 2 })).escalations.length === 2);
  expect((await bank.store.views.escalations({ tenant }, { limit: 2 })).escalations).toEqual(before);
  await bank.during(bank.store.resumeEntity({ type: "order", id: "1" }, { handler: "bank" }));
  await bank.until(async () => bank.paid.length === 1);
  await bank.clock.advance(700_000);
  await bank.until(async () => (await bank.store.views.escalations({ tenant, status: "expired" }, { limit: 2 })).escalations.length === 1);
  expect(bank.paid).toEqual([{ cents: 20_000, by: "local" }]);
  await bank.store.close();
});

it("one tenant decides nothing of another's, and sees none of it", async () => {
  const bank = await openBank();
  await bank.store.append([asked(20_000)], { tenant: "acme" });
  const open = await bank.open();
  expect(open.tenant).toBe("acme");
  for (const verb of ["approveEscalation", "rejectEscalation"] as const)
    await expect(bank.store[verb](open.deliveryId, { ...because, tenant: "globex" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect((await bank.store.views.escalations({ tenant: "globex" }, { limit: 10 })).escalations).toEqual([]);
  expect(await bank.store.views.openEscalations("globex")).toEqual([]);
  expect(await bank.store.views.dueEscalations("globex", "2999-01-01T00:00:00.000Z", 10)).toEqual([]);
  expect(await bank.store.views.dueEscalations("*", "2999-01-01T00:00:00.000Z", 10)).toHaveLength(1);
  await bank.during(bank.store.rejectEscalation(open.deliveryId, { ...because, tenant: "acme" }));
  await bank.until(async () => (await bank.store.views.openEscalations("*")).length === 0);
  await bank.store.close();
});
