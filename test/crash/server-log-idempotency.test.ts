import { describe, it } from "vitest";
import { makeRequestSite, requestKillsTitle, runRequestKills } from "../support/request-kills.ts";
import { serverLogs } from "../support/server-logs.ts";
import { size } from "../support/sizes.ts";

const kills = size(1, 20, "REPRISE_CRASH_SERVER_KILLS");

describe.each(serverLogs)("a service on %s that is killed while requests with an Idempotency-Key are under way", (_title, openLog) => {
  it(requestKillsTitle, { timeout: 60_000 + kills * 60_000 }, async () => {
    const { log, namespace } = await openLog();
    await runRequestKills(kills, makeRequestSite(log, namespace));
  });
});
