import type { IncomingHttpHeaders } from "node:http";
import { RepriseError } from "../errors.ts";

/** True for a name or address that only this machine can mean: `localhost`, `127.0.0.0/8`, `::1` (with or without brackets). */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|::1)$/i.test(host);
}

/**
 * Without keys the loopback interface is the only fence, and a web page in a browser on this machine is inside it. Two headers give a
 * page away: `Origin` (a request from another site) and `Host` (a foreign name that was made to resolve to 127.0.0.1).
 *
 * @throws ORIGIN_REFUSED
 */
export function refuseForeign(headers: IncomingHttpHeaders): void {
  const { host, origin } = headers;
  if (host === undefined || !isLoopback(host.replace(/:\d*$/, "")))
    throw new RepriseError("ORIGIN_REFUSED", "The Host header does not name this machine's loopback address.");
  if (origin !== undefined && !isLoopbackOrigin(origin)) throw new RepriseError("ORIGIN_REFUSED", "The Origin header names another site.");
}

function isLoopbackOrigin(origin: string): boolean {
  const url = URL.parse(origin);
  return url !== null && (url.protocol === "http:" || url.protocol === "https:") && isLoopback(url.hostname);
}
