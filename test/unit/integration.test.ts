/** The rules of integrations: breaker, breaks, rate, slots, and the line before them. All of it without a clock. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { IntegrationSpec } from "../../src/delivery/integration-spec.ts";
import type { IntegrationChange } from "../../src/delivery/integrations/fuse.ts";
import { Integration, type Member } from "../../src/delivery/integrations/integration.ts";
import type { Permit } from "../../src/delivery/partition/permits.ts";

const breaker = { failures: 3, withinMs: 1000, coolDownMs: 500 };
const plain: IntegrationSpec = { name: "bank", concurrency: null, breaker, perSecond: null };

function bank(spec: Partial<IntegrationSpec> = {}) {
  const changes: IntegrationChange[] = [];
  const integration = new Integration({ ...plain, ...spec }, (change) => changes.push(change));
  const member = integration.join();
  /** A call that begins and ends at `atMs`. @returns whether its failure is the integration's. */
  const call = (sign: "answered" | "failed" | "nothing", atMs: number): boolean => {
    expect(integration.admits(member, atMs), `at ${atMs}`).toBe(true);
    const permit = member.begin(atMs);
    const isIts = integration.fuse.told(permit, sign, atMs, "default");
    member.end(permit);
    return isIts;
  };
  return { integration, member, changes, call, stateAt: (atMs: number) => integration.fuse.at(atMs).state };
}

/** Open since `atMs`, by three failures. */
function down(spec: Partial<IntegrationSpec> = {}, atMs = 0) {
  const scene = bank(spec);
  for (let n = 0; n < 3; n++) scene.call("failed", atMs);
  return scene;
}

describe("a breaker", () => {
  it("opens with the last of `failures` within `withinMs`, and each of them is its delivery's own", () => {
    const { call, stateAt, changes, integration } = bank();
    expect([call("failed", 0), call("failed", 500), call("answered", 600), call("failed", 1001)]).toEqual([false, false, false, false]);
    expect(stateAt(1001)).toBe("closed"); // the first one is too old
    expect(integration.fuse.at(1001).failures).toBe(2);
    expect(call("failed", 1400)).toBe(false);
    expect(integration.fuse.at(1400)).toEqual({ state: "open", untilMs: 1900, gatedUntilMs: null, failures: 0 });
    expect(changes).toEqual([{ kind: "opened", waitMs: 500, coolDownMs: 500 }]);
  });

  it("lets one trial through after its cool-down, which closes it, or opens it for twice as long, up to five minutes", () => {
    const { integration, member, call, stateAt, changes } = down();
    let openedMs = 0;
    for (const waitMs of [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]) {
      expect(changes.at(-1)).toMatchObject({ kind: "opened", waitMs });
      expect([integration.admits(member, openedMs + waitMs - 1), stateAt(openedMs + waitMs - 1)]).toEqual([false, "open"]);
      openedMs += waitMs;
      expect(stateAt(openedMs)).toBe("half_open");
      expect(call("failed", openedMs)).toBe(true); // it uses no attempt
    }
    openedMs += 300_000;
    const trial = member.begin(openedMs);
    expect([trial.isTrial, integration.admits(integration.join(), openedMs)]).toEqual([true, false]);
    integration.fuse.told(trial, "answered", openedMs, "default");
    expect([stateAt(openedMs), changes.at(-1)]).toEqual(["closed", { kind: "closed" }]);
    for (let n = 0; n < 3; n++) call("failed", openedMs);
    expect(changes.at(-1)).toEqual({ kind: "opened", waitMs: 500, coolDownMs: 500 }); // it begins anew
  });

  it("takes no word from a call that began before it opened: neither a success nor a failure", () => {
    const { integration, member, call, stateAt } = bank();
    const early = [member.begin(0), member.begin(0), member.begin(0), member.begin(0)] as const;
    for (let n = 0; n < 3; n++) call("failed", 0);
    expect(integration.fuse.told(early[0], "answered", 10, "default")).toBe(false);
    expect(integration.fuse.told(early[1], "failed", 10, "default")).toBe(true);
    expect(stateAt(10)).toBe("open");
    expect(integration.fuse.told(early[2], "answered", 600, "default")).toBe(false);
    expect(stateAt(600)).toBe("half_open");
    call("answered", 600);
    expect(integration.fuse.told(early[3], "failed", 700, "default")).toBe(true);
    expect(integration.fuse.at(700)).toMatchObject({ state: "closed", failures: 0 });
  });

  it("gives the trial to another when the first one said nothing of the integration", () => {
    const { call, stateAt } = down();
    call("nothing", 500);
    expect(stateAt(500)).toBe("half_open");
    call("answered", 500);
    expect(stateAt(500)).toBe("closed");
  });

  it("repeats a trial that is asked to come later, and stays open meanwhile", () => {
    const { integration, member, stateAt } = down();
    const trial = member.begin(500);
    integration.fuse.busy(trial, 7000, 500);
    member.end(trial);
    expect([stateAt(7499), integration.admits(member, 7499), stateAt(7500), integration.admits(member, 7500)]).toEqual(["open", false, "half_open", true]);
  });

  it("is isolated until it is reset, whatever its calls say", () => {
    const { integration, member, call, stateAt } = bank();
    const early = member.begin(0);
    integration.fuse.become({ kind: "isolated" }, null, 0);
    expect([integration.fuse.isGood(early, 0), integration.fuse.told(early, "answered", 0, "default"), integration.admits(member, 1e9), stateAt(1e9)]).toEqual([
      false,
      false,
      false,
      "isolated",
    ]);
    expect(member.nextMs()).toBeNull();
    integration.fuse.become({ kind: "closed" }, 0, 1e9);
    expect(call("answered", 1e9)).toBe(false);
  });

  it("that there is none opens never, and may be isolated", () => {
    const { integration, call, stateAt } = bank({ breaker: null });
    for (let n = 0; n < 100; n++) expect(call("failed", n)).toBe(false);
    expect(stateAt(100)).toBe("closed");
    integration.fuse.become({ kind: "isolated" }, null, 0);
    expect(stateAt(100)).toBe("isolated");
  });

  it("comes out of what was kept as it was", () => {
    const { integration, member, changes, stateAt } = bank();
    integration.fuse.become({ kind: "open", waitMs: 300, coolDownMs: 2000 }, 0, 1000);
    expect([stateAt(1299), stateAt(1300)]).toEqual(["open", "half_open"]);
    integration.fuse.told(member.begin(1300), "failed", 1300, "default");
    expect(changes).toEqual([{ kind: "opened", waitMs: 4000, coolDownMs: 4000 }]);
  });
});

