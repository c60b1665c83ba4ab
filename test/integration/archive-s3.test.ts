import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ArchivePlace } from "../../src/retention/archive/archive-place.ts";
import { openFilePlace } from "../../src/retention/archive/file-place.ts";
import { archiveAt } from "../../src/retention/archive/open-archive.ts";
import { openS3Place, type S3Options } from "../../src/retention/archive/s3/s3-place.ts";
import { describeArchivePlace } from "../contract/archive-place.ts";
import { allOf, eventsOfOrders, inBatches, archivedLogId as logId } from "../support/archived-events.ts";
import { type Misdeed, type S3StandIn, standInBucket, startS3 } from "../support/s3-stand-in.ts";
import { someOf } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const quick = { tries: 4, waits: { firstMs: 1, lastMs: 5 }, timeoutMs: 100, timeoutPerMegabyteMs: 1 };
const placeOn = (s3: S3StandIn, more: S3Options = {}): ArchivePlace =>
  openS3Place(`s3://${standInBucket}/pre/fix`, { env: s3.env, patience: quick, partBytes: 100_000, ...more });

describeArchivePlace("folder", async () => openFilePlace(temporaryFolder()));
describeArchivePlace("S3", async () => placeOn(await startS3()));

describe("an archive in a bucket", () => {
  const events = eventsOfOrders(30);
  const misdeeds: readonly Misdeed[] = someOf(4, ["lost", "wrong", "cut", "hang", "half", "error", "slow", "refuse"]);

  /** A service that keeps other bytes and gives back the right ones has not lied. */
  const lies: readonly Misdeed[] = ["half", "wrong"];

  async function archived(place: ArchivePlace): Promise<unknown> {
    const archive = archiveAt(place, logId);
    const back: unknown[] = [];
    for (const { name } of await archive.segments()) for await (const batch of archive.read(name)) back.push(...batch);
    return back;
  }

  it("signs each request, and sends nothing in the open that it was not asked for", async () => {
    const s3 = await startS3();
    await allOf(archiveAt(placeOn(s3), logId, { segmentBytes: 4000 }).write(inBatches(events)));
    expect(s3.badSignatures).toEqual([]);
    expect([...s3.things.keys()].every((key) => key.startsWith(`pre/fix/${logId}/`))).toBe(true);
    expect(await archived(placeOn(s3))).toEqual(events);
  });

  it.each(misdeeds)("loses nothing and stores nothing twice when each request in turn meets: %s", async (misdeed) => {
    const counted = await startS3();
    await allOf(archiveAt(placeOn(counted), logId, { segmentBytes: 8000 }).write(inBatches(events)));
    for (let at = 0; at < counted.calls.length; at++) {
      const s3 = await startS3();
      s3.misbehave = ({ number }) => (number === at ? misdeed : undefined);
      await allOf(archiveAt(placeOn(s3), logId, { segmentBytes: 8000 }).write(inBatches(events)));
      expect(await archived(placeOn(s3))).toEqual(events);
    }
  });

  it.each(misdeeds)("goes on by itself when the service did nothing but: %s", async (misdeed) => {
    const s3 = await startS3();
    const archive = archiveAt(placeOn(s3), logId, { segmentBytes: 8000 });
    s3.misbehave = ({ number, method }) => (number > 1 && !(lies.includes(misdeed) && method === "GET") ? misdeed : undefined);
    await expect(allOf(archive.write(inBatches(events)))).rejects.toMatchObject({ code: "ARCHIVE_UNAVAILABLE" });
    s3.misbehave = () => undefined;
    await allOf(archive.write(inBatches(events)));
    expect(await archived(placeOn(s3))).toEqual(events);
  });

  it.each(["error", "cut", "lost", "hang"] as const)("sends large bodies in parts, and leaves none behind, through: %s", async (misdeed) => {
    const body = Buffer.alloc(250_000, "0123456789");
    for (const at of [0, 1, 2, 4]) {
      const s3 = await startS3();
      s3.misbehave = ({ number }) => (number === at ? misdeed : undefined);
      await placeOn(s3).create("large", body);
      expect(body.equals(s3.things.get("pre/fix/large")!)).toBe(true);
      expect(s3.openUploads()).toBeLessThanOrEqual(at === 0 && misdeed === "lost" ? 1 : 0); // an upload whose id was lost stays for the bucket's own rule
    }
  });

  it("says what is wrong, without a key, and asks once where asking again changes nothing", async () => {
    const s3 = await startS3();
    const wrongSecret = placeOn(s3, { env: { ...s3.env, AWS_SECRET_ACCESS_KEY: "not-it" } });
    const error = await wrongSecret.read("a").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "ARCHIVE_UNAVAILABLE", message: `s3://${standInBucket}/pre/fix: GET pre/fix/a: it answers 403 (AccessDenied).` });
    expect(s3.calls).toHaveLength(2);
    await expect(openS3Place("s3://nowhere-1", { env: s3.env, patience: quick }).read("a")).rejects.toMatchObject({
      message: "s3://nowhere-1: there is no such bucket.",
    });
    s3.misbehave = () => "redirect";
    await expect(placeOn(s3).read("a")).rejects.toMatchObject({ message: expect.stringContaining("it answers 307") });
  });

  it("takes credentials from the environment, a file, or a function, and asks anew when they are refused", async () => {
    const s3 = await startS3();
    const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token, ...env } = s3.env;
    await expect(placeOn(s3, { env }).read("a")).rejects.toMatchObject({ message: expect.stringContaining("There are no credentials for S3") });
    const file = join(temporaryFolder(), "credentials");
    writeFileSync(file, `[other]\naws_access_key_id = no\n[work]\naws_access_key_id = ${id}\naws_secret_access_key=${secret}\naws_session_token = ${token}\n`);
    expect(await placeOn(s3, { env: { ...env, AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: "work" } }).read("a")).toBeNull();
    const lent = [
      { accessKeyId: id!, secretAccessKey: "old" },
      { accessKeyId: id!, secretAccessKey: secret!, sessionToken: token! },
    ];
    expect(await placeOn(s3, { env, credentials: () => lent.shift()! }).read("a")).toBeNull();
    expect(lent).toEqual([]);
  });

  it.each(["s3://", "s3://Bucket", "s3://b/with blank", "s3://key:secret@bucket/x"])("refuses %s as an address", (url) => {
    expect(() => openS3Place(url, { env: {} })).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});
