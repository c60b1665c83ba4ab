/** A process that writes an archive is killed at random moments, and started again each time. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { StoredEvent } from "../../src/event/event.ts";
import { openFilePlace } from "../../src/retention/archive/file-place.ts";
import { archiveAt } from "../../src/retention/archive/open-archive.ts";
import { verifyArchive } from "../../src/retention/archive/verify.ts";
import { archivedLogId, eventsOfOrders } from "../support/archived-events.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const kills = size(8, 30, "REPRISE_ARCHIVE_KILLS");
const events = 2000;

/** @param killAfterMs null: it is let be. @returns whether it came to its end. */
function run(folder: string, killAfterMs: number | null): Promise<boolean> {
  const child = spawn(process.execPath, [
    "--conditions=@reprise/source",
    fileURLToPath(new URL("../support/archive-child.ts", import.meta.url)),
    folder,
    String(events),
  ]);
  let told = "";
  child.stdout.on("data", (chunk: Buffer) => {
    if (told === "" && killAfterMs !== null) setTimeout(() => child.kill("SIGKILL"), killAfterMs);
    told += chunk.toString();
  });
  return new Promise((resolve) => child.on("close", () => resolve(told.endsWith("ended\n"))));
}

describe("an archive whose writer is killed", { timeout: 120_000 }, () => {
  it(`loses nothing and has nothing twice after ${kills} kills, and is valid after each`, async () => {
    const folder = temporaryFolder();
    const place = openFilePlace(folder);
    let killed = 0;
    for (let left = kills; left > 0; left--) {
      if (!(await run(folder, Math.random() * 150))) killed++;
      const hasManifest = existsSync(join(folder, archivedLogId, "manifest.json")); // killed early, it has no folder yet
      if (hasManifest) await verifyArchive(place, archivedLogId, (finding) => expect(finding).toMatchObject({ isDamage: false }));
    }
    expect(killed).toBeGreaterThan(0);
    expect(await run(folder, null)).toBe(true);
    const archive = archiveAt(place, archivedLogId);
    const back: StoredEvent[] = [];
    for (const { name } of await archive.segments()) for await (const batch of archive.read(name)) back.push(...batch);
    expect(back).toEqual(eventsOfOrders(events, 5, 200));
    expect(await verifyArchive(place, archivedLogId, (finding) => expect.fail(finding.detail))).toMatchObject({ events });
  });
});
