/** The cookie of the console's session, and the proof that a request which acts with it comes from the console's own page. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { RepriseError } from "../../errors.ts";
import { mountOf } from "../mount.ts";

const name = "reprise_session";

/** The token that a request brings; undefined when it brings none. */
export function tokenOf({ headers }: FastifyRequest): string | undefined {
  return new RegExp(`(?:^|;)\\s*${name}=([\\w-]{1,128})\\s*(?:;|$)`).exec(headers.cookie ?? "")?.[1];
}

/** Ends with the browser's own session. Over TLS it is sent over TLS only. */
export function setToken(request: FastifyRequest, reply: FastifyReply, token: string): void {
  reply.header("set-cookie", [`${name}=${token}`, ...attributesOf(request)].join("; "));
}

export function clearToken(request: FastifyRequest, reply: FastifyReply): void {
  reply.header("set-cookie", [`${name}=`, "Max-Age=0", ...attributesOf(request)].join("; "));
}

function attributesOf(request: FastifyRequest): readonly string[] {
  return [`Path=${mountOf(request) || "/"}`, "HttpOnly", "SameSite=Strict", ...(request.protocol === "https" ? ["Secure"] : [])];
}

/**
 * A browser adds its cookie to whatever a page sends; this header, which no page can set, says whose page it was.
 *
 * @throws ORIGIN_REFUSED
 */
export function mustBeOwnPage({ method, headers }: FastifyRequest): void {
  if (method === "GET" || method === "HEAD" || headers["sec-fetch-site"] === "same-origin") return;
  throw new RepriseError("ORIGIN_REFUSED", "A session acts only for the console's own page: the request has no `Sec-Fetch-Site: same-origin`.");
}

/** What comes from a page at all comes from our own. @throws ORIGIN_REFUSED */
export function mustNotBeForeign(request: FastifyRequest): void {
  if (request.headers["sec-fetch-site"] !== undefined) mustBeOwnPage(request);
}
