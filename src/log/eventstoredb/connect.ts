import { EventStoreDBClient } from "@eventstore/db-client";
import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import { type AppendOnce, makeAppendCalls } from "./append-calls.ts";
import type { Source } from "./source.ts";
import { within } from "./waiting.ts";
import { openRead } from "./wire/raw-client.ts";
import { decodeReadAnswer, type ReadAnswer } from "./wire/read-answer.ts";
import { encodeReadRequest, type ReadRequest } from "./wire/read-request.ts";

/** One client of the server, and how it is given up. */
export interface Connected {
  readonly client: EventStoreDBClient;
  readonly append: AppendOnce;
  /** Opens a read or a subscription. */
  read(request: ReadRequest): Promise<Source<ReadAnswer>>;
  /** The client's promise of the server's methods. The client keeps a rejected one, and then every append fails with it for ever. */
  capabilities(): Promise<unknown>;
  /** Breaks the calls under way and closes the channel, which the client itself leaves open. Takes at most a second, whatever hangs. */
  dispose(): Promise<void>;
}

/**
 * A discovery asks each host for its view of the cluster, one after the other: a frozen one must not hold up the others for long, and a discovery
 * that finds nobody must end. A value in the connection string has precedence.
 */
const defaults = { gossipTimeout: 2, maxDiscoverAttempts: 3 };
const disposeMs = 1000;
/** The client's own. */
const keepAliveMs = 10_000;

/**
 * @param number of this client among those of one log: no two share a connection.
 * @throws CONFIG_INVALID
 */
export function connect(connectionString: string, clock: Clock, number: number): Connected {
  let client: EventStoreDBClient;
  try {
    client = EventStoreDBClient.connectionString(apart(withDefaults(connectionString), number));
  } catch {
    // The client's own text quotes the string, which may hold a password.
    throw new RepriseError("CONFIG_INVALID", "The log's connection string cannot be read, or names a certificate file that is not there.");
  }
  const channels = keepChannels(client as never);
  let disposed: Promise<void> | null = null;
  return {
    client,
    append: makeAppendCalls(client),
    read: (request) => openRead(client, encodeReadRequest(request), decodeReadAnswer),
    capabilities: () => (client as unknown as { readonly capabilities: Promise<unknown> }).capabilities,
    dispose() {
      disposed ??= within(client.dispose(), disposeMs, clock, new AbortController().signal)
        .catch(() => {}) // a stream that nobody reads to its end does not end by itself; without its channel it does
        .then(() => channels.close());
      return disposed;
    },
  };
}

function withDefaults(connectionString: string): string {
  let text = connectionString;
  for (const [name, value] of Object.entries(defaults))
    if (!new RegExp(`[?&]${name}=`, "i").test(text)) text += `${text.includes("?") ? "&" : "?"}${name}=${value}`;
  return text;
}

/**
 * Channels with the same address and the same options share their connections in all of a process, so a new client would wait on the dead one of the
 * client before. A millisecond tells them apart.
 */
function apart(connectionString: string, number: number): string {
  const set = /([?&]keepAliveInterval=)(-?\d+)/i.exec(connectionString);
  if (set === null) return `${connectionString}&keepAliveInterval=${keepAliveMs + number}`;
  return Number(set[2]) < 0 ? connectionString : connectionString.replace(set[0], `${set[1]}${Number(set[2]) + number}`);
}

/** The method that makes the client's channels; private in its types. */
interface ChannelMaker {
  createChannel(): Promise<{ close(): void }>;
}

/** The client replaces its channel after some failures and closes the old one; the last one stays open when it is disposed. */
function keepChannels(client: ChannelMaker): { close(): void } {
  const make = client.createChannel;
  let last: { close(): void } | null = null;
  let closed = false;
  const makeKept = async () => {
    const channel = await make();
    if (closed) channel.close(); // found by a discovery that nobody waits for any more
    last = channel;
    return channel;
  };
  client.createChannel = makeKept;
  return {
    close() {
      closed = true;
      last?.close();
    },
  };
}
