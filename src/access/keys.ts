/** The keys in force in one service: read from their file, read again within seconds of a change, and asked for each request. */

import { timingSafeEqual } from "node:crypto";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import { followFiles, printOf } from "./followed-file.ts";
import { defaultLimit, readKeyFile, type StoredKey } from "./key-file.ts";
import { hashOf, readKeyText } from "./key-text.ts";
import { type Granted, type Limit, makeRateLimit, type RateLimit } from "./rate-limit.ts";
import type { Role } from "./roles.ts";

/** The file is looked at so often; the promise is that a change counts within 5 s. */
const lookEveryMs = 2000;

/** A key in force, as requests know it. */
export interface Key {
  readonly id: string;
  readonly name: string;
  /** `*`: all tenants. */
  readonly tenant: string;
  readonly role: Role;
  /** Sources under which the key may append events; null: any. */
  readonly sources: ReadonlySet<string> | null;
  readonly limit: Limit;
  /** The limit as the `RateLimit-Policy` header tells it. */
  readonly policy: string;
  /** Takes one request from the key's allowance. */
  take(): Granted;
}

export interface Keys {
  /**
   * The key of an `Authorization` header.
   *
   * @param connection on which it came. What a connection has proven is not proven again while it sends the same and the file stays as it is.
   * @throws KEY_MISSING when there is none; KEY_INVALID for one that is unknown, mistyped, revoked or expired, in the same words.
   */
  authenticate(authorization: string | undefined, connection?: object): Key;
  /**
   * Proves a key once, and asks later whether it is still in force: not revoked, not expired, its secret not replaced. What is remembered is no key.
   *
   * @throws KEY_MISSING, KEY_INVALID; what it returns throws KEY_INVALID.
   */
  remember(authorization: string | undefined): () => Key;
  /** The fault of the file as it is now, for /readyz; null: none. The keys that it held before stay in force. */
  warning(): string | null;
  close(): void;
}

export interface KeysOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Called when the file was read again, and when it could not be read: once for each change of the file. */
  readonly onRead?: (count: number) => void;
  readonly onTrouble?: (error: RepriseError) => void;
}

/** What a connection sent last, and the key that it proved. */
interface Proven {
  readonly authorization: string;
  readonly found: Held;
}

interface Held {
  readonly key: Key;
  readonly hashes: readonly Buffer[];
  readonly expiresMs: number;
}

/** @throws CONFIG_INVALID when the file cannot be used: a service does not start with keys that it does not know. */
export function openKeys({ path, clock, onRead = () => {}, onTrouble = () => {} }: KeysOptions): Keys {
  const print = printOf([path]);
  let held = inForce(readKeyFile(path), new Map(), clock);
  const read = (): void => {
    held = inForce(readKeyFile(path), held, clock);
    onRead(held.size);
  };
  const following = followFiles({ paths: [path], print, everyMs: lookEveryMs, clock, read, onTrouble });

  const proven = new WeakMap<object, Proven>();

  return {
    authenticate(authorization, connection) {
      if (authorization === undefined || authorization === "") throw new RepriseError("KEY_MISSING", "The request has no Authorization header.");
      const before = connection && proven.get(connection);
      if (
        before !== undefined &&
        isSame(before.authorization, authorization) &&
        held.get(before.found.key.id) === before.found &&
        before.found.expiresMs > clock.now()
      )
        return before.found.key;
      const found = prove(authorization).found;
      if (connection !== undefined) proven.set(connection, { authorization, found });
      return found.key;
    },
    remember(authorization) {
      if (authorization === undefined || authorization === "") throw new RepriseError("KEY_MISSING", "The request names no key.");
      const { found, hash } = prove(authorization);
      const { id } = found.key;
      return () => {
        const now = held.get(id);
        // Hashes are no secret, so their comparison may take the time that it takes.
        if (now === undefined || now.expiresMs <= clock.now() || !now.hashes.some((each) => each.equals(hash))) throw invalidKey();
        return now.key;
      };
    },
    warning() {
      const trouble = following.trouble();
      return trouble === null ? null : `${trouble.message} The keys from before stay in force.`;
    },
    close: following.close,
  };

  function prove(authorization: string): { readonly found: Held; readonly hash: Buffer } {
    const text = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    const parts = text === undefined ? null : readKeyText(text);
    const found = parts === null ? undefined : held.get(parts.id);
    if (parts === null || found === undefined) throw invalidKey();
    const given = Buffer.from(hashOf(parts.secret), "hex");
    // Every hash is compared, so that the time of the answer reveals nothing.
    const matches = found.hashes.map((hash) => timingSafeEqual(hash, given)).some(Boolean);
    if (!matches || found.expiresMs <= clock.now()) throw invalidKey();
    return { found, hash: given };
  }
}

/** Revoked keys are left out. A key whose limit did not change keeps its bucket, so that a change of the file fills none. */
function inForce(keys: readonly StoredKey[], before: ReadonlyMap<string, Held>, clock: Clock): ReadonlyMap<string, Held> {
  const held = new Map<string, Held>();
  for (const stored of keys) {
    if (stored.revoked_at !== null) continue;
    const limit = stored.limit ?? defaultLimit;
    const old = before.get(stored.id)?.key;
    const kept = old !== undefined && old.limit.per_second === limit.per_second && old.limit.burst === limit.burst ? old.take : undefined;
    held.set(stored.id, {
      key: {
        id: stored.id,
        name: stored.name,
        tenant: stored.tenant,
        role: stored.role,
        sources: stored.sources ? new Set(stored.sources) : null,
        limit,
        policy: `"key";q=${limit.burst};w=${Math.max(1, Math.ceil(limit.burst / limit.per_second))}`,
        take: kept ?? taker(makeRateLimit(limit, clock.monotonicMs()), clock),
      },
      hashes: [stored.secret_sha256, stored.previous_secret_sha256].filter((hash) => hash !== null).map((hash) => Buffer.from(hash, "hex")),
      expiresMs: stored.expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(stored.expires_at),
    });
  }
  return held;
}

/**
 * Compares every character, wherever they differ first: callers with different keys may share one connection of a proxy. Each request comes here, and copying
 * both into buffers for `timingSafeEqual` takes several times as long.
 */
function isSame(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}

function taker(bucket: RateLimit, clock: Clock): () => Granted {
  return () => bucket.take(clock.monotonicMs());
}

function invalidKey(): RepriseError {
  return new RepriseError("KEY_INVALID", "The key is not one that is in force here.");
}
