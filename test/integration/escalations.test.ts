/** What waits for a person, on an injected clock: before a call and after it, over restarts, decided once, due, and left alone by whoever was not asked. */
import { describe, expect, it } from "vitest";
import { defineHandler, Escalate } from "../../src/delivery/handler.ts";
import { toSelection } from "../../src/replay/selection.ts";
import type { EscalationView } from "../../src/views/model/escalation.ts";
import { asked, type BankOptions, because, lastOf, openBank, over100, refund, statusOf, tenant, why } from "../support/bank-scene.ts";
import { handlerView } from "../support/test-store.ts";

describe("a refund over 100", () => {
  it("waits over a restart, runs once when one of two operators approves who decide at once, and the other is refused", async () => {
    const bank = await openBank();
    const [first] = await bank.store.append([asked(20_000), asked(500)]);
    await bank.store.append(asked(700, "2"));
    const before = await bank.open();
    expect(before).toMatchObject({
      eventId: first!.id,
      handler: "bank",
      tenant,
      why,
      when: "before",
      status: "open",
      decidedBy: null,
      data: { cents: 20_000 },
    });
    expect(Date.parse(before.dueAt!) - Date.parse(before.createdAt)).toBeLessThanOrEqual(86_400_000);
    await bank.until(async () => bank.paid.length === 1);
    expect(bank.paid).toEqual([{ cents: 700, by: null }]);
    expect(await bank.store.views.findDeadLetters(tenant, first!.id)).toMatchObject([{ status: "escalated", attempts: 0, waiting: 1, history: [] }]);

    await bank.reopen();
    expect(await bank.open()).toEqual(before);
    const decisions = Promise.allSettled(["anna", "bert"].map(async (actor) => bank.store.approveEscalation(before.deliveryId, { ...because, actor })));
    await bank.until(async () => bank.paid.length === 3);
    const [won, lost] = (await decisions).toSorted((a) => (a.status === "fulfilled" ? -1 : 1));
    expect(lost).toMatchObject({ status: "rejected", reason: { code: "ALREADY_DECIDED" } });
    const by = (won as PromiseFulfilledResult<{ escalation: EscalationView }>).value.escalation.decidedBy!;
    expect(bank.paid.slice(1)).toEqual([
      { cents: 20_000, by },
      { cents: 500, by: null },
    ]);
    await bank.until(async () => (await handlerView(bank.store, "bank")).waiting === 0);
    expect(await lastOf(bank, before)).toMatchObject({ status: "approved", decidedBy: by, reason: because.reason });
    expect(await statusOf(bank, first!.id)).toBe("replayed");
    await bank.reopen();
    await bank.clock.advance(100);
    expect(bank.paid).toHaveLength(3);
    await bank.store.close();
  });

  it("is discarded when it is refused, and what waits behind it goes on", async () => {
    const bank = await openBank();
    const [first] = await bank.store.append([asked(20_000), asked(500)]);
    const open = await bank.open();
    const rejecting = bank.store.rejectEscalation(open.deliveryId, { ...because, actor: "anna" });
    await bank.until(async () => bank.paid.length === 1);
    expect((await rejecting).escalation).toMatchObject({ status: "rejected", decidedBy: "anna", reason: because.reason });
    await bank.until(async () => (await lastOf(bank, open)).status === "rejected");
    expect(await statusOf(bank, first!.id)).toBe("discarded");
    await expect(bank.store.approveEscalation(open.deliveryId, because)).rejects.toMatchObject({
      code: "ALREADY_DECIDED",
      fields: { decision: "rejected", decided_by: "anna" },
    });
    await expect(bank.store.approveEscalation(first!.id, because)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await bank.store.close();
  });

  it("runs once the entity and the handler go on, also after a restart, when it was approved meanwhile", async () => {
    const bank = await openBank();
    await bank.store.append(asked(20_000));
    const { deliveryId } = await bank.open();
    const stopping = bank.store.pauseEntity({ type: "order", id: "1" }, { handler: "bank" });
    await bank.clock.advance(100);
    await stopping;
    const approving = bank.store.approveEscalation(deliveryId, because);
    await bank.clock.advance(100);
    await approving;
    expect(bank.paid).toEqual([]);
    await bank.reopen();
    await bank.clock.advance(1000);
    expect(bank.paid).toEqual([]);
    const resuming = bank.store.resumeEntity({ type: "order", id: "1" }, { handler: "bank" });
    await bank.until(async () => bank.paid.length === 1);
    await resuming;
    await bank.clock.advance(1000);
    expect(bank.paid).toEqual([{ cents: 20_000, by: "local" }]);
    await bank.store.close();
  });
});

describe("the time for a decision", () => {
  it("is told at its beginning, when four fifths are over and when it is due, once each over restarts; it then goes on waiting", async () => {
    const bank = await openBank({ escalation: { dueInMs: 100_000 } });
    await bank.store.append(asked(20_000));
    const { dueAt } = await bank.open();
    const stages = () => bank.told.map((fields) => (fields as { readonly stage: string }).stage);
    await bank.until(async () => stages().length === 1);
    await bank.clock.advance(70_000);
    expect(stages()).toEqual(["opened"]);
    await bank.clock.advance(11_000);
    await bank.until(async () => stages().length === 2);
    await bank.reopen();
    await bank.clock.advance(10_000);
    expect(stages()).toEqual(["opened", "due_soon"]);
    expect(await bank.store.views.dueEscalations(tenant, new Date(bank.clock.now()).toISOString(), 10)).toEqual([]);
    await bank.clock.advance(10_000);
    await bank.until(async () => stages().length === 3);
    await bank.reopen();
    await bank.clock.advance(400_000);
    expect(stages()).toEqual(["opened", "due_soon", "due"]);
    const { deliveryId, dueAt: stillDueAt, status } = await bank.open();
    expect([stillDueAt, status]).toEqual([dueAt, "open"]);
    expect(await bank.store.views.dueEscalations(tenant, new Date(bank.clock.now()).toISOString(), 10)).toMatchObject([{ deliveryId }]);
    expect(await bank.store.views.openEscalations("*")).toEqual([{ tenant, handler: "bank", open: 1 }]);
    await bank.store.close();
  });

  it("ends an open decision as expired, never as rejected, also when the service was away at that time", async () => {
    for (const away of [false, true]) {
      const bank = await openBank({ escalation: { dueInMs: 60_000, onDue: "reject" } });
      const [first] = await bank.store.append([asked(20_000), asked(500)]);
      const open = await bank.open();
      if (away) await bank.store.close();
      await bank.clock.advance(61_000);
      if (away) await bank.reopen();
      await bank.until(async () => bank.paid.length === 1);
      await bank.until(async () => (await lastOf(bank, open)).status !== "open");
      expect(await lastOf(bank, open)).toMatchObject({ status: "expired", decidedBy: null, reason: null });
      expect(await statusOf(bank, first!.id)).toBe("discarded");
      const [delivery] = (await bank.store.views.event(tenant, first!.id))!.deliveries;
      expect(delivery!.acts).toMatchObject([{ what: "expired", actor: "policy", before: "escalated", after: "discarded" }]);
      expect(bank.told.at(-1)).toMatchObject({ stage: "expired" });
      await expect(bank.store.rejectEscalation(open.deliveryId, because)).rejects.toMatchObject({ code: "ALREADY_DECIDED", fields: { decision: "expired" } });
      expect((await bank.store.views.escalations({ tenant, status: "rejected" }, { limit: 10 })).escalations).toEqual([]);
      await bank.store.close();
    }
  });
});

describe("a handler that throws Escalate", () => {
  const doubtful = (calls: (string | null)[], failing: () => boolean): BankOptions => ({
    escalate: () => false,
    retry: { maxAttempts: 1 },
    on: {
      "refund.asked": (_event, { approval }) => {
        calls.push(approval?.by ?? null);
        if (approval === null) throw new Escalate("the account looks new");
        if (failing()) throw new Error("the bank is down");
      },
    },
  });

  it("is called again once it is approved, and sees by whom; what fails then is a dead letter as any other", async () => {
    const calls: (string | null)[] = [];
    let down = true;
    const bank = await openBank(doubtful(calls, () => down));
    const [first] = await bank.store.append([asked(5)]);
    const open = await bank.open();
    expect(open).toMatchObject({ when: "after", why: "the account looks new" });
    expect(await bank.store.views.findDeadLetters(tenant, first!.id)).toMatchObject([
      { status: "escalated", cause: "terminal", error: { type: "Escalate" }, attempts: 1 },
    ]);
    const approving = bank.store.approveEscalation(open.deliveryId, { ...because, actor: "anna" });
    await bank.until(async () => (await bank.store.views.findDeadLetters(tenant, first!.id))[0]?.attempts === 2);
    await approving;
    expect(await bank.store.views.findDeadLetters(tenant, first!.id)).toMatchObject([{ status: "dead_lettered", error: { message: "the bank is down" } }]);
    expect(await lastOf(bank, open)).toMatchObject({ status: "approved" });
    down = false;
    await bank.reopen();
    const replaying = bank.store.replay(first!.id);
    await bank.until(async () => calls.length === 3);
    expect(await replaying).toMatchObject({ status: "replayed" });
    expect(calls).toEqual([null, "anna", "anna"]);
    await bank.store.close();
  });
});

describe("a rule that is broken", () => {
  it.each([
    [
      "throws",
      () => {
        throw new TypeError("no cents");
      },
      "it threw TypeError: no cents",
    ],
    ["answers with a promise", async () => why, "it answered with a promise"],
    ["answers with an object", () => ({ why }), "it answered with a value of type object"],
    [
      "changes the event",
      (event: { data: { cents: number } }) => {
        event.data.cents = 0;
        return false;
      },
      "it threw TypeError",
    ],
  ])("%s: the handler is not called, and a batch replays all of it once the rule is mended", async (_how, escalate, message) => {
    const bank = await openBank({ escalate: escalate as never });
    const [first] = await bank.store.append([asked(500), asked(600)]);
    await bank.until(async () => (await statusOf(bank, first!.id)) === "dead_lettered");
    expect(await bank.store.views.findDeadLetters(tenant, first!.id)).toMatchObject([
      { cause: "terminal", attempts: 0, error: { type: "EscalateRuleFailed", message: expect.stringContaining(message) } },
    ]);
    expect(bank.paid).toEqual([]);
    await bank.reopen(
      defineHandler({ name: "bank", events: [refund], escalate: over100, on: { "refund.asked": ({ data }) => void bank.paid.push({ ...data, by: null }) } }),
    );
    const replaying = bank.store.replayBatch({ handler: "bank" });
    await bank.until(async () => bank.paid.length === 2);
    expect(await replaying).toMatchObject({ total: 1, succeeded: 1 });
    await bank.store.close();
  });

  it("may say yes without a reason, and at any length", async () => {
    for (const [answer, shown] of [
      [true, "the handler's rule asks for a decision"],
      ["  ", "the handler's rule asks for a decision"],
      ["x".repeat(10_000), "x".repeat(500)],
      ["half a pair \ud800", "half a pair \ufffd"],
    ] as const) {
      const bank = await openBank({ escalate: () => answer });
      await bank.store.append(asked(1));
      expect((await bank.open()).why).toBe(shown);
      await bank.store.close();
    }
  });
});

describe("whoever was not asked", () => {
  it("decides nothing by the way: batches, plans and discards by a filter leave it alone; who names it decides", async () => {
    const bank = await openBank();
    const [first] = await bank.store.append([asked(20_000)]);
    const { deliveryId } = await bank.open();
    expect(await bank.during(bank.store.replayBatch({ handler: "bank" }))).toMatchObject({ total: 0 });
    expect(await bank.during(bank.store.discardBatch({ handler: "bank" }, because))).toMatchObject({ total: 0, discarded: 0, remaining: 0 });
    const plan = await bank.during(bank.store.planReplay(toSelection({ ids: [first!.id] })));
    expect(plan).toMatchObject({ deliveries: 0, ineligible: [{ reason: "it waits for a person's decision", count: 1 }] });
    expect(bank.paid).toEqual([]);
    expect(await bank.during(bank.store.replay(first!.id, { actor: "anna" }))).toMatchObject({ status: "replayed" });
    expect(bank.paid).toEqual([{ cents: 20_000, by: "anna" }]);
    await bank.until(async () => (await lastOf(bank, { deliveryId })).status === "approved");
    expect(await lastOf(bank, { deliveryId })).toMatchObject({ decidedBy: "anna" });
    await bank.store.close();
  });
});
