import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { followFiles, printOf } from "../../src/access/followed-file.ts";
import { RepriseError } from "../../src/errors.ts";
import { makeFakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

function makeFollowed() {
  const folder = temporaryFolder();
  const paths = [join(folder, "a"), join(folder, "b")];
  for (const path of paths) writeFileSync(path, "1");
  const clock = makeFakeClock();
  const seen = { reads: 0, told: [] as string[], refuse: null as string | null };
  const read = () => {
    seen.reads++;
    if (seen.refuse !== null) throw new RepriseError("CONFIG_INVALID", seen.refuse);
  };
  const print = printOf(paths);
  const follow = () => followFiles({ paths, print, everyMs: 1000, clock, read, onTrouble: ({ message }) => void seen.told.push(message) });
  return { paths, clock, seen, follow };
}

it("reads again when any of the files was written, replaced or removed, and not otherwise", async () => {
  const { paths, clock, seen, follow } = makeFollowed();
  follow();
  await clock.advance(3000);
  expect(seen.reads).toBe(0);
  for (const change of [
    () => writeFileSync(paths[1]!, "22"),
    () => {
      writeFileSync(`${paths[0]!}.new`, "1");
      renameSync(`${paths[0]!}.new`, paths[0]!);
    },
    () => rmSync(paths[0]!),
  ]) {
    change();
    seen.reads = 0;
    await clock.advance(3000);
    expect(seen.reads).toBe(1);
  }
});

it("misses no change between the first reading and the first look", async () => {
  const { paths, clock, seen, follow } = makeFollowed();
  writeFileSync(paths[0]!, "changed meanwhile");
  follow();
  await clock.advance(1000);
  expect(seen.reads).toBe(1);
});

it("reads at each look while the files cannot be used, tells each trouble once, and forgets it when they can", async () => {
  const { paths, clock, seen, follow } = makeFollowed();
  const following = follow();
  seen.refuse = "torn";
  writeFileSync(paths[0]!, "2");
  await clock.advance(3000);
  expect([seen.reads, seen.told, following.trouble()?.message]).toEqual([3, ["torn"], "torn"]);
  seen.refuse = "of others";
  await clock.advance(1000);
  seen.refuse = null;
  await clock.advance(2000);
  expect([seen.reads, seen.told, following.trouble()]).toEqual([5, ["torn", "of others"], null]);
  following.close();
  expect(clock.pending()).toBe(0);
});
