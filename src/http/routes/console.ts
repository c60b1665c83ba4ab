/** The console: its page, which holds nothing of the service's, and its session. All else it asks of the other routes. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { RepriseError } from "../../errors.ts";
import { build } from "../../event/build.ts";
import { defaultTenant, everyTenant } from "../../event/names.ts";
import type { RequestCaller } from "../authenticate.ts";
import { consoleFiles, encodingFor } from "../console/files.ts";
import { clearToken, mustBeOwnPage, mustNotBeForeign, setToken, tokenOf } from "../console/session-cookie.ts";
import { bodyOf, parse, parseGet, parseQuery } from "../parse.ts";
import { configOf, makeRoutes } from "../route.ts";
import { type SessionReply, sessionEndedReply, sessionEndRequest, sessionReply, sessionRequest } from "../wire/console.ts";
import { afterQuery, noQuery } from "../wire/members.ts";
import type { RouteOptions } from "./options.ts";

/** The page asks this service only, runs its own script only, and stands in no other page. */
const policy = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"],
  ...["base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"],
].join("; ");

const folders = [
  { folder: "scripts", mediaType: "text/javascript", summary: "What the console does." },
  { folder: "styles", mediaType: "text/css", summary: "How the console looks." },
  { folder: "images", mediaType: "image/svg+xml", summary: "The console's icon." },
] as const;

export async function consoleRoutes(app: FastifyInstance, options: RouteOptions): Promise<void> {
  fileRoutes(app, options);
  sessionRoutes(app, options);
}

function fileRoutes(app: FastifyInstance, { store }: RouteOptions): void {
  // Public, since a browser sends no key with an address.
  app.get("/console", describedAs("The console: a page on this very interface.", "text/html"), async (request, reply) => {
    await parseGet(afterQuery, request, store.views);
    reply.header("content-security-policy", policy).header("referrer-policy", "no-referrer").header("cross-origin-opener-policy", "same-origin");
    reply.header("x-frame-options", "DENY").header("cache-control", "no-cache").type("text/html; charset=utf-8");
    return send("index.html", request, reply);
  });

  for (const { folder, mediaType, summary } of folders)
    app.get<{ Params: { file: string } }>(`/console/${folder}/:file`, describedAs(summary, mediaType), async (request, reply) => {
      await parseGet(afterQuery, request, store.views);
      const sent = await send(`${folder}/${request.params.file}`, request, reply);
      // Its name changes with its content.
      reply.header("cache-control", "public, max-age=31536000, immutable").type(`${mediaType}; charset=utf-8`);
      return sent;
    });
}

function describedAs(summary: string, mediaType: string) {
  return configOf({ access: "public", summary, query: afterQuery, bodies: null, reply: mediaType, statuses: [200, 304] });
}

/** @throws NOT_FOUND */
async function send(path: string, request: FastifyRequest, reply: FastifyReply): Promise<Buffer | string> {
  const file = (await consoleFiles()).get(path);
  if (file === undefined) throw new RepriseError("NOT_FOUND", "The console has no such file.");
  const encoding = encodingFor(request.headers["accept-encoding"]);
  const etag = file.etags[encoding];
  reply
    .header("vary", "Accept-Encoding")
    .header("etag", etag)
    .header("x-content-type-options", "nosniff")
    .header("cross-origin-resource-policy", "same-origin");
  if (encoding !== "identity") reply.header("content-encoding", encoding);
  const known = (request.headers["if-none-match"] ?? "").split(",").map((each) => each.trim().replace(/^W\//, ""));
  if (!known.includes(etag)) return file.bytes[encoding];
  reply.code(304).removeHeader("content-encoding");
  return "";
}

function sessionRoutes(app: FastifyInstance, { store, sessions }: RouteOptions): void {
  const { get } = makeRoutes(app, store);
  const url = "/console/session";
  const codes = ["KEY_INVALID"] as const;
  get(url, { access: "look", summary: "Says who is logged in to the console.", reply: sessionReply }, async ({ request }) => toSession(request.caller));

  const begin = { access: "public", summary: "Logs in to the console with a key.", query: noQuery, bodies: { "application/json": sessionRequest } } as const;
  app.post(url, configOf({ ...begin, reply: sessionReply, offRecord: true, codes }), async (request, reply): Promise<SessionReply> => {
    mustNotBeForeign(request);
    parseQuery(noQuery, request);
    const { key: given } = parse(sessionRequest, bodyOf(request));
    if (sessions === null) return toSession(request.caller);
    const { token, key } = sessions.begin(`Bearer ${given}`);
    setToken(request, reply, token);
    reply.header("cache-control", "no-store");
    const ofAllTenants = key.tenant === everyTenant;
    return toSession({ key, actor: key.name, role: key.role, tenant: ofAllTenants ? defaultTenant : key.tenant, ofAllTenants });
  });

  const end = { access: "public", summary: "Logs out of the console.", query: noQuery, bodies: { "application/json": sessionEndRequest } } as const;
  app.delete(url, configOf({ ...end, reply: sessionEndedReply, offRecord: true }), async (request, reply) => {
    parseQuery(noQuery, request);
    parse(sessionEndRequest, bodyOf(request));
    const token = tokenOf(request);
    if (token !== undefined) mustBeOwnPage(request);
    if (token !== undefined) sessions?.end(token);
    clearToken(request, reply);
    return { status: "ended" as const };
  });
}

function toSession({ key, actor, role, tenant, ofAllTenants }: Omit<RequestCaller, "once">): SessionReply {
  return { keys: key !== null, actor, role, tenant, of_all_tenants: ofAllTenants, build };
}
