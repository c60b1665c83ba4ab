/** What an embedded log holds at once is bounded in bytes: 117 MB of large events behind small ones, in a process of 48. */
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { newId } from "../../src/event/ids.ts";
import { fillLarge, largeIds, smallEvents } from "../support/little-memory.ts";
import { repositoryFolder, runNode } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const heapMb = 48;
/** The log's own first event. */
const first = 1;

it("reads a log of large events, and looks for their ids, in little memory", async () => {
  const folder = temporaryFolder();
  await fillLarge(folder, newId);
  const child = fileURLToPath(new URL("../support/little-memory-child.ts", import.meta.url));
  const ended = async (what: string) => {
    const { code, stdout } = await runNode(repositoryFolder, `--max-old-space-size=${heapMb}`, "--conditions=@reprise/source", child, folder, what);
    return { what, code, count: Number(stdout) };
  };
  expect([await ended("all"), await ended("stream"), await ended("backward"), await ended("ids"), await ended("known")]).toEqual([
    { what: "all", code: 0, count: first + 2 * smallEvents + largeIds.length },
    { what: "stream", code: 0, count: smallEvents + largeIds.length },
    { what: "backward", code: 0, count: smallEvents + largeIds.length },
    { what: "ids", code: 0, count: 1 },
    { what: "known", code: 0, count: largeIds.length },
  ]);
}, 120_000);
