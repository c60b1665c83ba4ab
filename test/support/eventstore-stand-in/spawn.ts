import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface SpawnedStandIn {
  readonly child: ChildProcess;
  /** A connection string. */
  readonly url: string;
}

/**
 * The stand-in in a process of its own, listening when this resolves.
 *
 * @param file holds its events over restarts; empty: they live as long as the process.
 * @param port 0 for any.
 * @param cluster who leads, as a file, and the port under which this node is known.
 */
export async function spawnStandIn(file: string, port: number, cluster?: { readonly file: string; readonly self: number }): Promise<SpawnedStandIn> {
  const program = fileURLToPath(new URL("./child.ts", import.meta.url));
  const child = spawn(process.execPath, [program, file, String(port), ...(cluster === undefined ? [] : [cluster.file, String(cluster.self)])], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said = await Promise.race([once(child.stdout, "data"), once(child, "exit").then(() => null)]);
  if (said === null) throw new Error("The stand-in has not started.");
  return { child, url: `esdb://127.0.0.1:${String(said[0]).trim()}?tls=false` };
}
