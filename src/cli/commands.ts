/** The commands of the top, in the order in which the help lists them. Each is loaded when it is typed: all of them are a fifth of what a command loads. */
import type { Command } from "commander";
import type { World } from "./command.ts";

type Add = (program: Command, world: World) => void;

interface Group {
  /** What it adds to the program. */
  readonly names: readonly string[];
  load(): Promise<Add>;
}

export const groups: readonly Group[] = [
  { names: ["init"], load: async () => (await import("./commands/init.ts")).addInit },
  { names: ["add"], load: async () => (await import("./commands/add.ts")).addAdd },
  { names: ["serve"], load: async () => (await import("./commands/serve.ts")).addServe },
  { names: ["status"], load: async () => (await import("./commands/status.ts")).addStatus },
  { names: ["append"], load: async () => (await import("./commands/append.ts")).addAppend },
  { names: ["events"], load: async () => (await import("./commands/events.ts")).addEvents },
  { names: ["logs"], load: async () => (await import("./commands/logs.ts")).addLogs },
  { names: ["entities"], load: async () => (await import("./commands/entities.ts")).addEntities },
  { names: ["dlq"], load: async () => (await import("./commands/dlq/dlq.ts")).addDeadLetters },
  { names: ["errors"], load: async () => (await import("./commands/errors.ts")).addErrors },
  { names: ["escalations"], load: async () => (await import("./commands/escalations.ts")).addEscalations },
  { names: ["replay"], load: async () => (await import("./commands/replay/replay.ts")).addReplays },
  { names: ["handlers", "views"], load: async () => (await import("./commands/service.ts")).addService },
  { names: ["integrations"], load: async () => (await import("./commands/integrations.ts")).addIntegrations },
  { names: ["cluster"], load: async () => (await import("./commands/cluster.ts")).addCluster },
  { names: ["archive"], load: async () => (await import("./commands/archive/archive.ts")).addArchive },
  { names: ["completion"], load: async () => (await import("./commands/completion.ts")).addCompletion },
  { names: ["copy"], load: async () => (await import("./commands/copy.ts")).addCopy },
  { names: ["doctor"], load: async () => (await import("./commands/doctor.ts")).addDoctor },
  { names: ["keys"], load: async () => (await import("./commands/keys.ts")).addKeys },
  { names: ["log"], load: async () => (await import("./commands/log.ts")).addLog },
  { names: ["backup"], load: async () => (await import("./commands/backup.ts")).addBackup },
  { names: ["schema"], load: async () => (await import("./commands/schema.ts")).addSchema },
  { names: ["verify"], load: async () => (await import("./commands/verify.ts")).addVerify },
  { names: ["export"], load: async () => (await import("./commands/export.ts")).addExport },
];

/** Of the command that `args` begins with; of all where that is none, because help, suggestions and completion know them all. */
export async function addersFor([first]: readonly string[]): Promise<readonly Add[]> {
  const typed = groups.filter(({ names }) => first !== undefined && first !== "completion" && names.includes(first));
  return Promise.all((typed.length > 0 ? typed : groups).map(({ load }) => load()));
}
