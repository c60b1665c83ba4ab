/** Plans and replays that are not over: the events they list stay, so that what was decided can be done. Folded from the log, in its order. */
import type { StoredEvent } from "../event/event.ts";
import { isReplayStream, planStream, replayStream } from "../event/names.ts";
import type { PlanStreamData } from "../records/plan.ts";
import type { ReplayStreamData } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { Hold } from "./hold.ts";

const planPrefix = planStream("");
const replayPrefix = replayStream("");

interface OpenWork {
  readonly hold: Hold;
  /** Wall clock; null: until it is recorded that it ended. */
  expiresMs: number | null;
  /** The first revision that it needs of each stream. The stream's later events stay behind that one. */
  readonly first: Map<string, number>;
}

export class OpenWorks {
  /** By plan, and by replay. A plan that is not complete is there, too: whoever makes it is still writing. */
  readonly #plans = new Map<string, OpenWork>();
  readonly #replays = new Map<string, OpenWork>();

  static readonly prefixes: readonly string[] = [planPrefix, replayPrefix];

  /** @param nowMs a plan that has expired can be used no more. */
  holdOf({ stream, revision }: StoredEvent, nowMs: number): Hold | null {
    for (const works of [this.#plans, this.#replays])
      for (const { hold, expiresMs, first } of works.values())
        if ((first.get(stream) ?? Number.POSITIVE_INFINITY) <= revision && (expiresMs === null || expiresMs > nowMs)) return hold;
    return null;
  }

  /** Lets go of what has expired. */
  tidy(nowMs: number): void {
    for (const [id, { expiresMs }] of this.#plans) if (expiresMs !== null && expiresMs <= nowMs) this.#plans.delete(id);
  }

  see(event: StoredEvent): void {
    if (event.source !== "reprise" || event.damage !== undefined) return;
    if (event.stream.startsWith(planPrefix)) this.#plan(event.stream.slice(planPrefix.length), event);
    else if (isReplayStream(event.stream)) this.#replay(event.stream.slice(replayPrefix.length), event);
  }

  #plan(id: string, { type, data, recordedAt }: StoredEvent): void {
    const plan = this.#plans.get(id);
    if (type === "replay.items") {
      const works = plan ?? open({ kind: "open_plan", name: id }, Date.parse(recordedAt) + unfinishedMs);
      take(works, (data as unknown as PlanStreamData["replay.items"]).items);
      this.#plans.set(id, works);
    } else if (type === "plan.made" && plan !== undefined) plan.expiresMs = Date.parse((data as unknown as PlanStreamData["plan.made"]).expiresAt);
    else if (type === "plan.used") {
      this.#plans.delete(id);
      const { job } = data as unknown as PlanStreamData["plan.used"];
      this.#replays.set(job.replayId, { ...open({ kind: "open_replay", name: job.replayId }, null), first: plan?.first ?? new Map() });
    }
  }

  #replay(id: string, { type, data }: StoredEvent): void {
    if (type === "replay.ended") {
      this.#replays.delete(id);
      return;
    }
    if (type === "replay.requested" && !this.#replays.has(id)) this.#replays.set(id, open({ kind: "open_replay", name: id }, null));
    const replay = this.#replays.get(id);
    if (type === "replay.items" && replay !== undefined) take(replay, (data as unknown as ReplayStreamData["replay.items"]).items);
  }
}

/** Whoever makes a plan writes all of it within this time, or has died. */
const unfinishedMs = 3_600_000;

const open = (hold: Hold, expiresMs: number | null): OpenWork => ({ hold, expiresMs, first: new Map() });

function take({ first }: OpenWork, items: readonly ReplayItem[]): void {
  for (const { lane, revision } of items) first.set(lane, Math.min(first.get(lane) ?? revision, revision));
}
