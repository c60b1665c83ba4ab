import type { IncomingHttpHeaders } from "node:http";
import { RepriseError } from "../errors.ts";

/** True for a name or address that only this machine can mean: `localhost`, `127.0.0.0/8`, `::1` (with or without brackets). */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|::1)$/i.test(host);
}

/** Of the last request that was admitted: nearly all come with the same, and need not be looked at again. */
const admitted = { address: "", host: "" };

const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/**
 * Without keys the loopback interface is the only fence, and a web page in a browser on this machine is inside it. Two headers reveal
 * such a page: `Origin` (a request from another site) and `Host` (a foreign name that was made to resolve to 127.0.0.1). A page of another port
 * of this machine is another site, too. It may send a GET, because its browser hides the answer from it, but it must not act.
 *
 * @throws HOST_MISSING, ORIGIN_REFUSED
 */
export function refuseForeign(method: string, headers: IncomingHttpHeaders, remoteAddress: string | undefined): void {
  const { host, origin } = headers;
  // A server of our own listens on the loopback interface only. One of somebody else's may listen anywhere. A Unix socket has no address.
  if (remoteAddress !== undefined && remoteAddress !== admitted.address) {
    if (!isLoopback(remoteAddress.replace(/^::ffff:/, "")))
      throw new RepriseError("ORIGIN_REFUSED", "The request comes from another machine, and this service has no API keys.");
    admitted.address = remoteAddress;
  }
  if (host === undefined || host === "") throw new RepriseError("HOST_MISSING", "The request has no Host header.");
  if (host !== admitted.host) {
    if (!isLoopback(host.replace(/:\d*$/, ""))) throw new RepriseError("ORIGIN_REFUSED", "The Host header does not name this machine's loopback address.");
    admitted.host = host;
  }
  if (origin === undefined) return;
  if (!isLoopbackOrigin(origin)) throw new RepriseError("ORIGIN_REFUSED", "The Origin header names another site.");
  if (!safeMethods.has(method) && !isSame(origin, host))
    throw new RepriseError("ORIGIN_REFUSED", "The Origin header names another host or port than the one that the request was sent to.");
}

/** One scheme's standard port, left out or written, is one port. */
function isSame(origin: string, host: string): boolean {
  const { protocol, host: ofPage, origin: whole } = new URL(origin);
  return whole === origin.toLowerCase() && URL.parse(`${protocol}//${host}`)?.host === ofPage;
}

function isLoopbackOrigin(origin: string): boolean {
  const url = URL.parse(origin);
  return url !== null && (url.protocol === "http:" || url.protocol === "https:") && isLoopback(url.hostname);
}
