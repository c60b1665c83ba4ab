import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, serviceFlags, startNode } from "./child.ts";

/** `reprise serve` with its log and its views in `folder`. It says `"listening"` when it does, and nothing of single requests. */
export function startService(config: URL, folder: string, env: Readonly<Record<string, string>> = {}): Child {
  const data = join(folder, "data");
  const args = ["serve", "--config", fileURLToPath(config), "--log", `sqlite:${data}`, "--data", data, "--port", "0", "--log-level", "error"];
  return startNode(new URL("../bin/reprise.js", import.meta.url), args, { env, flags: serviceFlags });
}
