import { createHash } from "node:crypto";
import type { NewEvent } from "../../event/event.ts";
import { asCopied } from "./copied.ts";
import { type CopyOptions, progressEvery, type Verified } from "./copy-options.ts";
import type { CopyScratch, Side } from "./copy-scratch.ts";
import { digestOf } from "./digest.ts";
import { isCopied, only, walk } from "./what-is-copied.ts";

const namedStreams = 20;

/** Reads both logs from the beginning and compares them, stream by stream. */
export async function compare(options: CopyOptions, scratch: CopyScratch, total: number): Promise<Verified | null> {
  const { target, signal, onProgress } = options;
  let seen = 0;
  const fold = (side: Side, stream: string, revision: number, recordedAt: string, event: NewEvent): void => {
    scratch.digest(side, stream, (before) => digestOf(before, revision, recordedAt, event));
    if (++seen % progressEvery === 0) onProgress({ phase: "verifying", events: seen, total: 2 * total });
  };
  scratch.restartRevisions();
  for await (const { stream, revision, recordedAt, event } of asCopied(options, scratch, async () => {})) {
    if (signal.aborted) return null;
    fold("source", stream, revision, recordedAt, event);
  }
  for await (const event of only(walk(target), (each) => isCopied(each))) {
    if (signal.aborted) return null;
    fold("target", event.stream, event.revision, event.recordedAt, event);
  }
  const whole = createHash("sha256");
  let streams = 0;
  let events = 0;
  for (const { stream, events: count, digest } of scratch.digests("target")) {
    whole.update(`${stream}\n${count}\n`).update(digest);
    streams++;
    events += count;
  }
  return { streams, events, digest: whole.digest("hex"), differing: scratch.differing(namedStreams) };
}
