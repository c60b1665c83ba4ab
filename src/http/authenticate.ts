/** Finds the caller of a request by its key, which is checked before anything else of the request. */
import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Key, Keys } from "../access/keys.ts";
import { type Access, mayDo, type Role, requiredRole } from "../access/roles.ts";
import { RepriseError } from "../errors.ts";
import { defaultTenant, everyTenant, isTenant } from "../event/names.ts";
import { workOf } from "../event/turns.ts";
import { type Caller, callerOf } from "../store/caller.ts";
import { mustBeOwnPage, tokenOf } from "./console/session-cookie.ts";
import type { Sessions } from "./console/sessions.ts";
import { takeTurn } from "./fair-start.ts";
import { onEachRequest } from "./hooks.ts";
import { refuseForeign } from "./loopback.ts";

/** A caller over HTTP. Without keys, everybody on this machine is an administrator of everything. */
export interface RequestCaller extends Caller {
  readonly role: Role;
  /** Null where the service works without keys. */
  readonly key: Key | null;
  /** Whether the caller may do what concerns all tenants. */
  readonly ofAllTenants: boolean;
}

declare module "fastify" {
  interface FastifyRequest {
    caller: RequestCaller;
  }
  interface FastifyContextConfig {
    /** The right that a role needs for this route. A route without one is for administrators only. */
    access?: Access;
    /** The act touches every tenant. */
    ofAllTenants?: boolean;
    /** It may be asked of all tenants at once: `?tenant=*`. The caller's tenant is `*` then. */
    acrossTenants?: boolean;
  }
}

const nobody: RequestCaller = { ...callerOf(), role: "admin", key: null, ofAllTenants: true };

/** Adds the check to a server. Without keys the loopback address is the only fence. @param sessions of the console, where there are keys. */
export function checkCallers(app: FastifyInstance, keys: Keys | null, sessions: Sessions | null): void {
  app.decorateRequest("caller", null as unknown as RequestCaller);
  onEachRequest(app, (request, reply) => (keys === null ? admitNeighbour(request) : admit(keys, sessions, request, reply)));
  app.addHook("onRequest", (request, _reply, done) => workOf(request.caller.tenant, done));
}

/** Without keys. @returns resolves when its turn has come; null: at once. */
function admitNeighbour(request: FastifyRequest): Promise<void> | null {
  const { config } = request.routeOptions;
  refuseForeign(request.method, request.headers, request.socket.remoteAddress);
  const tenant = tenantOf(everyTenant, takeTenant(request), config);
  request.caller = { ...nobody, tenant };
  return config.access === "public" ? null : takeTurn(request, tenant);
}

/** The same with keys. */
function admit(keys: Keys, sessions: Sessions | null, request: FastifyRequest, reply: FastifyReply): Promise<void> | null {
  const tenantAsked = takeTenant(request);
  if (request.routeOptions.config.access === "public" && !request.is404) {
    request.caller = { ...nobody, ofAllTenants: false };
    return null;
  }
  const key = keyOf(keys, sessions, request, reply);
  const begin = () => {
    grant(key, reply);
    request.caller = callerWith(key, tenantAsked, request);
  };
  const turn = takeTurn(request, key.tenant); // also what is refused then
  if (turn !== null) return turn.then(begin);
  begin();
  return null;
}

/** @throws ROLE_REQUIRED, TENANT_REQUIRED, and what `tenantOf` throws. */
function callerWith(key: Key, tenantAsked: unknown, request: FastifyRequest): RequestCaller {
  const { config } = request.routeOptions;
  const { access = "admin", ofAllTenants = false } = config;
  const caller: RequestCaller = {
    tenant: tenantOf(key.tenant, tenantAsked, config),
    actor: key.name,
    role: key.role,
    key,
    ofAllTenants: key.tenant === everyTenant,
  };
  if (request.is404) return caller;
  if (!mayDo(key.role, access)) {
    const required = requiredRole(access as Exclude<Access, "public">);
    throw new RepriseError("ROLE_REQUIRED", `The key ${key.id} has the role ${key.role}; this takes ${required}.`, { fields: { required } });
  }
  if (ofAllTenants && !caller.ofAllTenants) throw new RepriseError("TENANT_REQUIRED", `The key ${key.id} belongs to one tenant, and this touches all of them.`);
  return caller;
}

