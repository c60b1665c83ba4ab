/** An integration that three processes call over one log, whose appends are slow, fail and are stored all the same; what each knows of the others comes late. */
import { describe, expect, it } from "vitest";
import type { Member } from "../../src/delivery/integrations/integration.ts";
import { IntegrationPlace } from "../../src/delivery/integrations/integration-place.ts";
import type { Permit } from "../../src/delivery/partition/permits.ts";
import { RepriseError } from "../../src/errors.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import { integrationStream } from "../../src/event/names.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";
import { makeRandom } from "../support/partition-model.ts";

const spec = { name: "bank", concurrency: null, breaker: { failures: 2, withinMs: 10_000, coolDownMs: 500 }, perSecond: null };
const quiet = { info() {}, warn() {}, error() {} };
const stream = integrationStream("bank");
const act = { actor: "anna", reason: "look" };
const stepMs = 50;

interface Call {
  readonly permit: Permit;
  readonly endMs: number;
}

/** One of the processes. */
class Process {
  readonly life: string;
  readonly place: IntegrationPlace;
  readonly #member: Member;
  readonly calls: Call[] = [];
  isThere = true;
  /** Events of the stream that the tail has brought. */
  told = 0;

  constructor(life: string, { log, clock, isThere }: { readonly log: EventLog; readonly clock: FakeClock; readonly isThere: (life: string) => boolean }) {
    this.life = life;
    const sharing = { life, isThere };
    this.place = new IntegrationPlace(spec, { log, clock, newId, logger: quiet, sharing, signal: new AbortController().signal });
    this.#member = this.place.integration.join();
  }

  stateAt(nowMs: number): string {
    return this.place.integration.fuse.at(nowMs).state;
  }

  /** @returns the call that begins; null: none may. */
  begin(nowMs: number, takesMs: number): Call | null {
    this.#member.look(nowMs);
    if (!this.#member.mayBegin(nowMs)) {
      this.#member.want();
      return null;
    }
    const call = { permit: this.#member.begin(nowMs), endMs: nowMs + takesMs };
    this.calls.push(call);
    return call;
  }

  end(call: Call, sign: "answered" | "failed" | "nothing", nowMs: number): void {
    this.calls.splice(this.calls.indexOf(call), 1);
    this.place.integration.fuse.told(call.permit, sign, nowMs, "default");
    this.#member.end(call.permit);
  }
}

/** Three processes, until the integration is well and all know it. */
async function world(seed: number): Promise<{ readonly records: readonly StoredEvent[]; readonly trials: number; readonly states: readonly string[] }> {
  const random = makeRandom(seed);
  const clock = makeFakeClock();
  const memory = openMemoryLog();
  const wait = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, () => resolve()));
  let isWild = true;
  const log: EventLog = {
    ...memory,
    async append(...args) {
      await wait(random() * 100);
      if (isWild && random() < 0.1) throw new RepriseError("LOG_UNAVAILABLE", "It is away.");
      const stored = await memory.append(...args);
      await wait(random() * 100);
      if (isWild && random() < 0.1) throw new RepriseError("LOG_UNAVAILABLE", "Stored, and the answer is lost.");
      return stored;
    },
  };
  const records: StoredEvent[] = [];
  const readOn = async () => {
    for await (const batch of memory.readStream(stream, { from: records.length })) records.push(...batch);
  };
  const isThere = (life: string) => all.find((one) => one.life === life)!.isThere;
  const all: readonly Process[] = ["a", "b", "c"].map((life) => new Process(life, { log, clock, isThere }));
  const living = () => all.filter((one) => one.isThere);
  let [isWell, trials] = [true, 0];
  const step = async () => {
    await clock.advance(stepMs);
    await readOn();
    const nowMs = clock.monotonicMs();
    for (const one of living()) {
      while (one.told < records.length && (!isWild || random() < 0.6)) one.place.take(records[one.told++] as never);
      for (const call of one.calls.filter(({ endMs }) => endMs <= nowMs)) one.end(call, random() < 0.1 ? "nothing" : isWell ? "answered" : "failed", nowMs);
      if (one.calls.length < 3 && random() < 0.7 && one.begin(nowMs, random() * 300)?.permit.isTrial) trials++;
    }
  };
  for (let n = 0; n < 200; n++) {
    const dice = random();
    if (dice < 0.05) isWell = random() < 0.3;
    else if (dice < 0.06) void all[n % 3]!.place.act({ type: "integration.isolated", data: { act } }).catch(() => {});
    else if (dice < 0.09) void all[n % 3]!.place.act({ type: "integration.reset", data: { act } }).catch(() => {});
    else if (dice < 0.095 && living().length > 1) living()[0]!.isThere = false;
    await step();
  }
  [isWell, isWild] = [true, false];
  for (let n = 0; n < 200; n++) await step();
  const reset = living()[0]!.place.act({ type: "integration.reset", data: { act } }); // one that was isolated stays so
  for (let n = 0; n < 20; n++) await step();
  await reset;
  return { records, trials, states: living().map((one) => one.stateAt(clock.monotonicMs())) };
}

describe("an integration over several processes", () => {
  it("is tried by exactly one of three at a time, whatever comes between", async () => {
    let seen = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const { records, trials, states } = await world(seed);
      const about = `seed ${seed}`;
      expect(new Set(states), about).toEqual(new Set(["closed"]));
      let trying: string | null = null;
      let begun = 0;
      const gone = new Set<string>();
      for (const { type, data } of records) {
        const by = (data as { readonly by?: string }).by ?? null;
        if (type === "integration.trial_begun") {
          begun++;
          if (trying !== null) gone.add(trying); // whoever is taken to be gone never tries again
          expect(gone.has(by!), `${about}: ${by} tries again`).toBe(false);
          trying = by;
        } else if (type !== "integration.gated") trying = null;
      }
      expect(trials, about).toBeLessThanOrEqual(begun);
      seen += trials;
    }
    expect(seen).toBeGreaterThan(300);
  }, 60_000);
});
