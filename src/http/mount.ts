/** Where the HTTP side stands in a server that is not its own. Routes know nothing of it; what names a place to a client does. */
import type { IncomingMessage } from "node:http";
import type { FastifyRequest } from "fastify";

const mounts = new WeakMap<IncomingMessage, string>();

/** A framework that takes the front of a path off keeps the whole path here. */
type HostRequest = IncomingMessage & { originalUrl?: string };

/**
 * Takes the prefix off a request's path, where its server has not done that already.
 *
 * @returns false for a request that is not under the prefix.
 */
export function mount(request: HostRequest, prefix: string): boolean {
  const { url = "/", originalUrl = url } = request;
  const taken = takenOff(originalUrl, url);
  const rest = prefix === "" ? undefined : under(url, prefix);
  if (rest === undefined && !taken.endsWith(prefix)) return false;
  mounts.set(request, rest === undefined ? taken : `${taken}${prefix}`);
  if (rest === undefined) return true;
  request.originalUrl = originalUrl;
  request.url = rest;
  return true;
}

/** The front of the path as the client knows it, before the path that the routes know; "" in a server of our own. */
export function mountOf(request: FastifyRequest): string {
  return mounts.get(request.raw) ?? "";
}

/** `/desk/events` without `/desk`; undefined for a path that is not under the prefix. */
function under(url: string, prefix: string): string | undefined {
  const rest = url.slice(prefix.length);
  if (!url.startsWith(prefix) || !/^(?:[/?]|$)/.test(rest)) return undefined;
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** What stands before `url` in the whole path. A `/` alone may be put there by who took the rest off. */
function takenOff(whole: string, url: string): string {
  const end = whole.endsWith(url) ? url : url.slice(1);
  return whole.endsWith(end) ? whole.slice(0, whole.length - end.length) : "";
}
