/**
 * Who is logged in to the console of this process. A browser holds a random text that is worth nothing elsewhere and cannot be shown in a key's place; the
 * service holds its hash and what proves that its key is still in force. Nothing is stored: after a restart the page asks for the key again, beside
 * whatever was being typed.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Key, Keys } from "../../access/keys.ts";
import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";

/** A page that is open asks all the time, so this is for one that was closed. */
const idleMs = 3_600_000;
/** A shift; then the key is asked for again. */
const lifeMs = 12 * 3_600_000;
/** When there are more, the one that was not used for longest ends: of the same key, or of all. */
export const maxOfKey = 20;
export const maxSessions = 1000;

interface Session {
  /** The key, if it is in force. */
  readonly ask: () => Key;
  readonly keyId: string;
  readonly endsMs: number;
  usedMs: number;
}

export interface Sessions {
  /** @throws KEY_MISSING, KEY_INVALID */
  begin(authorization: string): { readonly token: string; readonly key: Key };
  /** @throws KEY_INVALID when there is no such session, when its time is over, or when its key is in force no more. */
  find(token: string): Key;
  end(token: string): void;
}

/** @param newToken 256 random bits as text. */
export function makeSessions({ keys, clock, newToken = randomToken }: { keys: Keys; clock: Clock; newToken?: () => string }): Sessions {
  /** By the hash of the token; the one that was used last stands last. */
  const sessions = new Map<string, Session>();
  const isOver = ({ endsMs, usedMs }: Session): boolean => clock.monotonicMs() >= Math.min(endsMs, usedMs + idleMs);

  function makeRoom(keyId: string): void {
    for (const [hash, session] of sessions) if (isOver(session)) sessions.delete(hash);
    const own = [...sessions].filter(([, session]) => session.keyId === keyId);
    if (own.length >= maxOfKey) sessions.delete(own[0]![0]);
    for (const [hash] of sessions) if (sessions.size >= maxSessions) sessions.delete(hash);
  }

  return {
    begin(authorization) {
      const ask = keys.remember(authorization);
      const key = ask();
      makeRoom(key.id);
      const token = newToken();
      const nowMs = clock.monotonicMs();
      sessions.set(hashOf(token), { ask, keyId: key.id, endsMs: nowMs + lifeMs, usedMs: nowMs });
      return { token, key };
    },
    find(token) {
      const hash = hashOf(token);
      const session = sessions.get(hash);
      sessions.delete(hash);
      if (session === undefined || isOver(session)) throw new RepriseError("KEY_INVALID", "The console's session is over: log in again.");
      const key = session.ask();
      session.usedMs = clock.monotonicMs();
      sessions.set(hash, session);
      return key;
    },
    end: (token) => void sessions.delete(hashOf(token)),
  };
}

function randomToken(): string {
  return randomBytes(32).toString("base64url");
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
