/** The log as a reader finds it: there, of a format that this build knows, and with a clock that agrees with this machine's. */
import { isRepriseError } from "../../errors.ts";
import { messageOf } from "../../event/thrown.ts";
import type { ReadOnlyLog } from "../../log/event-log.ts";
import { shownLog } from "../../log/shown-log.ts";
import { type Checked, failed, notChecked, ok, warning } from "./finding.ts";

const clockAgreesWithinMs = 5000;

export async function checkLogThere(url: string, nowMs: () => number): Promise<readonly Checked[]> {
  const { openLogReadOnly } = await import("../../log/open-log.ts");
  try {
    const log = await openLogReadOnly(url);
    try {
      const head = await log.head();
      return [ok("log", `${shownLog(url)} can be read; its last position is ${head}.`), await checkClock(log, nowMs)];
    } finally {
      await log.close();
    }
  } catch (error) {
    if (isRepriseError(error, "LOG_MISSING"))
      return [warning("log", messageOf(error), "The service makes it at its first start."), notChecked("clock", "There is no log.")];
    const fix =
      isRepriseError(error) && error.kind !== "unavailable"
        ? error.remedy
        : "See that the server runs and can be reached from here, and that the address is right.";
    return [failed("log", messageOf(error), fix), notChecked("clock", "The log cannot be read.")];
  }
}

async function checkClock(log: ReadOnlyLog, nowMs: () => number): Promise<Checked> {
  const last = await lastTime(log);
  if (last === null) return notChecked("clock", "The log is empty.");
  const aheadMs = Date.parse(last) - nowMs();
  if (aheadMs > clockAgreesWithinMs)
    return warning(
      "clock",
      `The last event was recorded at ${last}, ${Math.round(aheadMs / 1000)} s ahead of this machine's clock.`,
      "Set the clock (NTP): times on record run ahead until it has caught up.",
    );
  return ok("clock", `The last event was recorded at ${last}; this machine's clock is not behind it.`);
}

async function lastTime(log: ReadOnlyLog): Promise<string | null> {
  for await (const [event] of log.readAll({ direction: "backward", limit: 1 })) return event?.recordedAt ?? null;
  return null;
}
