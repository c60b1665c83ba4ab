/** The disk under a folder: whether it takes files, whether a sync reaches it, and how much room is left. */
import { randomUUID } from "node:crypto";
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../event/thrown.ts";
import { type Checked, failed, ok, warning } from "./finding.ts";

/** A disk that holds what it says it has written takes longer: the fastest ones with a capacitor need about 20 µs. */
const leastSyncMs = 0.01;
const slowSyncMs = 50;
const syncTries = 5;
const tmpfsType = 0x01021994;
const leastFreeBytes = 256 * 1024 ** 2;
const fewFreeBytes = 2 * 1024 ** 3;

export function checkDisk(folder: string, nowMs: () => number): readonly Checked[] {
  return [...checkSync(folder, nowMs), checkRoom(folder)];
}

function checkSync(folder: string, nowMs: () => number): readonly Checked[] {
  const path = join(folder, `.doctor-${randomUUID()}`);
  let file: number;
  try {
    file = openSync(path, "wx", 0o600);
  } catch (error) {
    return [judgeFailure("writable", folder, error)];
  }
  try {
    const times = Array.from({ length: syncTries }, (_, index) => {
      writeSync(file, Buffer.alloc(4096, index));
      const startMs = nowMs();
      fsyncSync(file);
      return nowMs() - startMs;
    }).sort((a, b) => a - b);
    return [ok("writable", `${folder} takes files.`), judgeSync(times[syncTries >> 1]!, folder)];
  } catch (error) {
    return [judgeFailure("sync", folder, error)];
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
}

/** What a file that could not be made, or written and synced, says of its disk. */
export function judgeFailure(check: "writable" | "sync", folder: string, error: unknown): Checked {
  const detail = check === "writable" ? `No file can be made in ${folder}: ${messageOf(error)}.` : `A sync in ${folder} failed: ${messageOf(error)}.`;
  if (/^(?:ENOSPC|EDQUOT)$/.test(String((error as NodeJS.ErrnoException).code)))
    return failed(check, detail, "Make room: the disk, or this user's part of it, is full.");
  if (check === "writable") return failed(check, detail, "Let the service's user own the folder, and see that its disk is not mounted read-only.");
  return failed(check, detail, "The disk does not keep what is written: look at the kernel's log, and move the folder to another disk.");
}

function judgeSync(medianMs: number, folder: string): Checked {
  const took = `A sync takes ${medianMs < 1 ? `${Math.round(medianMs * 1000)} µs` : `${Math.round(medianMs)} ms`}`;
  if (statfsSync(folder).type === tmpfsType)
    return warning("sync", `${folder} is kept in memory (tmpfs).`, "A restart of the machine loses every event: put the folder on a disk.");
  if (medianMs < leastSyncMs)
    return warning(
      "sync",
      `${took}: no disk is that fast.`,
      "Something between Reprise and the disk answers before the data is safe (a file system or a virtual disk that ignores syncs).",
    );
  if (medianMs > slowSyncMs) return warning("sync", `${took}, and each append waits for one.`, "Use a faster disk, or append several events in one request.");
  return ok("sync", `${took}.`);
}

function checkRoom(folder: string): Checked {
  const { bavail, bsize, blocks } = statfsSync(folder);
  const free = bavail * bsize;
  const detail = `${sizeText(free)} of ${sizeText(blocks * bsize)} are free under ${folder}.`;
  if (free < leastFreeBytes) return failed("disk", detail, "Make room: appends are refused when the disk is full.");
  if (free < fewFreeBytes) return warning("disk", detail, "Make room soon: appends are refused when the disk is full.");
  return ok("disk", detail);
}

function sizeText(bytes: number): string {
  return bytes >= 1024 ** 3 ? `${(bytes / 1024 ** 3).toFixed(1)} GiB` : `${Math.round(bytes / 1024 ** 2)} MiB`;
}
