/** Where a log on a server can be had for a test of the service: the stand-in in a process of its own, and the server that EVENTSTORE_URL names. */
import { startLogServer } from "./log-server.ts";

/** A log, as OpenOptions have it. */
export interface ServerLog {
  readonly log: string;
  readonly namespace: string;
}

let logs = 0;
/** Names that no other test or run has, so that one server serves them all. */
export const freshNamespace = (): string => `reprise-test-${process.pid}-${Date.now()}-${++logs}:`;

const url = process.env.EVENTSTORE_URL;

/** Title and an empty log at each call. */
export const serverLogs: readonly (readonly [title: string, open: () => Promise<ServerLog>])[] = [
  ["a log server", async () => ({ log: (await startLogServer()).url, namespace: "" })],
  ...(url === undefined || url === "" ? [] : [["the server of EVENTSTORE_URL", async () => ({ log: url, namespace: freshNamespace() })] as const]),
];
