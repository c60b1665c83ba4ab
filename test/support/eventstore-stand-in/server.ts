/**
 * A server on loopback that speaks the part of the EventStoreDB protocol that Reprise uses, built from the service definitions that the
 * client package ships, so that the real client talks to it. It keeps its events over `stop` and `start`, and does wrong what tests order.
 */

import { setTimeout as wait } from "node:timers/promises";
import clusterServices from "@eventstore/db-client/generated/gossip_grpc_pb.js";
import gossip from "@eventstore/db-client/generated/gossip_pb.js";
import featureServices from "@eventstore/db-client/generated/serverfeatures_grpc_pb.js";
import features from "@eventstore/db-client/generated/serverfeatures_pb.js";
import shared from "@eventstore/db-client/generated/shared_pb.js";
import statuses from "@eventstore/db-client/generated/status_pb.js";
import services from "@eventstore/db-client/generated/streams_grpc_pb.js";
import wire from "@eventstore/db-client/generated/streams_pb.js";
import * as grpc from "@grpc/grpc-js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import {
  type AppendResult,
  type Database,
  type Expected,
  makeDatabase,
  maxAppendBytes,
  type Proposed,
  type Recorded,
  systemEvent,
  tombstoneRevision,
} from "./database.ts";

export type Call = "append" | "read" | "subscribe" | "features" | "delete";

export type Fault =
  /** The call fails with this gRPC status and nothing is done. */
  | { readonly status: grpc.status }
  /** The append is stored, then the connection's stream breaks before the answer. */
  | "ambiguous-after-store"
  /** The append is stored, then the server answers that it took too long. */
  | "timeout-after-store"
  /** No answer at all until the client gives up; an append is stored all the same. */
  | "silence"
  | "not-leader"
  | "unauthenticated"
  | "denied";

export interface StandIn {
  readonly database: Database;
  readonly port: number;
  readonly connectionString: string;
  /** Reads that are going on, and subscriptions. */
  readonly openReads: number;
  /** Calls begun since the start, by kind. */
  readonly calls: Readonly<Record<Call, number>>;
  /** Events that reads and subscriptions have sent since the start. */
  readonly eventsSent: number;
  /** The next `times` calls of this kind go wrong. */
  failNext(call: Call, fault: Fault, times?: number): void;
  /** The next call of this kind is answered so much later. */
  delayNext(call: Call, ms: number): void;
  /** All appends and reads take so much longer, until set to 0. */
  slow(ms: number): void;
  /** A subscription with a filter takes so long for as many events as lie between two of its checkpoints. */
  filterSlowly(ms: number): void;
  /** Ends all subscriptions with UNAVAILABLE. */
  dropSubscriptions(): void;
  /** Where a call that is not for this node is sent. */
  setLeader(leader: { readonly address: string; readonly port: number }): void;
  /** An event of the server's own, as statistics are. */
  writeSystemEvent(): void;
  stop(): Promise<void>;
  /** On the same port, with the same events; what `any` is compared with is forgotten. */
  start(): Promise<void>;
}

/** What the nodes of a cluster agree on: the ports under which they are known. */
export interface Cluster {
  /** Null: there is none just now. */
  readonly leader: number | null;
  readonly members: readonly number[];
}

export interface StandInOptions {
  /** Another stand-in's, for two nodes with the same events. */
  readonly database?: Database;
  readonly port?: number;
  /** Of a node of a cluster: its place in it, asked before each call. */
  readonly cluster?: { readonly self: number; now(): Cluster };
}