describe("an integration", () => {
  it("that asked for a break is left alone by all its handlers, and the break is told once", () => {
    const { integration, member, changes, stateAt } = bank();
    const others = Array.from({ length: 15 }, () => integration.join());
    const permits = Array.from({ length: 10 }, () => member.begin(0));
    for (const [n, permit] of permits.entries()) integration.fuse.busy(permit, 7000, n);
    expect(changes).toEqual([{ kind: "gated", waitMs: 7000 }]);
    expect(integration.fuse.isGood(permits[0]!, 7008)).toBe(false);
    for (const each of [member, ...others]) expect([each.mayBegin(7008), each.nextMs()]).toEqual([false, 7018]);
    expect([stateAt(7008), member.mayBegin(7009)]).toEqual(["closed", true]);
  });

  it("gives each of its handlers its turn, one after another", () => {
    const integration = new Integration({ ...plain, concurrency: 2 });
    const begun = new Map<Member, number>();
    const members = Array.from({ length: 16 }, () => integration.join());
    for (const member of members) member.wake = () => {};
    let running: Permit[] = [];
    for (let round = 0; round < 160; round++) {
      // The one that ended a call looks first, as in a process.
      for (const member of members)
        while (member.mayBegin(round)) {
          running.push(member.begin(round));
          begun.set(member, (begun.get(member) ?? 0) + 1);
        }
      expect(running.length).toBe(2);
      for (const permit of running) integration.end(permit);
      running = [];
    }
    const counts = members.map((member) => begun.get(member) ?? 0);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(18);
    expect(Math.max(...counts)).toBeLessThanOrEqual(22);
  });

  it("lets those behind go on when the first in line has nothing to do", () => {
    const integration = new Integration({ ...plain, concurrency: 1 });
    const [first, second, third] = [integration.join(), integration.join(), integration.join()];
    const woken: string[] = [];
    second.wake = () => woken.push("second");
    third.wake = () => woken.push("third");
    const permit = first.begin(0);
    expect([second.mayBegin(0), third.mayBegin(0)]).toEqual([false, false]);
    integration.end(permit);
    expect([first.mayBegin(0), third.mayBegin(0)]).toEqual([false, false]);
    expect(woken).toEqual(["second", "third"]);
    expect(second.mayBegin(0)).toBe(true);
    second.idle(); // it may, and has nothing
    expect(third.mayBegin(0)).toBe(true);
  });
});

