/** Sends a request of the command line. An act goes with an Idempotency-Key, so that it may be sent again when its answer was lost: it is done once all the same. */
import { type Clock, systemClock } from "../event/clock.ts";
import { pause } from "../event/waits.ts";

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The connection broke after something was sent: whether that was done is not known. */
const lostCodes: ReadonlySet<unknown> = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED", "UND_ERR_SOCKET"]);
/** How long an act is sent again after that: a service that was killed may be up again, and an act takes half a minute at most. */
const patienceMs = 40_000;
const betweenMs = 500;

/** @throws as fetch does, once the patience is over; at once for what was never sent. */
export async function send(url: URL, init: RequestInit & { readonly method: string }, clock: Clock = systemClock): Promise<Answer> {
  if (init.method === "GET") return ask(url, init);
  const asked = { ...init, headers: { ...(init.headers as Record<string, string>), "idempotency-key": crypto.randomUUID() } };
  let lostMs: number | null = null;
  for (;;) {
    try {
      const answer = await ask(url, asked);
      if (lostMs === null || !isUnderWay(answer) || clock.monotonicMs() - lostMs > patienceMs) return answer;
    } catch (error) {
      if (lostMs === null && !isLost(error)) throw error;
      lostMs ??= clock.monotonicMs();
      if (clock.monotonicMs() - lostMs > patienceMs) throw error;
    }
    await pause(betweenMs, clock);
  }
}

async function ask(url: URL, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  return { status: response.status, text: await response.text() };
}

/** The first one is still at it, or the service is not ready yet. */
function isUnderWay({ status, text }: Answer): boolean {
  return status === 503 || (status === 409 && text.includes('"IDEMPOTENCY_IN_PROGRESS"'));
}

/** fetch says only "fetch failed" or "terminated"; why stands in the cause. */
function isLost(error: unknown): boolean {
  return lostCodes.has((error as { readonly cause?: { readonly code?: unknown } }).cause?.code);
}
