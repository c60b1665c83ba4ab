/** The people of the random world, who decide or do not: an account of what waits for them, by what the journal says alone. */
import type { Delivery } from "../../src/delivery/partition/delivery.ts";
import type { DecisionTimes } from "../../src/delivery/policy/decision-times.ts";
import type { JournalEvent } from "../../src/records/journal.ts";
import { singly } from "../../src/records/progress.ts";

interface Asked {
  /** Null: a decision that no time was set for. */
  readonly dueAt: number | null;
  told: number;
}

export class ModelPeople {
  readonly broken: string[] = [];
  readonly times: DecisionTimes;
  readonly #open = new Map<string, Asked>();
  /** Runs that were approved; ended: their outcome is on record. */
  readonly #runs = new Map<string, { readonly key: string; ended: boolean }>();
  approved = 0;
  expired = 0;

  constructor(onDue: DecisionTimes["onDue"]) {
    this.times = { dueInMs: 6000, onDue };
  }

  /** @param nowMs of the world's only clock. */
  stored(record: JournalEvent, nowMs: number): void {
    for (const event of singly(record)) this.#storedOne(event as JournalEvent, nowMs);
  }

  #storedOne(event: JournalEvent, nowMs: number): void {
    if (!event.type.startsWith("delivery.")) return;
    const { lane, revision } = event.data as { readonly lane: string; readonly revision: number };
    const key = `${lane}@${revision}`;
    const asked = this.#open.get(key);
    switch (event.type) {
      case "delivery.dead_lettered":
        if (asked !== undefined) this.broken.push(`${key} failed while it waited for a decision`);
        this.#end(key);
        if (event.data.escalated) this.#open.set(key, { dueAt: event.data.escalation ? Date.parse(event.data.escalation.dueAt) : null, told: 0 });
        return;
      case "delivery.decided":
        if (asked === undefined) this.broken.push(`${key} was decided twice`);
        this.#open.delete(key);
        this.#runs.set(event.data.runId, { key, ended: false });
        this.approved++;
        return;
      case "delivery.noticed": {
        const stage = event.data.stage === "due" ? 2 : 1;
        if (asked === undefined || asked.told >= stage) this.broken.push(`${key} was told to be ${event.data.stage} when nobody or everybody knew`);
        else asked.told = stage;
        if (stage === 2 && nowMs < (asked?.dueAt ?? 0)) this.broken.push(`${key} was told to be due too early`);
        return;
      }
      case "delivery.settled": {
        const { decision } = event.data;
        if ((decision !== undefined) !== (asked !== undefined))
          this.broken.push(`${key} ended as ${decision ?? event.data.outcome}, and was ${asked ? "" : "not "}open`);
        if (decision === "expired" && (nowMs < (asked?.dueAt ?? 0) || this.times.onDue === "wait")) this.broken.push(`${key} expired before its time`);
        if (decision === "expired") this.expired++;
        this.#open.delete(key);
        this.#end(key);
      }
    }
  }

  /** A dead letter is about to be called. */
  starts({ event, replay }: Delivery): void {
    if (replay === null) return;
    const key = `${event.stream}@${event.revision}`;
    if (this.#open.has(key)) this.broken.push(`${key} runs before anybody decided`);
    if (this.#runs.get(replay.replayId)?.ended) this.broken.push(`${key} runs again after its run had ended`);
  }

  /** Runs whose outcome is not on record. */
  get unended(): number {
    return [...this.#runs.values()].filter(({ ended }) => !ended).length;
  }

  /** By its run, or by a replay after a build that could not run it. */
  #end(key: string): void {
    for (const run of this.#runs.values()) if (run.key === key) run.ended = true;
  }
}
