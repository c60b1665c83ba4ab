/** What every log promises. An adapter passes this suite, or it is none. Each chapter stands in a file of its own. */
import { describe, onTestFinished } from "vitest";
import type { Chapter, LogUnderTest } from "./chapter.ts";
import { describeAppends } from "./chapters/appends.ts";
import { describeConcurrentAppends } from "./chapters/concurrent-appends.ts";
import { describeEventIds } from "./chapters/event-ids.ts";
import { describeLife } from "./chapters/life.ts";
import { describeReads } from "./chapters/reads.ts";
import { describeSubscriptions } from "./chapters/subscriptions.ts";
import { describeTruncation } from "./chapters/truncation.ts";

/**
 * @param openEmpty a new log at each call. The suite closes it.
 * @param timeoutMs of one test: a server that runs beside other work takes longer for the same. What the log promises is the same.
 */
export function describeEventLog(name: string, openEmpty: () => Promise<LogUnderTest>, timeoutMs = 30_000): void {
  const openPair = async (): Promise<LogUnderTest> => {
    const pair = await openEmpty();
    onTestFinished(() => pair.log.close());
    return pair;
  };
  const chapter: Chapter = { open: async () => (await openPair()).log, openPair, openEmpty, timeoutMs, patient: { timeout: 2 * timeoutMs } };

  describe(`EventLog contract: ${name}`, { timeout: timeoutMs }, () => {
    describeAppends(chapter);
    describeEventIds(chapter);
    describeConcurrentAppends(chapter);
    describeReads(chapter);
    describeSubscriptions(chapter);
    describeTruncation(chapter);
    describeLife(chapter);
  });
}
