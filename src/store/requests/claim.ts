/** Who does a request: whoever's append to its stream is first. */
import { withPatience } from "../../delivery/journal/patience.ts";
import { isRepriseError, RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { NewId } from "../../event/ids.ts";
import type { OtherLives } from "./other-lives.ts";
import type { KeptAnswer, RequestLog, StoredRequest } from "./request-log.ts";

/** How long a request is kept, from its first try on. */
export const keptMs = 24 * 60 * 60 * 1000;

export interface AskedRequest {
  /** Whose request it is and which: a hash of tenant, API key, route and Idempotency-Key. */
  readonly id: string;
  /** A hash of what it asks for. */
  readonly asks: string;
}

/** A request that is this process's to do. */
export interface ClaimedRequest extends StoredRequest {
  /** An earlier try of it may have done something. */
  readonly isAgain: boolean;
}

interface ClaimNeeds {
  readonly stream: RequestLog;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Of this process. */
  readonly life: string;
  readonly others: OtherLives;
}

/** How many others may be first. Each of them has begun the request, or answered it. */
const maxConflicts = 10;

/** @returns the answer where there is one. @throws IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_IN_PROGRESS, LOG_UNAVAILABLE, LOG_FULL */
export async function claim({ stream, clock, newId, life, others }: ClaimNeeds, { id, asks }: AskedRequest): Promise<ClaimedRequest | KeptAnswer> {
  let known: StoredRequest | null = null;
  let revision = -1;
  for (let conflicts = 0; ; conflicts++) {
    const again = known !== null && !isOver(known, clock) ? known : null;
    if (again !== null) {
      if (again.asks !== asks) throw reused();
      if (again.answer !== null) return again.answer;
      if (again.life === life) return { ...again, isAgain: true };
      if (!(await others.isGone(again.life))) throw inProgress();
    }
    const actId = again?.actId ?? newId();
    const before = again === null ? {} : { first: { position: again.first.position.toString(), at: again.first.at } };
    try {
      const at = await withPatience(clock, () => stream.begin(id, { actId, asks, life, ...before }, revision));
      const first = again?.first ?? { position: at.position, at: at.recordedAt };
      return { actId, asks, life, first, answer: null, revision: at.revision, isAgain: again !== null };
    } catch (error) {
      if (!isRepriseError(error, "REVISION_CONFLICT") || conflicts === maxConflicts) throw error;
      known = await stream.read(id);
      revision = known?.revision ?? (await stream.revision(id));
    }
  }
}

function isOver({ first: { at } }: StoredRequest, clock: Clock): boolean {
  return clock.now() - Date.parse(at) >= keptMs;
}

export function reused(): RepriseError {
  return new RepriseError("IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key came with another request to this route in the last 24 hours.");
}

export function inProgress(): RepriseError {
  return new RepriseError("IDEMPOTENCY_IN_PROGRESS", "The first request with this Idempotency-Key is still under way.", { retryAfterMs: 1000 });
}
