import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, serviceFlags, startNode } from "./child.ts";

interface Served {
  readonly env?: Readonly<Record<string, string>>;
  /** A log that others use, too, with names of its own there. */
  readonly shared?: { readonly url: string; readonly namespace: string };
}

/** As `npm start` runs it, with its views in `folder`, and its log unless it is shared. It says `"listening"` when it does, and nothing of single requests. */
export function startService(config: URL, folder: string, { env = {}, shared }: Served = {}): Child {
  const data = join(folder, "data");
  const log = shared?.url ?? `sqlite:${data}`;
  const args = ["serve", "--config", fileURLToPath(config), "--log", log, "--data", data, "--port", "0", "--log-level", "error"];
  const options = { env, flags: serviceFlags };
  return shared === undefined
    ? startNode(new URL("../bundle/start.js", import.meta.url), args, options)
    : startNode(new URL("../test/support/serve-in-namespace.ts", import.meta.url), [shared.namespace, ...args], options);
}