export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const database = options.database ?? makeDatabase(() => Date.now());
  if (options.database === undefined) database.append("$users", [systemEvent("$UserCreated", { loginName: "admin" })], "any");
  const faults = new Map<Call, Fault[]>();
  const delays = new Map<Call, number[]>();
  const subscriptions = new Set<{ drop(): void }>();
  const calls: Record<Call, number> = { append: 0, read: 0, subscribe: 0, features: 0, delete: 0 };
  let openReads = 0;
  let slowMs = 0;
  let filterMs = 0;
  let eventsSent = 0;
  const sending = (record: Recorded): wire.ReadResp => {
    eventsSent++;
    return eventOf(record);
  };
  let port = options.port ?? 0;
  let leader = { address: "127.0.0.1", port: 0 };
  let server: grpc.Server | null = null;

  /** Of a cluster: what a node answers that does not lead. */
  const elsewhere = (): Fault | undefined => {
    const { cluster } = options;
    if (cluster === undefined) return undefined;
    const now = cluster.now();
    if (now.leader === cluster.self) return undefined;
    if (now.leader === null) return { status: grpc.status.UNAVAILABLE };
    leader = { address: "127.0.0.1", port: now.leader };
    return "not-leader";
  };
  /** Calls `next` with the fault that was ordered for this call, if any, after its delay. */
  const begin = (call: Call, next: (fault: Fault | undefined) => void) => {
    calls[call]++;
    const fault = faults.get(call)?.shift() ?? (call === "features" ? undefined : elsewhere());
    const delayMs = delays.get(call)?.shift() ?? (call === "features" ? 0 : slowMs);
    if (delayMs > 0) setTimeout(() => next(fault), delayMs);
    else next(fault);
  };
  const errorOf = (fault: Fault): grpc.ServiceError => {
    if (fault === "not-leader")
      return serviceError(grpc.status.NOT_FOUND, "Leader info available", {
        exception: "not-leader",
        "leader-endpoint-host": leader.address,
        "leader-endpoint-port": String(leader.port),
      });
    if (fault === "denied") return serviceError(grpc.status.PERMISSION_DENIED, "Access Denied", { exception: "access-denied" });
    if (fault === "unauthenticated") return serviceError(grpc.status.UNAUTHENTICATED, "Unauthenticated", {});
    return serviceError(typeof fault === "object" ? fault.status : grpc.status.UNAVAILABLE, "ordered by a test", {});
  };

  /** Events of one batch append come in several messages; the last one says so. */
  const batchAppend: grpc.handleBidiStreamingCall<wire.BatchAppendReq, wire.BatchAppendResp> = (call) => {
    const waiting = new Map<string, { readonly stream: string; readonly expected: Expected; readonly events: Proposed[] }>();
    let broken = false;
    const breakWith = (fault: Fault) => {
      if (broken) return;
      broken = true;
      call.emit("error", errorOf(fault));
    };
    call.on("error", () => {
      broken = true;
    });
    call.on("end", () => call.end());
    call.on("data", (request: wire.BatchAppendReq) => {
      const id = request.getCorrelationId()!;
      const key = id.getString();
      const requested = request.getOptions();
      if (requested !== undefined)
        waiting.set(key, { stream: nameOf(requested.getStreamIdentifier()), expected: expectedOf(requested, requested.getStreamPosition()), events: [] });
      const append = waiting.get(key);
      if (append === undefined) return;
      append.events.push(...request.getProposedMessagesList().map(proposedOf));
      if (!request.getIsFinal()) return;
      waiting.delete(key);
      begin("append", (fault) => {
        if (broken) return;
        const stores = fault === undefined || fault === "ambiguous-after-store" || fault === "timeout-after-store" || fault === "silence";
        if (!stores && fault !== "denied") return breakWith(fault);
        const answer = new wire.BatchAppendResp().setCorrelationId(id).setStreamIdentifier(identifierOf(append.stream));
        if (fault === "denied") return call.write(answer.setError(batchError("AccessDenied", new shared.AccessDenied().serializeBinary())));
        const result = database.append(append.stream, append.events, append.expected);
        if (fault === "ambiguous-after-store") return breakWith({ status: grpc.status.UNAVAILABLE });
        if (fault === "silence") return;
        if (fault === "timeout-after-store") return call.write(answer.setError(batchError("Timeout", new shared.Timeout().serializeBinary())));
        call.write(batchAnswer(answer, result, append.expected, append.stream));
      });
    });
  };

  const append: grpc.handleClientStreamingCall<wire.AppendReq, wire.AppendResp> = (call, answer) => {
    let header: wire.AppendReq.Options | undefined;
    const events: Proposed[] = [];
    call.on("data", (request: wire.AppendReq) => {
      if (request.hasOptions()) header = request.getOptions();
      const message = request.getProposedMessage();
      if (message !== undefined) events.push(proposedOf(message));
    });
    call.on("end", () =>
      begin("append", (fault) => {
        if (header === undefined) return answer(serviceError(grpc.status.INVALID_ARGUMENT, "no options", {}));
        const stores = fault === undefined || fault === "ambiguous-after-store" || fault === "timeout-after-store" || fault === "silence";
        if (!stores) return answer(errorOf(fault));
        const stream = nameOf(header.getStreamIdentifier());
        const result = database.append(stream, events, expectedOf(header, header.getRevision()));
        if (fault === "silence") return;
        if (fault !== undefined)
          return answer(serviceError(fault === "timeout-after-store" ? grpc.status.ABORTED : grpc.status.UNAVAILABLE, "ordered by a test", {}));
        if (result.is === "deleted")
          return answer(serviceError(grpc.status.FAILED_PRECONDITION, "deleted", { exception: "stream-deleted", "stream-name": stream }));
        if (result.is === "too-large")
          return answer(
            serviceError(grpc.status.INVALID_ARGUMENT, "too large", {
              exception: "maximum-append-size-exceeded",
              "maximum-append-size": String(maxAppendBytes),
            }),
          );
        const response = new wire.AppendResp();
        if (result.is === "wrong-expected-version") {
          const wrong = new wire.AppendResp.WrongExpectedVersion();
          if (result.actual >= 0) wrong.setCurrentRevision(String(result.actual));
          else wrong.setCurrentNoStream(new shared.Empty());
          answer(null, response.setWrongExpectedVersion(wrong));
        } else {
          const success = new wire.AppendResp.Success().setCurrentRevision(String(result.revision));
          if (result.is === "stored")
            success.setPosition(new wire.AppendResp.Position().setCommitPosition(String(result.position)).setPreparePosition(String(result.position)));
          else success.setNoPosition(new shared.Empty());
          answer(null, response.setSuccess(success));
        }
      }),
    );
  };

  const read: grpc.handleServerStreamingCall<wire.ReadReq, wire.ReadResp> = (call) => {
    const requested = call.request.getOptions()!;
    const subscribes = requested.hasSubscription();
    openReads++;
    call.on("close", () => openReads--);
    call.on("error", () => {});
    begin(subscribes ? "subscribe" : "read", (fault) => {
      if (call.cancelled || fault === "silence") return;
      if (fault !== undefined) return void call.emit("error", errorOf(fault));
      if (subscribes) subscribe(call, requested);
      else readOnce(call, requested);
    });
  };

  const readOnce = (call: ReadCall, requested: wire.ReadReq.Options) => {
    const count = Number(requested.getCount());
    const forward = requested.getReadDirection() === 0;
    const place = requested.getStream();
    if (place !== undefined) {
      const name = nameOf(place.getStreamIdentifier());
      const from = place.hasStart() ? "start" : place.hasEnd() ? "end" : Number(place.getRevision());
      const found = database.readStream(name, from, forward ? "forward" : "backward", count);
      if (found.is === "deleted")
        return void call.emit("error", serviceError(grpc.status.FAILED_PRECONDITION, "deleted", { exception: "stream-deleted", "stream-name": name }));
      if (found.is === "not-found") {
        call.write(new wire.ReadResp().setStreamNotFound(new wire.ReadResp.StreamNotFound().setStreamIdentifier(identifierOf(name))));
        return void call.end();
      }
      return void send(call, found.records[Symbol.iterator](), sending);
    }
    const all = requested.getAll()!;
    const { log } = database;
    const where = placeOf(database, all);
    if (where === "beyond" && forward) return void call.end();
    if (where !== "record")
      return void call.emit("error", serviceError(grpc.status.UNKNOWN, `Unexpected ReadAllResult: ${where === "beyond" ? "Error" : "InvalidPosition"}`, {}));
    let index = all.hasStart() ? 0 : all.hasEnd() ? log.length : database.indexOf(Number(all.getPosition()!.getCommitPosition()));
    let left = count;
    const next = (): Recorded | undefined => {
      if (left-- <= 0) return undefined;
      return forward ? log[index++] : log[--index];
    };
    void send(
      call,
      {
        next: () => {
          const value = next();
          return value === undefined ? { done: true, value: undefined } : { done: false, value };
        },
      },
      sending,
    );
  };

  const subscribe = (call: ReadCall, requested: wire.ReadReq.Options) => {
    const all = requested.getAll();
    const place = requested.getStream();
    const accepts = filterOf(requested);
    const window = (requested.getFilter()?.getMax() || 32) * (requested.getFilter()?.getCheckpointintervalmultiplier() || 1);
    call.write(new wire.ReadResp().setConfirmation(new wire.ReadResp.SubscriptionConfirmation().setSubscriptionId(crypto.randomUUID())));
    const where = all === undefined ? "record" : placeOf(database, all);
    if (where === "beyond") return; // silence
    if (where === "between") return void call.emit("error", serviceError(grpc.status.INVALID_ARGUMENT, "Trying to read from an invalid position.", {}));
    let after = -1;
    if (all?.hasPosition()) after = Number(all.getPosition()!.getCommitPosition());
    else if (all?.hasEnd()) after = database.log.at(-1)?.position ?? -1;
    const name = place === undefined ? null : nameOf(place.getStreamIdentifier());
    const afterRevision = place?.hasRevision() ? Number(place.getRevision()) : place?.hasEnd() ? Number.MAX_SAFE_INTEGER : -1;
    let considered = 0;
    let pumping = false;
    let caughtUp = false;
    const end = () => {
      unlisten();
      subscriptions.delete(subscription);
    };
    const pump = async () => {
      if (pumping) return;
      pumping = true;
      while (subscriptions.has(subscription)) {
        const record = database.log[database.indexOf(after + 1)];
        if (record === undefined) {
          if (!caughtUp) call.write(new wire.ReadResp().setCaughtUp(new wire.ReadResp.CaughtUp()));
          caughtUp = true;
          break;
        }
        after = record.position;
        const wanted = name === null ? accepts(record) : record.stream === name && record.revision > afterRevision;
        let goesOn = true;
        if (wanted) goesOn = call.write(sending(record));
        if (requested.hasFilter() && ++considered % window === 0) {
          if (filterMs > 0) await wait(filterMs);
          goesOn = call.write(
            new wire.ReadResp().setCheckpoint(
              new wire.ReadResp.Checkpoint().setCommitPosition(String(record.position)).setPreparePosition(String(record.position)),
            ),
          );
        }
        if (!goesOn) await drained(call);
      }
      pumping = false;
    };
    const subscription = {
      drop() {
        end();
        call.emit("error", errorOf({ status: grpc.status.UNAVAILABLE }));
      },
    };
    subscriptions.add(subscription);
    const unlisten = database.onAppend(() => void pump());
    call.on("cancelled", end);
    call.on("close", end);
    void pump();
  };

  const removeStream = (remove: (name: string) => AppendResult, name: string, fault: Fault | undefined): grpc.ServiceError | number => {
    if (fault !== undefined) return errorOf(fault);
    const result = remove(name);
    if (result.is === "stored") return result.position;
    if (result.is === "deleted") return serviceError(grpc.status.FAILED_PRECONDITION, "deleted", { exception: "stream-deleted", "stream-name": name });
    return serviceError(grpc.status.FAILED_PRECONDITION, "wrong expected version", {
      exception: "wrong-expected-version",
      "stream-name": name,
      "expected-version": "-2",
    });
  };

  const open = async () => {
    const opened = new grpc.Server({ "grpc.max_receive_message_length": 17 * 1024 * 1024 });
    opened.addService(services.StreamsService, {
      read,
      append,
      batchAppend,
      delete: ((call, answer) =>
        begin("delete", (fault) => {
          const result = removeStream(database.softDelete, nameOf(call.request.getOptions()!.getStreamIdentifier()), fault);
          if (typeof result !== "number") return answer(result);
          answer(null, new wire.DeleteResp().setPosition(new wire.DeleteResp.Position().setCommitPosition(String(result)).setPreparePosition(String(result))));
        })) satisfies grpc.handleUnaryCall<wire.DeleteReq, wire.DeleteResp>,
      tombstone: ((call, answer) =>
        begin("delete", (fault) => {
          const result = removeStream(database.tombstone, nameOf(call.request.getOptions()!.getStreamIdentifier()), fault);
          if (typeof result !== "number") return answer(result);
          answer(
            null,
            new wire.TombstoneResp().setPosition(new wire.TombstoneResp.Position().setCommitPosition(String(result)).setPreparePosition(String(result))),
          );
        })) satisfies grpc.handleUnaryCall<wire.TombstoneReq, wire.TombstoneResp>,
    });
    opened.addService(featureServices.ServerFeaturesService, {
      getSupportedMethods: ((_call, answer) =>
        begin("features", (fault) => {
          if (fault === "silence") return;
          if (fault !== undefined) return answer(errorOf(fault));
          const methods = ["Read", "Append", "BatchAppend", "Delete", "Tombstone"].map((name) =>
            new features.SupportedMethod().setServiceName("event_store.client.streams.Streams").setMethodName(name.toLowerCase()),
          );
          answer(null, new features.SupportedMethods().setEventStoreServerVersion("24.10.0").setMethodsList(methods));
        })) satisfies grpc.handleUnaryCall<shared.Empty, features.SupportedMethods>,
    });
    opened.addService(clusterServices.GossipService, {
      read: ((_call, answer) => {
        const { leader: leading, members } = options.cluster?.now() ?? { leader: port, members: [port] };
        const { LEADER, FOLLOWER, UNKNOWN } = gossip.MemberInfo.VNodeState;
        const infos = members.map((member) =>
          new gossip.MemberInfo()
            .setInstanceId(new shared.UUID().setString(crypto.randomUUID()))
            .setTimeStamp(String(Date.now()))
            .setState(member === leading ? LEADER : leading === null ? UNKNOWN : FOLLOWER)
            .setIsAlive(true)
            .setHttpEndPoint(new gossip.EndPoint().setAddress("127.0.0.1").setPort(member)),
        );
        answer(null, new gossip.ClusterInfo().setMembersList(infos));
      }) satisfies grpc.handleUnaryCall<shared.Empty, gossip.ClusterInfo>,
    });
    port = await new Promise<number>((resolve, reject) =>
      opened.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, bound) => (error === null ? resolve(bound) : reject(error))),
    );
    server = opened;
  };

  await open();
  return {
    database,
    get port() {
      return port;
    },
    get connectionString() {
      return `esdb://127.0.0.1:${port}?tls=false`;
    },
    get openReads() {
      return openReads;
    },
    calls,
    get eventsSent() {
      return eventsSent;
    },
    failNext(call, fault, times = 1) {
      faults.set(call, [...(faults.get(call) ?? []), ...Array.from({ length: times }, () => fault)]);
    },
    delayNext(call, ms) {
      delays.set(call, [...(delays.get(call) ?? []), ms]);
    },
    slow(ms) {
      slowMs = ms;
    },
    filterSlowly(ms) {
      filterMs = ms;
    },
    dropSubscriptions() {
      for (const subscription of [...subscriptions]) subscription.drop();
    },
    setLeader(to) {
      leader = to;
    },
    writeSystemEvent() {
      database.append("$stats-127.0.0.1:2113", [systemEvent("$statsCollected", { cpu: 1 })], "any");
    },
    async stop() {
      server?.forceShutdown();
      server = null;
      subscriptions.clear();
    },
    async start() {
      database.forgetIds();
      await open();
    },
  };
}

