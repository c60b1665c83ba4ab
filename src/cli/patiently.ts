import { type Clock, systemClock } from "../event/clock.ts";
import { hint, type Session } from "./command.ts";
import { exit, Failure } from "./exit.ts";

/** A service that was there is asked so long when it does not answer: it may be started anew. */
const patienceMs = 40_000;

export interface Asking<T> {
  readonly ask: () => Promise<T>;
  /** It was there before. */
  readonly isKnown: boolean;
  /** A sentence: what becomes of it while nobody answers. */
  readonly meanwhile: string;
  /** A sentence or two: how to find out in the end. */
  readonly later: string;
  /** Codes of answers that may be another one soon. */
  readonly passing?: readonly string[];
}

/** @returns asks; null while a service that was there does not answer. */
export function patiently<T>(
  session: Session,
  { ask, isKnown, meanwhile, later, passing = [] }: Asking<T>,
  clock: Clock = systemClock,
): () => Promise<T | null> {
  let known = isKnown;
  let lostMs: number | null = null;
  return async () => {
    try {
      const answer = await ask();
      known = true;
      lostMs = null;
      return answer;
    } catch (error) {
      if (!known || !(error instanceof Failure)) throw error;
      const isAway = error.exitCode === exit.unreachable;
      if (!isAway && !passing.includes(String(error.members.code))) throw error;
      const nowMs = clock.monotonicMs();
      if (lostMs === null && isAway)
        hint(session, `${session.terminal.interactive ? "\n" : ""}The service does not answer; asking again for ${patienceMs / 1000} s. ${meanwhile}`);
      lostMs ??= nowMs;
      if (nowMs - lostMs < patienceMs) return null;
      throw new Failure(error.exitCode, `${error.message}\n${later}`, error.members);
    }
  };
}
