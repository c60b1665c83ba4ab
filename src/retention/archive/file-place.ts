import { hash } from "node:crypto";
import { opendirSync } from "node:fs";
import { link, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { RepriseError } from "../../errors.ts";
import { messageOf } from "../../event/thrown.ts";
import { syncBeside } from "../../log/durable-files.ts";
import { makePrivateFile, makePrivateFolder } from "../../log/private-files.ts";
import type { ArchivePlace, ByteRange, Found } from "./archive-place.ts";

const fileMode = 0o600;
/** Drafts are written beside the file that they become, and a run that is killed leaves one. No name of ours ends so. */
const draftSuffix = ".draft";

/** Archives in a folder. Only this user may read it, because it holds payloads. */
export function openFilePlace(root: string): ArchivePlace {
  const pathOf = (name: string): string => join(root, ...name.split("/"));
  const read = (name: string, range?: ByteRange): Promise<Found | null> => trying(root, `${name} cannot be read`, () => readFileAt(pathOf(name), range));
  const write = <T>(name: string, body: Uint8Array, place: (draft: string, path: string) => Promise<T>): Promise<T> =>
    trying(root, `${name} cannot be written`, () => writeFileAt(pathOf(name), body, place));
  return {
    ...{ url: `file:${root}`, read },
    create: (name, body) => write(name, body, linkDraft),
    async replace(name, body, seen) {
      const now = seen === undefined ? undefined : ((await read(name))?.tag ?? null);
      if (now !== seen) throw new RepriseError("ARCHIVE_UNAVAILABLE", `file:${root}: ${name} was changed by another process just now.`);
      await write(name, body, rename);
    },
    async *list(prefix) {
      for (const name of await trying(root, `${prefix} cannot be listed`, () => namesBelow(pathOf(prefix)))) yield prefix + name;
    },
    hold: (folder) => trying(root, "another process writes this archive, or its lock cannot be had", () => lockFolder(pathOf(folder))),
    close: async () => {},
  };
}

async function trying<T>(root: string, what: string, act: () => Promise<T> | T): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    throw new RepriseError("ARCHIVE_UNAVAILABLE", `file:${root}: ${what}: ${messageOf(cause)}.`, { cause });
  }
}

/** Writes a file that is whole, or not there. @param place gives the draft its name. */
async function writeFileAt<T>(path: string, body: Uint8Array, place: (draft: string, path: string) => Promise<T>): Promise<T> {
  const draft = path + draftSuffix;
  makePrivateFolder(dirname(path));
  try {
    const file = await open(draft, "w", fileMode);
    try {
      await file.chmod(fileMode); // whatever the umask
      await file.writeFile(body);
      await file.sync();
    } finally {
      await file.close();
    }
    return await place(draft, path);
  } finally {
    await rm(draft, { force: true });
    await syncBeside(dirname(path), "r");
  }
}

/** Unlike a rename, a link does not replace. */
async function linkDraft(draft: string, path: string): Promise<"written" | "exists"> {
  try {
    await link(draft, path);
    return "written";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return "exists";
    throw error;
  }
}

async function readFileAt(path: string, range?: ByteRange): Promise<Found | null> {
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
    throw error;
  });
  if (file === null) return null;
  try {
    if (range === undefined) return found(await file.readFile());
    const bytes = Buffer.alloc(range.to - range.from);
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await file.read(bytes, done, bytes.length - done, range.from + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return found(bytes.subarray(0, done));
  } finally {
    await file.close();
  }
}

/** Until it is given back, or the process ends: also SIGKILL frees an SQLite lock. */
function lockFolder(folder: string): () => void {
  makePrivateFolder(folder);
  const path = join(folder, "lock.db");
  makePrivateFile(path);
  const lock = new DatabaseSync(path, { timeout: 0 });
  try {
    lock.exec("pragma locking_mode = exclusive; begin exclusive");
  } catch (error) {
    lock.close();
    throw error;
  }
  return () => lock.close();
}

/** The tag is what is in it: a file has no other that every file system keeps exactly. It is asked for of small files only. */
function found(body: Uint8Array): Found {
  return {
    body,
    get tag() {
      return hash("sha256", body, "hex");
    },
  };
}

/** Names of the files in one folder. */
function namesBelow(folder: string): readonly string[] {
  try {
    const entries = opendirSync(folder);
    try {
      const names: string[] = [];
      for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) names.push(entry.name);
      return names.filter((name) => !name.endsWith(draftSuffix));
    } finally {
      entries.closeSync();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
