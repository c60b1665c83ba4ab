import type { FastifyInstance, FastifyRequest } from "fastify";
import { RepriseError } from "../errors.ts";
import { type Full, SharedRoom } from "../event/shared-room.ts";
import { goOn, severalAsk } from "../event/turns.ts";
import { onEachAnswer } from "./hooks.ts";

declare module "fastify" {
  interface FastifyInstance {
    underWay: { readonly bodies: UnderWay; readonly reads: UnderWay };
  }
  interface FastifyRequest {
    /** Bytes of its body that count as under way; 0: none, or it is answered. */
    bytesUnderWay: number;
    /** It counts as a read under way. */
    isReading: boolean;
  }
}

/** Bytes of bodies that one tenant may have under way while others ask, too; one body may have more, as long as it is the only one. */
const roomBytes = 32 * 1024;
/** What a body counts for at least, because a request is work whatever its size: sixteen small ones are under way. */
const leastBytes = 2048;
/** Bytes of bodies that wait for room. Tenants share it as they share the log's queue (shared-room.ts). */
const waitingBytes = 64 * 1024 * 1024;
/** Reads of one tenant that are under way while others ask, too: one reads, and one has its answer written. */
const reads = 2;

/** One tenant's. */
interface Own {
  size: number;
  readonly waiting: { readonly size: number; readonly begin: () => void }[];
}

/**
 * What tenants have under way. While several tenants ask, the rest of one's flood waits: of sixty batches, or pages, that are begun at once a hundred thousand
 * objects live until the last one is done, and collecting garbage among them holds up everybody.
 */
export class UnderWay {
  readonly #most: number;
  readonly #waitingRoom: SharedRoom | null;
  readonly #tenants = new Map<string, Own>();

  /** @param most of one tenant. @param waitingRoom of all that wait; null: something else bounds them. */
  constructor(most: number, waitingRoom: SharedRoom | null) {
    this.#most = most;
    this.#waitingRoom = waitingRoom;
  }

  waitingOf(tenant: string): number {
    return this.#tenants.get(tenant)?.waiting.length ?? 0;
  }

  /** @returns null: at once. @throws RATE_LIMITED when it cannot even wait. */
  enter(tenant: string, size: number): Promise<void> | null {
    let own = this.#tenants.get(tenant);
    if (own === undefined) this.#tenants.set(tenant, (own = { size: 0, waiting: [] }));
    const { waiting } = own;
    if (waiting.length > 0 || !this.#hasRoom(own, size)) {
      const full = this.#waitingRoom?.take(tenant, size) ?? null;
      if (full !== null) throw tooMuchWaits(full);
      return new Promise((begin) => waiting.push({ size, begin }));
    }
    own.size += size;
    return null;
  }

  leave(tenant: string, size: number): void {
    const own = this.#tenants.get(tenant)!;
    own.size -= size;
    for (let next = own.waiting[0]; next !== undefined && this.#hasRoom(own, next.size); next = own.waiting[0]) {
      own.waiting.shift();
      this.#waitingRoom?.give(tenant, next.size);
      own.size += next.size;
      goOn(tenant, next.begin);
    }
    if (own.size === 0) this.#tenants.delete(tenant);
  }

  #hasRoom(own: Own, size: number): boolean {
    return own.size === 0 || own.size + size <= this.#most || !severalAsk();
  }
}

function tooMuchWaits(limitOf: Full): RepriseError {
  const whose = limitOf === "tenant" ? "of this tenant" : "of all tenants together";
  return new RepriseError("RATE_LIMITED", `Bodies ${whose} with ${waitingBytes} bytes are waiting already.`, { retryAfterMs: 1000, fields: { limitOf } });
}

/** Counts a server's requests from `beginBody` or `beginRead` until they are answered. */
export function countUnderWay(app: FastifyInstance): void {
  const waitingRoom = new SharedRoom({ count: Number.POSITIVE_INFINITY, bytes: waitingBytes });
  app.decorate("underWay", { bodies: new UnderWay(roomBytes, waitingRoom), reads: new UnderWay(reads, null) });
  app.decorateRequest("bytesUnderWay", 0);
  app.decorateRequest("isReading", false);
  onEachAnswer(app, (request) => {
    const { isReading, caller, server } = request;
    request.isReading = false;
    endBody(request);
    if (isReading) server.underWay.reads.leave(caller.tenant, 1);
    return null;
  });
}

/** To be awaited before a body is parsed. @returns null: at once. @throws RATE_LIMITED */
export function beginBody(request: FastifyRequest, bytes: number): Promise<void> | null {
  const size = Math.max(leastBytes, bytes);
  const room = request.server.underWay.bodies.enter(request.caller.tenant, size);
  request.bytesUnderWay = size;
  return room;
}

function endBody(request: FastifyRequest): void {
  const { bytesUnderWay, caller, server } = request;
  request.bytesUnderWay = 0;
  if (bytesUnderWay > 0) server.underWay.bodies.leave(caller.tenant, bytesUnderWay);
}

/** To be awaited before a read that may be long. Its body, if it has one, keeps no append waiting meanwhile. @returns null: at once. */
export function beginRead(request: FastifyRequest): Promise<void> | null {
  request.isReading = true;
  endBody(request);
  return request.server.underWay.reads.enter(request.caller.tenant, 1);
}

/** How many of a tenant's requests wait. */
export function waitingUnderWay({ underWay: { bodies, reads } }: FastifyInstance, tenant: string): number {
  return bodies.waitingOf(tenant) + reads.waitingOf(tenant);
}
