/**
 * The client in use: the last result of its reads and of its writes, and its replacement when it no longer works. The client repairs a broken channel by
 * itself, but two faults stay. It keeps a rejected promise of the server's capabilities, with which each append fails for ever; and it notices a frozen node
 * only after twenty seconds. So when calls fail or get no answer, new clients are tried until one works, or until the old one works again. The old one is
 * given up only for one that works, so a slow server loses nothing.
 */
import { ErrorType } from "@eventstore/db-client";
import type { Clock } from "../../event/clock.ts";
import { makeClients } from "./clients.ts";
import type { Connected } from "./connect.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import { makeQuiet } from "./quiet.ts";
import { makeRecovery } from "./recovery.ts";
import { isServerError, mayPass } from "./server-error.ts";

export type CallKind = "read" | "write";

export interface Connection {
  /** The client for one call. The next call asks again, because it may be another client by then. */
  readonly current: Pick<Connected, "append" | "read">;
  /** A call begins; it ends with one of the next three methods. Returns the client's number. */
  sent(): number;
  /** The server has answered, whatever it was. */
  answered(kind: CallKind): void;
  /** @param by number of the client that sent it, because the failures of a client that was given up say nothing about the next one. */
  failed(kind: CallKind, error: unknown, by: number): void;
  /** False once the client of that number was given up. */
  isCurrent(by: number): boolean;
  /** Nobody waits for the answer any more. */
  left(): void;
  /** Something of a longer answer has arrived. */
  heard(): void;
  /** A caller was told that the server does not work. This counts until a call of this kind is answered. */
  told(kind: CallKind, message: string): void;
  /** Null while the last call of this kind was answered. */
  trouble(kind: CallKind): string | null;
  /** Monotonic time of the server's last sign of life. */
  readonly heardMs: number;
  dispose(): Promise<void>;
}

export interface ConnectionOptions {
  /** @param number counts the clients that were made. */
  readonly connect: (number: number) => Connected;
  readonly clock: Clock;
  readonly closing: AbortSignal;
  readonly limits: ConnectionLimits;
}

export function makeConnection({ connect, clock, closing, limits }: ConnectionOptions): Connection {
  const troubles: Record<CallKind, string | null> = { read: null, write: null };
  /** Calls of this kind have failed with this client, and none was answered since. */
  const suspect: Record<CallKind, boolean> = { read: false, write: false };
  const clients = makeClients(connect);
  const quiet = makeQuiet(clock, limits.stallMs, closing, () => {
    troubles.read ??= `The server has not answered for ${limits.stallMs / 1000} s.`;
    recovery.begin();
  });
  const recovery = makeRecovery({
    clients,
    clock,
    closing,
    limits,
    isSpoilt: () => suspect.read || suspect.write || quiet.isStalled(),
    onReplaced() {
      suspect.read = false;
      suspect.write = false;
      troubles.read = null; // the new client has just read
      quiet.heard();
    },
  });

  return {
    get current() {
      return clients.current;
    },
    sent() {
      quiet.began();
      return clients.number;
    },
    answered(kind) {
      quiet.ended();
      quiet.heard();
      suspect[kind] = false;
      troubles[kind] = null;
      recovery.answered();
    },
    failed(kind, error, by) {
      quiet.ended();
      if (by !== clients.number) return;
      // The client finds the leader by itself. A server that was too slow is still there.
      if (isServerError(error, ErrorType.NOT_LEADER, ErrorType.TIMEOUT)) quiet.heard();
      else if (mayPass(error)) {
        suspect[kind] = true;
        recovery.begin();
      }
    },
    isCurrent: (by) => by === clients.number,
    left: () => quiet.ended(),
    heard: () => quiet.heard(),
    told(kind, message) {
      troubles[kind] = message;
    },
    trouble: (kind) => troubles[kind],
    get heardMs() {
      return quiet.heardMs;
    },
    async dispose() {
      quiet.stop();
      await clients.dispose(recovery.underWay);
    },
  };
}
