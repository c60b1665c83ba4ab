import { spawnStandIn } from "../test/support/eventstore-stand-in/spawn.ts";

export interface LogServer {
  readonly url: string;
  close(): void;
}

const given = process.env.EVENTSTORE_URL ?? "";

/** What a figure of a log server is of, beside its unit: empty for a real server. */
export const standInNote = given === "" ? " of a stand-in" : "";

/** The server that EVENTSTORE_URL names, else the tests' stand-in in a process of its own. */
export async function startServer(): Promise<LogServer> {
  if (given !== "") return { url: given, close() {} };
  const standIn = await spawnStandIn("", 0);
  return { url: standIn.url, close: () => void standIn.child.kill("SIGKILL") };
}

let names = 0;

/** Others may use the server. */
export function freshNames(): string {
  return `reprise-bench-${process.pid}-${Date.now()}-${++names}:`;
}
