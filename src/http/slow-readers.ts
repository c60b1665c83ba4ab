import type { ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import type { DeliveryLogger } from "../delivery/delivery-logger.ts";
import { onEachAnswer } from "./hooks.ts";

/** Answers that clients do not read stay in memory. Smaller answers than this fit into the system's own buffers. */
const largeBytes = 64 * 1024;

/** How long a client may read nothing of its answer, and the most bytes of all unsent answers. */
export interface ReaderLimits {
  readonly patienceMs: number;
  readonly unsentBytes: number;
}

export const defaultReaderLimits: ReaderLimits = { patienceMs: 30_000, unsentBytes: 64 * 1024 * 1024 };

/** Ends the connection of a client that reads nothing of its answer for too long. When all answers together are too large, ends those that wait longest. */
export function endSlowReaders(app: FastifyInstance, logger: DeliveryLogger, { patienceMs, unsentBytes }: ReaderLimits): void {
  /** Bytes of answers under way, the oldest first. */
  const unsent = new Map<ServerResponse, number>();
  let total = 0;
  const end = (response: ServerResponse, why: string): void => {
    logger.warn({ unsent_bytes: unsent.get(response) ?? 0, why }, "ended the connection of a client that does not read its answer");
    forget(response);
    response.destroy();
  };
  const forget = (response: ServerResponse): void => {
    total -= unsent.get(response) ?? 0;
    unsent.delete(response);
  };

  onEachAnswer(app, (_request, { raw: response }, payload) => {
    const bytes = typeof payload === "string" || Buffer.isBuffer(payload) ? payload.length : 0;
    if (bytes < largeBytes) return null;
    unsent.set(response, bytes);
    total += bytes;
    response.once("close", () => forget(response));
    // Node looks whether anything was sent since the last time, and gives the socket its own time again for the next request.
    response.setTimeout(patienceMs, () => end(response, "too slow"));
    for (const [other] of unsent) {
      if (total <= unsentBytes || other === response) break;
      end(other, "too many unsent answers");
    }
    return null;
  });
}
