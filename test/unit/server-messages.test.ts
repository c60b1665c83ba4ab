import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeAppendAnswer, refusalOf } from "../../src/log/eventstoredb/wire/append-answer.ts";
import { encodeAppendRequest } from "../../src/log/eventstoredb/wire/append-request.ts";
import { decodeReadAnswer } from "../../src/log/eventstoredb/wire/read-answer.ts";
import { encodeReadRequest } from "../../src/log/eventstoredb/wire/read-request.ts";

const require = createRequire(import.meta.url);
const generated: typeof import("@eventstore/db-client/generated/streams_pb.js") = require("@eventstore/db-client/generated/streams_pb.js");
const shared: typeof import("@eventstore/db-client/generated/shared_pb.js") = require("@eventstore/db-client/generated/shared_pb.js");
const { BatchAppendReq, BatchAppendResp, ReadReq, ReadResp } = generated;

const text = fc.string({ unit: "grapheme", maxLength: 300 });
const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 300 });
const position = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const revision = fc.maxSafeNat();
const uuid = fc.uuid();
const bytesOf = (message: { serializeBinary(): Uint8Array }) => Buffer.from(message.serializeBinary());
const identifier = (stream: string) => new shared.StreamIdentifier().setStreamName(Buffer.from(stream).toString("base64"));
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe("messages of the server", () => {
  it("of an append say what the client's own messages would (property)", () => {
    const event = fc.record({ id: uuid, type: name, data: text, metadata: text });
    const long = fc.constant({ id: crypto.randomUUID(), type: "order.placed", data: "€".repeat(300_000), metadata: "{}" });
    const head = fc.oneof(fc.constant(-1), revision);
    fc.assert(
      fc.property(name, head, fc.array(fc.oneof({ weight: 20, arbitrary: event }, long), { minLength: 1, maxLength: 5 }), uuid, (stream, head, events, id) => {
        const request = BatchAppendReq.deserializeBinary(encodeAppendRequest({ stream, head, events }, id, 1_700_000_000_001));
        const options = request.getOptions()!;
        expect(request.getCorrelationId()!.getString()).toBe(id);
        expect(request.getIsFinal()).toBe(true);
        expect(textOf(options.getStreamIdentifier()!.getStreamName_asU8())).toBe(stream);
        expect(options.hasNoStream() ? -1 : Number(options.getStreamPosition())).toBe(head);
        expect(options.hasStreamPosition()).toBe(head !== -1);
        expect(options.getDeadline()!.getSeconds()).toBe(1_700_000_001);
        const told = request.getProposedMessagesList().map((one) => ({
          id: one.getId()!.getString(),
          type: one.getMetadataMap().get("type"),
          as: one.getMetadataMap().get("content-type"),
          data: textOf(one.getData_asU8()),
          metadata: textOf(one.getCustomMetadata_asU8()),
        }));
        expect(told).toEqual(events.map(({ type, ...rest }) => ({ ...rest, type, as: "application/json" })));
      }),
    );
  });

  it("of a stored append are read as the client reads them (property)", () => {
    fc.assert(
      fc.property(uuid, revision, fc.option(position), name, (id, last, at, stream) => {
        const success = new BatchAppendResp.Success().setCurrentRevision(String(last));
        if (at !== null) success.setPosition(new shared.AllStreamPosition().setCommitPosition(String(at)).setPreparePosition(String(at)));
        const answer = new BatchAppendResp().setCorrelationId(new shared.UUID().setString(id)).setSuccess(success).setStreamIdentifier(identifier(stream));
        expect(decodeAppendAnswer(bytesOf(answer))).toMatchObject({ correlationId: id, stored: { last, position: at ?? undefined } });
      }),
    );
  });

  it("of an event are read as they were stored (property)", () => {
    const about = fc.record({ id: uuid, stream: name, revision, position, type: name, data: fc.json(), metadata: fc.json(), ms: fc.nat(2 ** 42) });
    fc.assert(
      fc.property(about, ({ id, stream, revision, position, type, data, metadata, ms }) => {
        const event = new ReadResp.ReadEvent.RecordedEvent()
          .setId(new shared.UUID().setString(id))
          .setStreamIdentifier(identifier(stream))
          .setStreamRevision(String(revision))
          .setCommitPosition(String(position))
          .setPreparePosition(String(position))
          .setData(Buffer.from(data))
          .setCustomMetadata(Buffer.from(metadata));
        event
          .getMetadataMap()
          .set("type", type)
          .set("created", String(BigInt(ms) * 10_000n + 9_999n))
          .set("content-type", "application/json");
        const answer = decodeReadAnswer(bytesOf(new ReadResp().setEvent(new ReadResp.ReadEvent().setEvent(event).setCommitPosition(String(position)))));
        if (answer.is !== "event") throw new Error("It is an event.");
        expect(answer.event).toMatchObject({ id, streamId: stream, revision, position, type, isJson: true, createdMs: ms });
        expect([answer.event.data, answer.event.metadata]).toEqual([JSON.parse(data), JSON.parse(metadata)]);
        expect(answer.event.bytes).toBe(Buffer.byteLength(data) + Buffer.byteLength(metadata));
      }),
    );
  });

  it("of an event that is no JSON hold its bytes, and of one whose JSON is broken its text", () => {
    const of = (data: string, as: string) => {
      const event = new ReadResp.ReadEvent.RecordedEvent().setData(Buffer.from(data)).setCustomMetadata(Buffer.from("{"));
      event.getMetadataMap().set("content-type", as);
      const answer = decodeReadAnswer(bytesOf(new ReadResp().setEvent(new ReadResp.ReadEvent().setEvent(event))));
      return answer.is === "event" ? answer.event : null;
    };
    expect(of("{", "application/json")).toMatchObject({ isJson: true, data: "{", metadata: undefined, createdMs: 0, type: "<no-event-type-provided>" });
    expect(of("{", "application/octet-stream")).toMatchObject({ isJson: false, data: Buffer.from("{") });
  });

  it("of a subscription tell its confirmation, its progress, and that it has caught up; the rest is passed over", () => {
    const at = new ReadResp.Checkpoint().setCommitPosition(String(2n ** 60n)).setPreparePosition("7");
    const read = (answer: InstanceType<typeof ReadResp>) => decodeReadAnswer(bytesOf(answer));
    expect(read(new ReadResp().setConfirmation(new ReadResp.SubscriptionConfirmation().setSubscriptionId("a")))).toEqual({ is: "confirmed" });
    expect(read(new ReadResp().setCheckpoint(at))).toEqual({ is: "checkpoint", position: 2n ** 60n });
    expect(read(new ReadResp().setCaughtUp(new ReadResp.CaughtUp()))).toEqual({ is: "caught_up" });
    expect(read(new ReadResp().setFellBehind(new ReadResp.FellBehind()))).toEqual({ is: "other" });
    expect(read(new ReadResp().setStreamNotFound(new ReadResp.StreamNotFound().setStreamIdentifier(identifier("shop.order-1"))))).toEqual({ is: "other" });
    expect(read(new ReadResp().setLastStreamPosition("3"))).toEqual({ is: "other" });
    expect(read(new ReadResp())).toEqual({ is: "other" });
  });

  it("are refused when they are cut short", () => {
    const whole = bytesOf(new BatchAppendResp().setCorrelationId(new shared.UUID().setString(crypto.randomUUID())));
    for (let length = 1; length < whole.length; length++) expect(() => decodeAppendAnswer(whole.subarray(0, length))).toThrow(/in the middle of a field/);
  });

  it("of a refusal become the client's error", () => {
    const answer = new BatchAppendResp().setStreamIdentifier(identifier("shop.order-1"));
    const status = new (require("@eventstore/db-client/generated/status_pb.js").Status)();
    const { Any } = require("google-protobuf/google/protobuf/any_pb.js");
    const details = new Any();
    details.pack(new shared.WrongExpectedVersion().setCurrentStreamRevision("7").serializeBinary(), "event_store.client.WrongExpectedVersion");
    const bytes = bytesOf(answer.setError(status.setDetails(details)));
    expect(decodeAppendAnswer(bytes).stored).toBeNull();
    expect(refusalOf(bytes)).toMatchObject({ type: "wrong-expected-version", actualVersion: 7n, streamName: "shop.order-1" });
  });

  it("of a read ask for what is wanted (property)", () => {
    const direction = fc.constantFrom("forward" as const, "backward" as const);
    fc.assert(
      fc.property(name, direction, fc.option(revision), fc.integer({ min: 1, max: 5000 }), (stream, direction, from, count) => {
        const options = ReadReq.deserializeBinary(encodeReadRequest({ is: "stream", stream, direction, from, count })).getOptions()!;
        const place = options.getStream()!;
        expect(textOf(place.getStreamIdentifier()!.getStreamName_asU8())).toBe(stream);
        expect(place.hasEnd() ? null : Number(place.getRevision())).toBe(from);
        expect([options.getReadDirection(), Number(options.getCount())]).toEqual([direction === "forward" ? 0 : 1, count]);
        expect([options.hasNoFilter(), options.getUuidOption()!.hasString(), options.getResolveLinks()]).toEqual([true, true, false]);
      }),
    );
    fc.assert(
      fc.property(fc.option(position), direction, (from, direction) => {
        const options = ReadReq.deserializeBinary(encodeReadRequest({ is: "page", direction, from, count: 7 })).getOptions()!;
        const place = options.getAll()!;
        expect(place.hasEnd() ? null : place.hasStart() ? 0n : BigInt(place.getPosition()!.getCommitPosition())).toBe(from);
        expect([options.getReadDirection(), options.getCount(), options.hasSubscription()]).toEqual([direction === "forward" ? 0 : 1, "7", false]);
      }),
    );
    const filter = fc.option(fc.oneof(fc.record({ types: fc.array(name, { minLength: 1 }) }), fc.record({ streamPrefixes: fc.array(name, { minLength: 1 }) })));
    fc.assert(
      fc.property(position, filter, (after, filter) => {
        const options = ReadReq.deserializeBinary(encodeReadRequest({ is: "subscription", after, filter })).getOptions()!;
        expect([options.hasSubscription(), options.hasNoFilter()]).toEqual([true, filter === null]);
        expect(options.getAll()!.hasStart() ? 0n : BigInt(options.getAll()!.getPosition()!.getPreparePosition())).toBe(after);
        const asked = options.getFilter();
        expect(asked?.getEventType()?.getPrefixList()).toEqual(filter !== null && "types" in filter ? filter.types : undefined);
        expect(asked?.getStreamIdentifier()?.getPrefixList()).toEqual(filter !== null && "streamPrefixes" in filter ? filter.streamPrefixes : undefined);
        if (filter !== null) expect([asked!.hasCount(), asked!.getCheckpointintervalmultiplier()]).toEqual([true, 16]);
      }),
    );
  });
});
