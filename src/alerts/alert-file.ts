/**
 * The state of alerts about the log itself, which the log cannot keep while it is down: a small file in the folder of the views. Where that folder is lost, such
 * an alert may be told once more.
 */
import { existsSync, readFileSync } from "node:fs";
import { replaceFile } from "../log/durable-files.ts";
import type { AlertState } from "../records/alert.ts";
import { type AlertRecord, nothing } from "./alert-record.ts";

/** @param path null: it is kept in memory only. */
export function recordInFile(name: string, path: string | null): AlertRecord {
  let known: AlertState | null = null;
  const read = (): AlertState => {
    known ??= path === null ? nothing : (stored(path)[name] ?? nothing);
    return known;
  };
  return {
    read: async () => read(),
    async change(next) {
      const event = next(read());
      if (event === null) return read();
      const { firing, untold } = event.data;
      if (path !== null) replaceFile(path, `${JSON.stringify({ ...stored(path), [name]: { firing, untold } })}\n`);
      known = { firing, untold };
      return known;
    },
  };
}

/** A file that somebody else damaged counts as empty. */
function stored(path: string): Record<string, AlertState> {
  if (!existsSync(path)) return {};
  try {
    const found: unknown = JSON.parse(readFileSync(path, "utf8"));
    const alerts = Object.entries(typeof found === "object" && found !== null ? found : {}).filter(([, state]) => isState(state));
    return Object.fromEntries(alerts) as Record<string, AlertState>;
  } catch {
    return {};
  }
}

function isState(state: unknown): boolean {
  const { firing, untold } = (state ?? {}) as Partial<AlertState>;
  return Array.isArray(firing) && Array.isArray(untold);
}