type Step = readonly [kind: "begin" | "idle" | "answered" | "failed" | "nothing" | "busy" | "wait" | "isolate" | "reset", member: number, number: number];
const kinds = [
  "begin",
  "begin",
  "begin",
  "begin",
  "idle",
  "answered",
  "failed",
  "failed",
  "nothing",
  "busy",
  "wait",
  "wait",
  "isolate",
  "reset",
  "reset",
] as const;
const step: fc.Arbitrary<Step> = fc.tuple(fc.constantFrom(...kinds), fc.nat(3), fc.nat(1500));

it("whatever happens: limits hold, nothing begins while it is shut, one trial at a time, and an old result changes nothing (property)", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.constantFrom(null, 1, 3), fc.constantFrom(null, 5), (steps, concurrency, perSecond) => {
      const integration = new Integration({ ...plain, concurrency, perSecond });
      const members = Array.from({ length: 4 }, () => integration.join());
      const running: { readonly member: Member; readonly permit: Permit; readonly sinceMs: number }[] = [];
      const begun: number[] = [];
      let [nowMs, changedMs] = [0, -1];
      for (const [kind, index, number] of steps) {
        const member = members[index]!;
        const before = integration.fuse.at(nowMs);
        if (kind === "wait") nowMs += number;
        else if (kind === "isolate") integration.fuse.become({ kind: "isolated" }, null, 0);
        else if (kind === "reset") integration.fuse.become({ kind: "closed" }, 0, nowMs);
        else if (kind === "idle") {
          member.mayBegin(nowMs);
          member.idle();
          if (members.every((each) => each === member || each.nextMs() === null))
            expect(integration.admits(member, nowMs) || integration.fuse.room(nowMs) === 0 || running.length > 0 || perSecond !== null).toBe(true);
          member.idle();
        } else if (kind === "begin") {
          member.look(nowMs);
          if (!member.mayBegin(nowMs)) {
            // Somebody will look again: a time, an operator, or a call that ends.
            expect(member.nextMs() !== null || before.state === "isolated" || running.length > 0).toBe(true);
            continue;
          }
          expect(["closed", "half_open"]).toContain(before.state);
          expect(before.gatedUntilMs).toBeNull();
          const permit = member.begin(nowMs);
          expect(permit.isTrial).toBe(before.state === "half_open");
          running.push({ member, permit, sinceMs: nowMs });
          begun.push(nowMs);
          if (concurrency !== null) expect(running.length).toBeLessThanOrEqual(concurrency);
          if (perSecond !== null) expect(begun.filter((atMs) => nowMs - atMs < 1000).length).toBeLessThanOrEqual(perSecond + 1);
          const trials = running.filter((each) => each.permit.isTrial && each.permit.epoch === permit.epoch);
          if (permit.isTrial) expect(trials).toHaveLength(1);
        } else {
          const [call] = running.splice(index % Math.max(1, running.length), 1);
          if (call === undefined) continue;
          if (kind === "busy") integration.fuse.busy(call.permit, number, nowMs);
          else {
            const isIts = integration.fuse.told(call.permit, kind, nowMs, "default");
            if (kind === "failed" && before.state !== "closed") expect(isIts).toBe(true);
          }
          call.member.end(call.permit);
          const after = integration.fuse.at(nowMs);
          if (before.state !== "closed" && after.state === "closed") expect([kind, call.permit.isTrial]).toEqual(["answered", true]);
          if (call.sinceMs < changedMs && kind !== "busy") expect(after).toEqual(before);
        }
        if (integration.fuse.at(nowMs).state !== before.state && kind !== "wait") changedMs = nowMs;
      }
    }),
    { numRuns: 500 },
  );
});