/** A request that names a key is judged by that alone; one that names none may come from the console's page. */
function keyOf(keys: Keys, sessions: Sessions | null, request: FastifyRequest, reply: FastifyReply): Key {
  const token = sessions === null || request.headers.authorization !== undefined ? undefined : tokenOf(request);
  if (token !== undefined) mustBeOwnPage(request);
  try {
    if (token !== undefined) return sessions!.find(token);
    return keys.authenticate(request.headers.authorization, request.raw.socket);
  } catch (error) {
    reply.header("www-authenticate", 'Bearer realm="reprise"');
    throw error;
  }
}

/** Takes one request from the key's allowance, and tells how much is left (draft-ietf-httpapi-ratelimit-headers). */
function grant({ id, take, limit, policy }: Key, reply: FastifyReply): void {
  const { ok, remaining, retryAfterMs, resetMs } = take();
  reply.header("ratelimit-policy", policy);
  reply.header("ratelimit", `"key";r=${remaining};t=${Math.ceil((ok ? resetMs : retryAfterMs) / 1000)}`);
  if (!ok)
    throw new RepriseError("RATE_LIMITED", `The key ${id} may ask ${limit.per_second} times a second, and ${limit.burst} times at once.`, { retryAfterMs });
}

/** The query's `tenant` is no member of any shape, because the tenant belongs to the caller, not to the route. */
function takeTenant(request: FastifyRequest): unknown {
  const query = request.query as Record<string, unknown>;
  const { tenant } = query;
  // Not for each request: an object that has lost a member is slow in all that follows.
  if (tenant !== undefined || "tenant" in query) delete query.tenant;
  return tenant;
}

/**
 * A caller of one tenant may name only that tenant. For the caller, other tenants' data does not exist.
 *
 * @throws NOT_FOUND, REQUEST_INVALID, TENANT_REQUIRED
 */
function tenantOf(own: string, asked: unknown, { access, acrossTenants = false }: FastifyContextConfig): string {
  const ofAll = own === everyTenant;
  if (asked === undefined || access === "public") return ofAll ? defaultTenant : own;
  if (asked === everyTenant && acrossTenants) {
    if (!ofAll) throw new RepriseError("TENANT_REQUIRED", "The key belongs to one tenant, and this asks for all of them.");
    return everyTenant;
  }
  if (typeof asked !== "string" || !isTenant(asked)) throw notOneTenant(acrossTenants);
  if (!ofAll && asked !== own) throw new RepriseError("NOT_FOUND", "There is no such tenant.");
  return asked;
}

function notOneTenant(acrossTenants: boolean): RepriseError {
  return new RepriseError("REQUEST_INVALID", "The query names no tenant that this can be asked of.", {
    errors: [{ pointer: "?tenant", detail: `must be one tenant's name${acrossTenants ? " or *" : ""}, given once` }],
  });
}

interface Sourced {
  readonly source?: string | null | undefined;
}

/**
 * Lets a key with sources append only under these. Each event names its source, and the last agent of a call chain is checked to be that source.
 *
 * @throws SOURCE_REFUSED
 */
export function mustBeOwnSource({ key }: RequestCaller, appended: Sourced | readonly Sourced[]): void {
  const sources = key?.sources ?? null;
  if (sources === null) return;
  const events = [appended].flat();
  const index = events.findIndex(({ source }) => source === null || source === undefined || !sources.has(source));
  if (index === -1) return;
  const named = [...sources].join(", ");
  const what = events[index]!.source ? "another source" : "none";
  throw new RepriseError("SOURCE_REFUSED", `The key ${key!.id} appends as ${named} only, and event ${index} of the request names ${what}.`, {
    fields: { sources: [...sources] },
  });
}
