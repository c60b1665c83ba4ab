import type { Duplex } from "node:stream";
import { EventStoreDBClient } from "@eventstore/db-client";
import { RepriseError } from "../../errors.ts";

/** @throws CONFIG_INVALID */
export function connect(connectionString: string): EventStoreDBClient {
  let client: EventStoreDBClient;
  try {
    client = EventStoreDBClient.connectionString(connectionString);
  } catch {
    // The client's own text quotes the string, which may hold a password.
    throw new RepriseError("CONFIG_INVALID", "The log's connection string cannot be read, or names a certificate file that is not there.");
  }
  dropLateAnswers(client as never);
  return client;
}

/** What makes the client's streams; protected in its types. The appends of one connection share a stream, whose listener is set in `creator`. */
interface StreamMaker {
  GRPCStreamCreator<C, S>(Client: new () => C, name: string, creator: (grpc: C) => S, cache?: object): () => Promise<S>;
}

/**
 * The client keeps who waits for an append's answer in one table for all streams of the process, and empties it when any of them breaks: one of
 * an earlier connection, or of another log. Whoever waited is told, and asks again; but an answer that comes all the same is thrown over, in
 * nobody's call, and ends the process. Such an answer is dropped here. (Its successor, @kurrent/kurrentdb-client, has a table for each stream
 * since pull request 523.)
 */
function dropLateAnswers(client: StreamMaker): void {
  const make = client.GRPCStreamCreator;
  client.GRPCStreamCreator = (Client, name, creator, cache) => {
    if (name !== "appendToStream" || cache === undefined) return make(Client, name, creator, cache);
    const guarded = (grpc: Parameters<typeof creator>[0]) => {
      const stream = creator(grpc);
      const answers = stream as Duplex;
      for (const listener of answers.listeners("data")) {
        answers.off("data", listener as () => void);
        answers.on("data", (answer) => {
          try {
            listener.call(answers, answer);
          } catch (error) {
            if (!(error instanceof TypeError)) throw error;
          }
        });
      }
      return stream;
    };
    return make(Client, name, guarded, cache);
  };
}
