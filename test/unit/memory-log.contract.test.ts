import { describeEventLog } from "../contract/event-log.ts";
import { openMemoryLog } from "../support/memory-log.ts";

describeEventLog("memory", async () => {
  const log = openMemoryLog();
  return { log, reopen: async () => log.reopen() };
});
