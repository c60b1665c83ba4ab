/** The sockets that posts go out by. */
import { createRequire } from "node:module";
import type { Agent } from "undici";

/** Loaded by the first webhook: its hundred modules are a tenth of a start, and most handlers are functions. */
export const loadUndici = () => createRequire(import.meta.url)("undici") as typeof import("undici");

/** For a host that does not answer at all: a handler's time-out may be minutes. */
const connectTimeoutMs = 10_000;

/** Without deadlines of its own, since each call has one. HTTP/1.1 only: each call has a socket to itself, so to destroy it ends that call and no other. */
export function makeAgent(connections: number | null = null): Agent {
  const { Agent } = loadUndici();
  return new Agent({ connections, connect: { timeout: connectTimeoutMs }, headersTimeout: 0, bodyTimeout: 0, allowH2: false });
}
