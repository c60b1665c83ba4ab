import type { FastifyInstance, FastifyRequest } from "fastify";
import { severalAsk } from "../event/turns.ts";

declare module "fastify" {
  interface FastifyInstance {
    underWay: UnderWay;
  }
  interface FastifyRequest {
    /** Bytes of its body that count as under way; 0: none, or it is answered. */
    bytesUnderWay: number;
  }
}

/** Bytes of bodies that one tenant may have under way while others ask, too; one body may have more, as long as it is the only one. */
const roomBytes = 32 * 1024;
/** What a body counts for at least, because a request is work whatever its size: sixteen small ones are under way. */
const leastBytes = 2048;

/** One tenant's. */
interface Own {
  bytes: number;
  readonly waiting: { readonly bytes: number; readonly begin: () => void }[];
}

/**
 * What tenants have under way, by the bytes of bodies that have arrived whole. While several tenants ask, the rest of one's flood waits unparsed: of sixty
 * batches that are begun at once a hundred thousand objects live until the log has taken the last batch, and collecting garbage among them holds up everybody.
 */
export class UnderWay {
  readonly #tenants = new Map<string, Own>();

  waitingOf(tenant: string): number {
    return this.#tenants.get(tenant)?.waiting.length ?? 0;
  }

  /** @returns null: at once. */
  enter(tenant: string, bytes: number): Promise<void> | null {
    let own = this.#tenants.get(tenant);
    if (own === undefined) this.#tenants.set(tenant, (own = { bytes: 0, waiting: [] }));
    const { waiting } = own;
    if (waiting.length > 0 || !hasRoom(own, bytes)) return new Promise((begin) => waiting.push({ bytes, begin }));
    own.bytes += bytes;
    return null;
  }

  leave(tenant: string, bytes: number): void {
    const own = this.#tenants.get(tenant)!;
    own.bytes -= bytes;
    for (let next = own.waiting[0]; next !== undefined && hasRoom(own, next.bytes); next = own.waiting[0]) {
      own.waiting.shift();
      own.bytes += next.bytes;
      next.begin();
    }
    if (own.bytes === 0) this.#tenants.delete(tenant);
  }
}

function hasRoom(own: Own, bytes: number): boolean {
  return own.bytes === 0 || own.bytes + bytes <= roomBytes || !severalAsk();
}

/** Counts the bodies of a server's requests from `beginBody` until they are answered. */
export function countBodies(app: FastifyInstance): void {
  app.decorate("underWay", new UnderWay());
  app.decorateRequest("bytesUnderWay", 0);
  app.addHook("onSend", (request, _reply, payload, done) => {
    const { bytesUnderWay, caller, server } = request;
    request.bytesUnderWay = 0;
    if (bytesUnderWay > 0) server.underWay.leave(caller.tenant, bytesUnderWay);
    done(null, payload);
  });
}

/** To be awaited before a body is parsed. @returns null: at once. */
export function beginBody(request: FastifyRequest, bytes: number): Promise<void> | null {
  request.bytesUnderWay = Math.max(leastBytes, bytes);
  return request.server.underWay.enter(request.caller.tenant, request.bytesUnderWay);
}
