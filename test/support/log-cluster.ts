/** Nodes of a log server that tests kill, freeze and cut off, each a process of its own behind a wire of its own. All have the same events on disk. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { spawnStandIn } from "./eventstore-stand-in/spawn.ts";
import { freePort } from "./log-server.ts";
import { type Relay, startRelay } from "./tcp-relay.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export interface LogCluster {
  /** Connection strings: of all its hosts, and by discovery from one that is not the first leader (or from the only one). */
  readonly hosts: string;
  readonly discovery: string;
  /** Index of the node that leads. */
  readonly leader: number;
  kill(node: number): Promise<void>;
  start(node: number): Promise<void>;
  freeze(node: number): void;
  thaw(node: number): void;
  cut(node: number): void;
  heal(node: number): void;
  /** What an election comes to; null: nobody leads. */
  elect(node: number | null): void;
}

export async function startLogCluster(size: number): Promise<LogCluster> {
  const folder = temporaryFolder();
  const file = join(folder, "events.jsonl");
  const clusterFile = join(folder, "cluster.json");
  const children: ChildProcess[] = [];
  const nodes: { readonly port: number; readonly relay: Relay }[] = [];
  for (let node = 0; node < size; node++) {
    const port = await freePort();
    nodes.push({ port, relay: await startRelay(port) });
  }
  const ports = nodes.map(({ relay }) => relay.port);
  let leader = 0;
  const elect = (node: number | null) => {
    if (node !== null) leader = node;
    // Renamed into its place: a node never reads half of it.
    writeFileSync(`${clusterFile}.new`, JSON.stringify({ leader: node === null ? null : ports[node], members: ports }));
    renameSync(`${clusterFile}.new`, clusterFile);
  };
  const start = async (node: number) => {
    ({ child: (children[node] as ChildProcess) } = await spawnStandIn(file, nodes[node]!.port, { file: clusterFile, self: ports[node]! }));
  };
  onTestFinished(() => {
    for (const child of children) child.kill("SIGKILL");
    for (const { relay } of nodes) relay.close();
  });
  elect(0);
  for (let node = 0; node < size; node++) await start(node);
  return {
    hosts: `esdb://${ports.map((port) => `127.0.0.1:${port}`).join(",")}?tls=false`,
    discovery: `esdb+discover://127.0.0.1:${ports.at(-1)}?tls=false`,
    get leader() {
      return leader;
    },
    async kill(node) {
      const ended = once(children[node]!, "exit");
      children[node]!.kill("SIGKILL");
      await ended;
    },
    start,
    freeze: (node) => void children[node]!.kill("SIGSTOP"),
    thaw: (node) => void children[node]!.kill("SIGCONT"),
    cut: (node) => nodes[node]!.relay.cut(),
    heal: (node) => nodes[node]!.relay.heal(),
    elect,
  };
}
