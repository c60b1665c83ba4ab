/** What the client does with its connection and does not show in its types. Its own encoding of events takes three times as long as the call itself. */
import type { EventStoreDBClient } from "@eventstore/db-client";
import { StreamsClient, StreamsService } from "@eventstore/db-client/generated/streams_grpc_pb.js";

/** A call under way, as the client's library makes it: a stream of objects. */
export interface RawCall<T> {
  read(): T | null;
  write(message: Buffer): boolean;
  cancel(): void;
  resume(): unknown;
  on(event: "data", listener: (value: T) => void): this;
  on(event: "error", listener: (error: Error) => void): this;
  on(event: "readable" | "end" | "close", listener: () => void): this;
  removeAllListeners(event: string): unknown;
}

interface CallMaker {
  makeServerStreamRequest<T>(path: string, encode: (bytes: Buffer) => Buffer, decode: (bytes: Buffer) => T, request: Buffer, ...how: CallArguments): RawCall<T>;
  makeBidiStreamRequest<T>(path: string, encode: (bytes: Buffer) => Buffer, decode: (bytes: Buffer) => T, ...how: CallArguments): RawCall<T>;
}

type CallArguments = readonly [metadata: never, options: never];

interface RawClient {
  GRPCStreamCreator<T>(
    Client: unknown,
    name: string,
    creator: (maker: CallMaker) => RawCall<T>,
    cache?: WeakMap<object, RawCall<T>>,
  ): () => Promise<RawCall<T>>;
  callArguments(options: { readonly requiresLeader: boolean }, call: { readonly deadline: number }): CallArguments;
  supports(method: unknown): Promise<boolean>;
  createDeadline(): Date;
}

const asTheyAre = (bytes: Buffer): Buffer => bytes;
const { read, batchAppend } = StreamsService as unknown as Readonly<Record<"read" | "batchAppend", { readonly path: string }>>;

/** Reads of one client. They go to the leader, and end when they are cancelled or with the client. */
export function openRead<T>(client: EventStoreDBClient, request: Buffer, decode: (bytes: Buffer) => T): Promise<RawCall<T>> {
  const raw = client as unknown as RawClient;
  const how = raw.callArguments({ requiresLeader: true }, { deadline: Number.POSITIVE_INFINITY });
  return raw.GRPCStreamCreator<T>(StreamsClient, "read", (maker) => maker.makeServerStreamRequest(read.path, asTheyAre, decode, request, ...how))();
}

/** The call that takes all appends of one client, again and again: another one after it broke or the client has changed its channel. */
export function batchAppends<T>(client: EventStoreDBClient, decode: (bytes: Buffer) => T, opened: (call: RawCall<T>) => void): () => Promise<RawCall<T>> {
  const raw = client as unknown as RawClient;
  const creator = (maker: CallMaker) => {
    const how = raw.callArguments({ requiresLeader: true }, { deadline: Number.POSITIVE_INFINITY });
    const call = maker.makeBidiStreamRequest(batchAppend.path, asTheyAre, decode, ...how);
    opened(call);
    return call;
  };
  return raw.GRPCStreamCreator<T>(StreamsClient, "appendToStream", creator, new WeakMap());
}

/** Servers before 21.10 take each append in a call of its own. */
export function supportsBatchAppend(client: EventStoreDBClient): Promise<boolean> {
  return (client as unknown as RawClient).supports(StreamsService.batchAppend);
}

/** Until when the server may work on a call that begins now. */
export function deadlineMs(client: EventStoreDBClient): number {
  return (client as unknown as RawClient).createDeadline().getTime();
}
