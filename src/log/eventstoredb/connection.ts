/**
 * The client in use: what it last came to, for reads and writes apart, and its replacement when it works no more. The client repairs a broken
 * channel by itself, but not everything: it keeps a rejected promise of the server's capabilities, with which each append fails for ever, and a
 * connection to a frozen node is noticed after twenty seconds. So whenever calls fail or stay without an answer, new clients are tried until one
 * works or the old one does again; the old one is given up only for one that works, so a server that is slow loses nothing.
 */
import { BACKWARDS, END, ErrorType, type EventStoreDBClient } from "@eventstore/db-client";
import type { Clock } from "../../event/clock.ts";
import { pause } from "../../event/waits.ts";
import type { Connected } from "./connect.ts";
import { isServerError, mayPass } from "./server-error.ts";
import { repeatDelay, within } from "./waiting.ts";

export type CallKind = "read" | "write";

export interface Connection {
  /** For one call; the next one asks again, as it may be another client by then. */
  readonly client: EventStoreDBClient;
  /** A call begins; it ends with one of the next three. Answers the client's number. */
  sent(): number;
  /** The server has answered, whatever it was. */
  answered(kind: CallKind): void;
  /** @param by number of the client that it was sent by: what one that was given up leaves behind says nothing about the next. */
  failed(kind: CallKind, error: unknown, by: number): void;
  /** False once the client of that number was given up. */
  isCurrent(by: number): boolean;
  /** Nobody waits for the answer any more. */
  left(): void;
  /** Something of a longer answer has arrived. */
  heard(): void;
  /** A caller was told that it does not work: so it stands until such a call is answered. */
  told(kind: CallKind, message: string): void;
  /** Null while the last call of this kind was answered. */
  trouble(kind: CallKind): string | null;
  /** Monotonic; when the server was last heard. */
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

export interface ConnectionLimits {
  /** Calls that wait while nothing at all arrives: after so long other clients are tried. */
  readonly stallMs: number;
  /** How long one that is tried may take to find its node and to read an event. */
  readonly trialMs: number;
  /** Between two trials, and between two replacements: the first wait, doubling to the last. */
  readonly repeatDelayMs: number;
  readonly maxTrialDelayMs: number;
}

export function makeConnection({ connect, clock, closing, limits }: ConnectionOptions): Connection {
  let made = 0;
  let current = connect(made);
  let number = 0;
  const troubles: Record<CallKind, string | null> = { read: null, write: null };
  /** Calls of this kind have failed with this client, and none was answered since. */
  const suspect: Record<CallKind, boolean> = { read: false, write: false };
  let waiting = 0;
  let heardMs = clock.monotonicMs();
  /** Since when somebody waits and nothing arrives. */
  let quietSinceMs = heardMs;
  let timer: { cancel(): void } | null = null;
  let recovering: Promise<void> | null = null;
  /** Replacements since a call was answered. */
  let replaced = 0;
  const retired = new Set<Promise<void>>();

  const isStalled = () => waiting > 0 && clock.monotonicMs() - quietSinceMs >= limits.stallMs;
  const isSpoilt = () => suspect.read || suspect.write || isStalled();

  const heard = () => {
    heardMs = clock.monotonicMs();
    quietSinceMs = heardMs;
  };
  const look = () => {
    timer = null;
    if (waiting === 0 || closing.aborted) return;
    if (isStalled()) {
      troubles.read ??= `The server has not answered for ${limits.stallMs / 1000} s.`;
      recover();
    }
    watch();
  };
  const watch = () => {
    timer ??= clock.after(limits.stallMs / 3, look);
  };
  const retire = (connected: Connected) => {
    const ended = connected.dispose().catch(() => {});
    retired.add(ended);
    void ended.then(() => retired.delete(ended));
  };

  const recover = () => {
    if (recovering !== null || closing.aborted) return;
    recovering = (async () => {
      const delays = { repeatDelayMs: limits.repeatDelayMs, maxRepeatDelayMs: limits.maxTrialDelayMs };
      if (replaced > 0) await pause(repeatDelay(replaced, delays), clock, closing);
      for (let n = 0; !closing.aborted && isSpoilt(); n++) {
        const candidate = connect(++made);
        const works = await isWorking(candidate);
        if (works && isSpoilt() && !closing.aborted) {
          const old = current;
          current = candidate;
          number++;
          suspect.read = false;
          suspect.write = false;
          replaced++;
          troubles.read = null; // it has just read
          heard();
          retire(old); // what waits for it is told, and asks the new one
          return;
        }
        retire(candidate);
        if (!works) await pause(repeatDelay(n, delays), clock, closing);
      }
    })().finally(() => {
      recovering = null;
      if (isSpoilt()) recover();
    });
  };

  /** It has found a node that reads as a leader does, and knows what the server can: nothing in it is spoilt. */
  async function isWorking({ client, capabilities }: Connected): Promise<boolean> {
    const read = async () => {
      for await (const _ of client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1, requiresLeader: true }));
    };
    const tried = read()
      .catch((error: unknown) => {
        if (!isServerError(error, ErrorType.NOT_LEADER)) throw error;
        return read(); // by now it asks the node that the first one has named
      })
      .then(capabilities)
      .then(
        () => true,
        (error: unknown) => !mayPass(error), // refused is answered, too
      );
    return within(tried, limits.trialMs, clock, closing).catch(() => false);
  }

  return {
    get client() {
      return current.client;
    },
    sent() {
      if (waiting++ === 0) quietSinceMs = clock.monotonicMs();
      watch();
      return number;
    },
    answered(kind) {
      waiting--;
      heard();
      suspect[kind] = false;
      troubles[kind] = null;
      replaced = 0;
    },
    failed(kind, error, by) {
      waiting--;
      if (by !== number) return;
      // Who leads, the client finds out by itself; a server that was too slow has answered.
      if (isServerError(error, ErrorType.NOT_LEADER, ErrorType.TIMEOUT)) heard();
      else if (mayPass(error)) {
        suspect[kind] = true;
        recover();
      }
    },
    isCurrent: (by) => by === number,
    left() {
      waiting--;
    },
    heard,
    told(kind, message) {
      troubles[kind] = message;
    },
    trouble: (kind) => troubles[kind],
    get heardMs() {
      return heardMs;
    },
    async dispose() {
      timer?.cancel();
      await Promise.all([current.dispose(), ...retired]);
      await recovering;
      await Promise.all([...retired]);
    },
  };
}
