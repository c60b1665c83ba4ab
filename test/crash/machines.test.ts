/**
 * The same on machines of their own, which the kernel cuts off (`ip netns`): four for instances, and three for the nodes of a log server, where
 * `REPRISE_LOG_NODE` names a program that starts one: its arguments are the node's address, a folder, and the addresses of the other nodes.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { startReceiver } from "../support/crash-receiver.ts";
import { until } from "../support/crash-service.ts";
import { faultsTitle, runInstanceFaults } from "../support/instance-faults.ts";
import { hookConfig, InstanceLoad } from "../support/instance-load.ts";
import { type Instance, judge, startInstanceOn, untilShared } from "../support/instances.ts";
import { startLogServer } from "../support/log-server.ts";
import { type Machine, makeNetwork, type Network, whyNoMachines } from "../support/machines.ts";
import type { ServerLog } from "../support/server-logs.ts";
import { size } from "../support/sizes.ts";
import { startRelay } from "../support/tcp-relay.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const program = process.env.REPRISE_LOG_NODE ?? "";
const rounds = size(1, 5, "REPRISE_CLUSTER_ROUNDS");
const isLong = size(0, 1) === 1;
const whyNot = isLong ? whyNoMachines() : "they run with `npm run test:long`";

/** Nodes of a server, each on a machine of its own, on disk. */
interface Nodes {
  readonly server: ServerLog;
  leader(): Promise<number>;
  kill(node: number): Promise<void>;
  start(node: number): void;
  /** One leads, and the others follow. One that has ended, as it does to cut off what it alone has, is started again. */
  areAllThere(): Promise<boolean>;
}

async function startNodes(machines: readonly Machine[]): Promise<Nodes> {
  const folder = temporaryFolder();
  const start = (node: number) => {
    const { inside, address } = machines[node]!;
    const others = machines.filter((other) => other !== machines[node]).map((other) => other.address);
    const [command, ...words] = [...inside, program, address, join(folder, String(node)), ...others];
    const child = spawn(command!, words, { stdio: "ignore" });
    onTestFinished(() => void child.kill("SIGKILL"));
    return child;
  };
  const children = machines.map((_, node) => start(node));
  const leader = async () => {
    const views = await Promise.allSettled(machines.map(({ address }) => membersAsSeenAt(address)));
    const seen = views.flatMap((view) => (view.status === "fulfilled" ? (view.value.find(({ state }) => state === "Leader")?.httpEndPointIp ?? []) : []));
    const most = machines.findIndex(({ address }) => seen.filter((each) => each === address).length > machines.length / 2);
    if (most === -1) throw new Error("Nobody leads.");
    return most;
  };
  await until("a leader", async () => (await leader()) >= 0);
  return {
    server: { log: `esdb://${machines.map(({ address }) => `${address}:2113`).join(",")}?tls=false`, namespace: "" },
    leader,
    async kill(node) {
      const ended = once(children[node]!, "exit");
      children[node]!.kill("SIGKILL");
      await ended;
    },
    start(node) {
      children[node] = start(node);
    },
    async areAllThere() {
      for (const [node, child] of children.entries()) if (child.exitCode !== null) children[node] = start(node);
      const members = await membersAsSeenAt(machines[await leader()]!.address);
      return members.filter(({ state }) => state === "Leader" || state === "Follower").length === machines.length;
    },
  };
}

interface Member {
  readonly state: string;
  readonly isAlive: boolean;
  readonly httpEndPointIp: string;
}

async function membersAsSeenAt(address: string): Promise<readonly Member[]> {
  const response = await fetch(`http://${address}:2113/gossip`, { signal: AbortSignal.timeout(1000) });
  const { members } = (await response.json()) as { readonly members: readonly Member[] };
  return members.filter(({ isAlive }) => isAlive);
}

/** A server beside the machines, for whoever has no other. */
async function standIn({ address }: Network): Promise<ServerLog> {
  const { url } = await startLogServer();
  const relay = await startRelay(Number(new URL(url).port), address);
  onTestFinished(() => relay.close());
  return { log: `esdb://${address}:${relay.port}?tls=false`, namespace: "" };
}

/** An instance on each machine, a new one where one has ended. */
function placed(machines: readonly Machine[], server: ServerLog, cut: (machine: Machine) => void = (machine) => machine.pull()) {
  const free = [...machines];
  return async (config: string): Promise<Instance> => {
    const machine = free.shift()!;
    const instance = await startInstanceOn(machine, config, server, cut);
    void instance.ended.then(() => free.push(machine));
    return instance;
  };
}

describe.skipIf(whyNot !== null)(`four instances, each on a machine of its own${whyNot === null ? "" : `: ${whyNot}`}`, { timeout: 3_600_000 }, () => {
  it(faultsTitle, async () => {
    const network = makeNetwork(7);
    const nodes = network.machines.slice(0, 3);
    const title = program === "" ? "machines, a log server" : "machines, three nodes";
    const server = program === "" ? await standIn(network) : (await startNodes(nodes)).server;
    let cuts = 0;
    // In turns: all is cut off; only what it sends to the log is lost.
    const cut = (machine: Machine) => (cuts++ % 2 === 0 || program === "" ? machine.pull() : machine.mute(nodes));
    await runInstanceFaults({ title, server, host: network.address, start: placed(network.machines.slice(3), server, cut) });
  });

  it.skipIf(program === "").each(["killed", "cut off"] as const)("go on within ten seconds when the leader of three nodes is %s under load", async (how) => {
    const network = makeNetwork(5);
    const nodes = await startNodes(network.machines.slice(0, 3));
    const receiver = await startReceiver(() => 204, undefined, network.address);
    const start = placed(network.machines.slice(3), nodes.server);
    const all = await Promise.all([1, 2].map(() => start(hookConfig(receiver.url))));
    const load = new InstanceLoad(receiver, 20);
    await load.append(() => all);
    await untilShared("all to have partitions", all);
    let isOver = false;
    const loading = load.keepUp(
      () => all,
      () => 50,
      () => isOver,
    );
    const took: { readonly elected: number; readonly wentOn: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      await wait(2000);
      const leader = await nodes.leader();
      const goneMs = performance.now();
      const sinceMs = () => Math.round(performance.now() - goneMs);
      if (how === "killed") await nodes.kill(leader);
      else network.machines[leader]!.pull();
      await until("another leader", async () => (await nodes.leader()) !== leader);
      const elected = sinceMs();
      const mark = load.sent.length;
      await until("an append", () => load.sent.length > mark + 20);
      await load.untilDelivered("its deliveries", mark, mark + 40);
      took.push({ elected, wentOn: sinceMs() });
      if (how === "killed") nodes.start(leader);
      else network.machines[leader]!.heal();
      await until("all nodes to be there", () => nodes.areAllThere());
    }
    isOver = true;
    await loading;
    await load.untilDelivered("all to be delivered");
    const { wrong, repeats } = judge(receiver);
    console.log(`the leader of three nodes ${how}: ${JSON.stringify(took)} ms; ${load.sent.length} events, ${repeats} calls again`);
    expect(wrong).toEqual([]);
    expect(Math.max(...took.map(({ wentOn }) => wentOn))).toBeLessThan(10_000);
  });
});
