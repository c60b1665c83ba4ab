/** The changes that the commands of `keys` make to the key file. Each reads the file, writes a new one beside it and puts that in its place, under a lock. */
import { chmodSync, chownSync, realpathSync, rmSync, type Stats, statSync } from "node:fs";
import { RepriseError } from "../errors.ts";
import { toIso } from "../event/clock.ts";
import { replaceFile } from "../log/durable-files.ts";
import { makePrivateFile } from "../log/private-files.ts";
import { lockForEdit } from "./edit-lock.ts";
import { keyFileText, readKeyFile, type StoredKey } from "./key-file.ts";
import { hashOf, keyText, newKeyId, newSecret, type RandomBytes } from "./key-text.ts";
import type { Role } from "./roles.ts";

/** Of the world. */
export interface EditOptions {
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly random: RandomBytes;
}

export interface NewKey {
  readonly name: string;
  readonly tenant: string;
  readonly role: Role;
  readonly expiresAtMs: number | null;
  readonly limit: { readonly per_second: number; readonly burst: number } | null;
  readonly sources: readonly string[] | null;
}

/** @returns the text of the key, which is kept nowhere. @throws CONFIG_INVALID, also for a name that a key in force has: records name keys by their names. */
export function createKey(
  options: EditOptions,
  { name, tenant, role, expiresAtMs, limit, sources }: NewKey,
): { readonly key: StoredKey; readonly text: string } {
  return edit(options, (keys) => {
    if (keys.some((key) => key.name === name && isInForce(key, options.nowMs)))
      throw refuse(`There is a key in force with the name ${JSON.stringify(name)}: choose another name, or revoke that one. Records name keys by their names.`);
    const ids = new Set(keys.map(({ id }) => id));
    let id = newKeyId(options.random);
    while (ids.has(id)) id = newKeyId(options.random);
    const secret = newSecret(options.random);
    const key: StoredKey = {
      id,
      name,
      tenant,
      role,
      secret_sha256: hashOf(secret),
      previous_secret_sha256: null,
      created_at: toIso(options.nowMs),
      expires_at: expiresAtMs === null ? null : toIso(expiresAtMs),
      revoked_at: null,
      limit,
      ...(sources === null ? {} : { sources: [...sources] }),
    };
    return { keys: [...keys, key], result: { key, text: keyText({ id, secret }) } };
  });
}

/** Makes a new secret; the old one is valid until `finishRotation`. @throws CONFIG_INVALID while a rotation is open: a third secret would end the first. */
export function rotateKey(options: EditOptions, id: string): { readonly key: StoredKey; readonly text: string } {
  return change(options, id, (key) => {
    if (key.previous_secret_sha256 !== null)
      throw refuse(`The key ${id} is being rotated: once nobody uses its old secret, run \`reprise keys rotate --finish ${id}\`, then rotate again.`);
    const secret = newSecret(options.random);
    const rotated = { ...key, secret_sha256: hashOf(secret), previous_secret_sha256: key.secret_sha256 };
    return { key: rotated, result: { key: rotated, text: keyText({ id, secret }) } };
  });
}

/** Ends the secret from before the last rotation. */
export function finishRotation(options: EditOptions, id: string): StoredKey {
  return change(options, id, (key) => {
    if (key.previous_secret_sha256 === null) throw refuse(`The key ${id} is not being rotated: it has one secret.`);
    const finished = { ...key, previous_secret_sha256: null };
    return { key: finished, result: finished };
  });
}

/** Ends the key. It stays in the file, so that records that name it can be explained. */
export function revokeKey(options: EditOptions, id: string): StoredKey {
  return change(options, id, (key) => {
    const revoked = { ...key, revoked_at: toIso(options.nowMs) };
    return { key: revoked, result: revoked };
  });
}

export function isInForce({ revoked_at, expires_at }: StoredKey, nowMs: number): boolean {
  return revoked_at === null && (expires_at === null || Date.parse(expires_at) > nowMs);
}

function change<T>(options: EditOptions, id: string, make: (key: StoredKey) => { readonly key: StoredKey; readonly result: T }): T {
  return edit(options, (keys) => {
    const found = keys.find((key) => key.id === id);
    if (found === undefined) throw refuse(`There is no key with the id ${JSON.stringify(id)}: \`reprise keys ls\` shows the ids.`);
    if (found.revoked_at !== null) throw refuse(`The key ${id} was revoked at ${found.revoked_at}: make a new one with \`reprise keys create\`.`);
    const { key, result } = make(found);
    return { keys: keys.map((each) => (each === found ? key : each)), result };
  });
}

function edit<T>({ path }: EditOptions, make: (keys: readonly StoredKey[]) => { readonly keys: readonly StoredKey[]; readonly result: T }): T {
  const target = fileBehind(path);
  const unlock = lockForEdit(`${target}.lock`);
  try {
    if (fileBehind(path) !== target) throw refuse(`Somebody moved the key file ${path} just now: run the command again.`);
    // Looked at under the lock: a file that another process made a moment ago has a key already.
    const before = statSync(target, { throwIfNoEntry: false });
    const { keys, result } = make(before === undefined ? [] : readKeyFile(target));
    const text = keyFileText(keys);
    makeDraft(`${target}.new`, before);
    replaceFile(target, text);
    return result;
  } finally {
    unlock();
  }
}

/** A link stays a link: the service may know the file by either name. */
function fileBehind(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path);
}

/**
 * The file that will take the old one's place: readable for whom the old one was. Else a service of another user would not see the change, and go on with
 * keys that the command says are revoked.
 *
 * @throws CONFIG_INVALID when this user may not make such a file.
 */
function makeDraft(path: string, before: Stats | undefined): void {
  rmSync(path, { force: true });
  makePrivateFile(path);
  if (before === undefined || process.platform === "win32") return;
  const { uid, gid } = statSync(path);
  try {
    if (uid !== before.uid || gid !== before.gid) chownSync(path, before.uid, before.gid);
    chmodSync(path, before.mode & 0o777);
  } catch {
    rmSync(path, { force: true });
    throw refuse(`The key file belongs to the user ${before.uid} and the group ${before.gid}: run the command as that user, or as root.`);
  }
}

function refuse(message: string): RepriseError {
  return new RepriseError("CONFIG_INVALID", message);
}
