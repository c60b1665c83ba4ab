/** What the commands of the archive say to somebody who slips, and where events have gone. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { answerTo } from "../support/cli.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

it.each(["verify", "ls"])("archive %s of an address where no log has an archive fails, and does not pass for one that is whole", async (verb) => {
  const folder = join(temporaryFolder(), "nowhere");
  const answer = await answerTo(["archive", verb, "--archive", `file:${folder}`]);
  expect(answer.code).toBe(2);
  expect(answer.stdout).toBe("");
  expect(answer.stderr).toContain(`No log has an archive at file:${folder}.`);
});