type ReadCall = grpc.ServerWritableStream<wire.ReadReq, wire.ReadResp>;

async function send(call: ReadCall, records: Iterator<Recorded, unknown>, sending: (record: Recorded) => wire.ReadResp): Promise<void> {
  for (let next = records.next(); !next.done; next = records.next()) {
    if (call.cancelled || call.destroyed) return;
    if (!call.write(sending(next.value))) await drained(call);
  }
  call.end();
}

function drained(call: ReadCall): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      for (const event of ["drain", "close", "cancelled"]) call.off(event, go);
      resolve();
    };
    for (const event of ["drain", "close", "cancelled"]) call.on(event, go);
  });
}

/**
 * Whether a record begins (or began) where a read or a subscription is to begin. Between two of them the real one answers either with an error; beyond
 * the last one it answers a read forward with nothing, one backward with an error, and a subscription never.
 */
function placeOf(database: Database, all: wire.ReadReq.Options.AllOptions): "record" | "between" | "beyond" {
  const position = all.getPosition();
  if (position === undefined || database.isPlace(Number(position.getCommitPosition()))) return "record";
  return Number(position.getCommitPosition()) > (database.log.at(-1)?.position ?? -1) ? "beyond" : "between";
}

function filterOf(requested: wire.ReadReq.Options): (record: Recorded) => boolean {
  const filter = requested.getFilter();
  if (filter === undefined) return () => true;
  const expression = filter.getStreamIdentifier() ?? filter.getEventType();
  const textOf = filter.hasStreamIdentifier() ? ({ stream }: Recorded) => stream : ({ type }: Recorded) => type;
  const prefixes = expression?.getPrefixList() ?? [];
  const regex = expression?.getRegex() ?? "";
  if (regex !== "") {
    const pattern = new RegExp(regex);
    return (record) => pattern.test(textOf(record));
  }
  return (record) => prefixes.some((prefix) => textOf(record).startsWith(prefix));
}

