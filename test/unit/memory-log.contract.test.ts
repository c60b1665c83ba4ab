import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { describeEventLog } from "../contract/event-log.ts";

describeEventLog("memory", async () => {
  const log = openMemoryLog();
  return { log, reopen: async () => log.reopen() };
});
