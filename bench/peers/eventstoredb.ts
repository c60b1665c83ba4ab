import { eventStoreDbBenchmarks } from "../eventstoredb.ts";
import { benchmarkNamed, type PeerRow, versionOf } from "./row.ts";

const isServer = (process.env.EVENTSTORE_URL ?? "") !== "";

/** The client is Reprise's own dependency, and the floor of these benchmarks already: bench/eventstoredb.ts says what it does. */
export const eventStoreDbRows: readonly PeerRow[] = ["eventstoredb-append-64", "eventstoredb-append-batch", "eventstoredb-catch-up"].map((name) => ({
  peer: "@eventstore/db-client",
  version: versionOf("@eventstore/db-client", "../../node_modules"),
  durability: isServer ? "the server's" : "none: the stand-in's memory, for both sides",
  benchmark: benchmarkNamed(name, eventStoreDbBenchmarks),
}));