/** Milliseconds of 1970 in ticks of 100 ns, as the real one counts here. */
const ticksPerMs = 10_000n;

function eventOf(record: Recorded): wire.ReadResp {
  const recorded = new wire.ReadResp.ReadEvent.RecordedEvent()
    .setId(new shared.UUID().setString(record.id))
    .setStreamIdentifier(identifierOf(record.stream))
    .setStreamRevision(String(record.revision === tombstoneRevision ? 2n ** 63n - 1n : record.revision))
    .setCommitPosition(String(record.position))
    .setPreparePosition(String(record.position))
    .setCustomMetadata(record.metadata)
    .setData(record.data);
  recorded
    .getMetadataMap()
    .set("type", record.type)
    .set("content-type", record.contentType)
    .set("created", String(BigInt(record.createdMs) * ticksPerMs));
  return new wire.ReadResp().setEvent(new wire.ReadResp.ReadEvent().setEvent(recorded).setCommitPosition(String(record.position)));
}

function proposedOf(message: wire.AppendReq.ProposedMessage | wire.BatchAppendReq.ProposedMessage): Proposed {
  return {
    id: message.getId()!.getString(),
    type: message.getMetadataMap().get("type") ?? "",
    contentType: message.getMetadataMap().get("content-type") ?? "",
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

function expectedOf(options: { hasAny(): boolean; hasNoStream(): boolean; hasStreamExists(): boolean }, revision: string): Expected {
  if (options.hasAny()) return "any";
  if (options.hasNoStream()) return "none";
  return options.hasStreamExists() ? "exists" : BigInt(revision);
}

function batchAnswer(answer: wire.BatchAppendResp, result: AppendResult, expected: Expected, stream: string): wire.BatchAppendResp {
  if (result.is === "deleted")
    return answer.setError(batchError("StreamDeleted", new shared.StreamDeleted().setStreamIdentifier(identifierOf(stream)).serializeBinary()));
  if (result.is === "too-large")
    return answer.setError(batchError("MaximumAppendSizeExceeded", new shared.MaximumAppendSizeExceeded().setMaxappendsize(maxAppendBytes).serializeBinary()));
  if (result.is === "wrong-expected-version") {
    const wrong = new shared.WrongExpectedVersion();
    if (result.actual >= 0) wrong.setCurrentStreamRevision(String(result.actual));
    if (typeof expected === "bigint") wrong.setExpectedStreamPosition(String(expected));
    return answer.setError(batchError("WrongExpectedVersion", wrong.serializeBinary()));
  }
  const success = new wire.BatchAppendResp.Success().setCurrentRevision(String(result.revision));
  if (result.is === "stored")
    success.setPosition(new shared.AllStreamPosition().setCommitPosition(String(result.position)).setPreparePosition(String(result.position)));
  return answer.setSuccess(success);
}

/** The message stays empty, as the real one's does. */
function batchError(name: string, details: Uint8Array): statuses.Status {
  const packed = new any.Any();
  packed.pack(details, `event_store.client.${name}`);
  return new statuses.Status().setDetails(packed);
}

function serviceError(code: grpc.status, details: string, trailers: Readonly<Record<string, string>>): grpc.ServiceError {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
  return Object.assign(new Error(details), { code, details, metadata });
}

function identifierOf(stream: string): shared.StreamIdentifier {
  return new shared.StreamIdentifier().setStreamName(Buffer.from(stream));
}

function nameOf(identifier: shared.StreamIdentifier | undefined): string {
  return Buffer.from(identifier!.getStreamName_asU8()).toString();
}
