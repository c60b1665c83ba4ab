/** The sockets that posts go out by. */
import { createRequire } from "node:module";
import type { Dispatcher } from "undici";

let undici: typeof import("undici") | null = null;

/** Loaded by the first webhook: its hundred modules are a tenth of a start, and most handlers are functions. */
const loadUndici = () => (undici ??= createRequire(import.meta.url)("undici") as typeof import("undici"));

/** For a host that does not answer at all: a handler's time-out may be minutes. */
const connectTimeoutMs = 10_000;

/**
 * Sockets to one host. Without deadlines of their own, since each call has one. HTTP/1.1 only: each call has a socket to itself, so to destroy it ends that call
 * and no other.
 */
export function makePool(origin: string, connections: number | null = null): Dispatcher {
  const { Pool } = loadUndici();
  return new Pool(origin, { connections, connect: { timeout: connectTimeoutMs }, headersTimeout: 0, bodyTimeout: 0, allowH2: false });
}
