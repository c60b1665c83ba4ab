import type { Command } from "commander";
import type { ClusterReply, DrainReply } from "../../http/wire/cluster.ts";
import { at } from "../client.ts";
import { hint, openSession, type World } from "../command.ts";
import { printList, printOne } from "../print.ts";

/** Partitions that stand still: the first ones say what is wrong. */
const maxNamed = 3;

/** `cluster ls|drain`. */
export function addCluster(program: Command, world: World): void {
  const cluster = program.command("cluster").description("read which instances share the work, and have one give its part away");
  addList(cluster, world);
  addDrain(cluster, world);
}

function addList(cluster: Command, world: World): void {
  cluster
    .command("ls")
    .description("list instances with what they work on")
    .action(async (_options: object, command: Command) => {
      const session = openSession(command, world);
      const reply = await session.client.get<ClusterReply>("/cluster");
      const countOf = (instance: string, ...states: readonly string[]) =>
        reply.partitions.filter(({ owner, state }) => owner === instance && states.includes(state)).length;
      const still = reply.partitions.filter(({ state }) => state === "stopped");
      const nobodys = reply.partitions.filter(({ owner }) => owner === null).length;
      printList(session.terminal, session, {
        reply,
        rows: reply.members,
        columns: [
          ["INSTANCE", ({ instance }) => (instance === reply.instance ? `${instance} (asked)` : instance)],
          ["STATE", ({ state }) => state],
          ["PARTITIONS", ({ instance }) => countOf(instance, "owned")],
          ["COMING", ({ instance }) => countOf(instance, "claiming")],
          ["GOING", ({ instance }) => countOf(instance, "draining")],
          ["STOPPED", ({ instance }) => countOf(instance, "stopped")],
          ["BUILD", ({ build }) => build],
          ["SINCE", ({ since }) => since],
        ],
        id: ({ instance }) => instance,
        empty: "No instance takes part just now.",
      });
      for (const { handler, partition, owner, fault } of still.slice(0, maxNamed))
        hint(session, `Partition ${partition} of ${handler} stands still at ${owner}: ${fault}. Once it is clear why: reprise handlers repair ${handler}`);
      if (still.length > maxNamed) hint(session, `${still.length - maxNamed} more stand still: reprise cluster ls -o json`);
      if (nobodys > 0) hint(session, `${nobodys} of ${reply.partitions.length} partitions have no instance: nothing of them is delivered.`);
    });
}

function addDrain(cluster: Command, world: World): void {
  cluster
    .command("drain <instance>")
    .description("have an instance give its partitions to others and take no more, before it is stopped")
    .option("--reason <text>", "why, for the record")
    .action(async (instance: string, { reason }: { readonly reason?: string }, command: Command) => {
      const session = openSession(command, world);
      const { reply } = await session.client.post<DrainReply>(at`/cluster/${instance}/drain`, { body: { reason } });
      printOne(session.terminal, session, reply, reply.instance, () => `Instance ${reply.instance} gives its partitions to others.\n`);
      hint(session, "It takes no partition again until its process is started anew. To see where they are: reprise cluster ls");
    });
}
