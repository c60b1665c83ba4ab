/** The library, a JSON body and a CloudEvent in each of its modes are ways for one event: what is stored is the same, and so is what is refused, in the same words. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { openStore } from "../../src/compose.ts";
import { defineConfig } from "../../src/config/config.ts";
import { RepriseError } from "../../src/errors.ts";
import { newId } from "../../src/event/ids.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import type { Store } from "../../src/store/store.ts";
import { serverOver } from "../support/http.ts";

type Member = "type" | "schemaVersion" | "source" | "occurredAt" | "priority" | "correlationId" | "traceparent";
const bodyName: Readonly<Record<Member, string>> = {
  ...{ type: "type", schemaVersion: "schema_version", source: "source", occurredAt: "occurred_at", priority: "priority" },
  ...{ correlationId: "correlation_id", traceparent: "traceparent" },
};
const attributeName: Readonly<Record<Member, string>> = { ...bodyName, schemaVersion: "schemaversion", occurredAt: "time", correlationId: "correlationid" };

/** Stored, as the event shows it; or refused: the code, with the first place and what is wrong there. */
type Outcome = { readonly stored: unknown } | { readonly refused: string; readonly pointer: string | undefined; readonly detail: string | undefined };

describe("an event's members", () => {
  let store: Store;
  let server: ReturnType<typeof serverOver>;
  const folder = mkdtempSync(join(tmpdir(), "reprise-"));
  beforeAll(async () => {
    store = await openStore(defineConfig({ events: [defineEvent("order.placed", { 1: z.unknown() })], handlers: [] }), { log: `sqlite:${folder}` });
    await store.start();
    server = serverOver(store);
  });
  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  async function byLibrary(member: Member, value: unknown): Promise<Outcome> {
    const id = newId();
    const input = { id, type: "order.placed", entity: { type: "order", id }, data: 1, [member]: value } as unknown as EventInput;
    try {
      await store.append(input);
    } catch (error) {
      if (!(error instanceof RepriseError)) throw error;
      return { refused: error.code, pointer: error.errors[0]?.pointer, detail: error.errors[0]?.detail };
    }
    return { stored: await shown(id, member) };
  }

  interface Sent {
    readonly contentType: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly payload: unknown;
    /** The member's place. */
    readonly place: string;
    readonly id: string;
  }

  async function byHttp(member: Member, { contentType, headers = {}, payload, place, id }: Sent): Promise<Outcome> {
    const asked = { method: "POST", url: "/events", headers: { "content-type": contentType, ...headers }, payload: JSON.stringify(payload) } as const;
    const answer = await server.inject(asked);
    const { code, errors = [] } = answer.json() as { code: string; errors?: readonly { pointer: string; detail: string }[] };
    if (answer.statusCode === 201) return { stored: await shown(id, member) };
    return { refused: code, pointer: errors[0]?.pointer.replace(place, `#/${member}`), detail: errors[0]?.detail };
  }

  function byBody(member: Member, value: unknown): Promise<Outcome> {
    const id = newId();
    const event = { id, type: "order.placed", entity: { type: "order", id }, data: 1, [bodyName[member]]: value };
    return byHttp(member, { contentType: "application/json", payload: event, place: `#/${bodyName[member]}`, id });
  }

  const cloudEvent = (id: string, member: Member, value: unknown) => ({
    ...{ specversion: "1.0", id, source: "shop", type: "order.placed", subject: `order/${id}` },
    [attributeName[member]]: value,
  });

  function byCloudEvent(member: Member, value: unknown): Promise<Outcome> {
    const id = newId();
    const payload = { ...cloudEvent(id, member, value), data: 1 };
    return byHttp(member, { contentType: "application/cloudevents+json", payload, place: `#/${attributeName[member]}`, id });
  }

  function byBatch(member: Member, value: unknown): Promise<Outcome> {
    const id = newId();
    const payload = [{ ...cloudEvent(id, member, value), data: 1 }];
    return byHttp(member, { contentType: "application/cloudevents-batch+json", payload, place: `#/0/${attributeName[member]}`, id });
  }

  function byHeaders(member: Member, value: unknown): Promise<Outcome> {
    const id = newId();
    const headers = Object.fromEntries(Object.entries(cloudEvent(id, member, value)).map(([name, each]) => [`ce-${name}`, encodeURIComponent(String(each))]));
    return byHttp(member, { contentType: "application/json", headers, payload: 1, place: `ce-${attributeName[member]}`, id });
  }

  async function shown(id: string, member: Member): Promise<unknown> {
    const { events } = await store.readEntity({ type: "order", id });
    return events[0]![member];
  }

  it.each<readonly [Member, unknown]>([
    ["occurredAt", "2026-07-01T12:00:00.123456789Z"],
    ["occurredAt", "2026-07-01T00:30:00.000000001+02:00"],
    ["occurredAt", "2026-07-01T12:00:00.000-05:30"],
    ["occurredAt", "2026-07-01T12:00Z"],
    ["occurredAt", "2026-07-01T12:00:00"],
    ["occurredAt", "2026-02-30T12:00:00Z"],
    ["occurredAt", "0000-01-01T00:00:00+01:00"],
    ...Array.from({ length: 30 }, (_, at) => ["occurredAt", `2026-07-01T12:00:00.${"123456789".repeat(4).slice(0, at + 1)}Z`] as const),
    ["occurredAt", `2026-07-01T12:00:00.${"1".repeat(40)}Z`],
    ["occurredAt", "2016-12-31T23:59:60Z"],
    ["occurredAt", "2026-07-01t12:00:00z"],
    ["occurredAt", "2026-07-01T12:00:00-00:00"],
    ["occurredAt", "2026-07-01T12:00:00+23:59"],
    ["occurredAt", "2026-07-01T12:00:00+24:00"],
    ["occurredAt", "9999-12-31T23:59:59-01:00"],
    ["source", "shop"],
    ["source", "two\nlines"],
    ["source", ""],
    ["source", "x".repeat(257)],
    ["source", "\ud800"],
    ["correlationId", "tab\there"],
    ["type", "no type"],
    ["schemaVersion", 0],
    ["schemaVersion", 1001],
    ["priority", "urgent"],
    ["traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
    ["traceparent", "00-x"],
  ])("%s %j is stored, or refused, the same by the library, a body and a CloudEvent in each mode", async (member, value) => {
    const library = await byLibrary(member, value);
    expect(await byBody(member, value)).toEqual(library);
    const attribute = await byCloudEvent(member, value);
    // The version of a CloudEvent may be a text, too: its words are its own.
    if (member === "schemaVersion" && value === 0) expect(attribute).toMatchObject({ refused: "REQUEST_INVALID", pointer: "#/schemaVersion" });
    else expect(attribute).toEqual(library);
    expect(await byBatch(member, value)).toEqual(attribute);
    // Half of a surrogate pair cannot be written in a header.
    if (value !== "\ud800") expect(await byHeaders(member, value)).toEqual(attribute);
  });

  it("tell of a time that is too long by how long it may be", async () => {
    expect(await byLibrary("occurredAt", `2026-07-01T12:00:00.${"1".repeat(19)}Z`)).toEqual({ stored: `2026-07-01T12:00:00.${"1".repeat(19)}Z` });
    expect(await byLibrary("occurredAt", `2026-07-01T12:00:00.${"1".repeat(20)}Z`)).toMatchObject({ detail: expect.stringContaining("40 characters") });
  });

  it("of a CloudEvent are named by its attributes, also where only the store refuses them", async () => {
    const send = async (more: object) => {
      const payload = JSON.stringify({ specversion: "1.0", id: newId(), source: "shop", type: "order.placed", subject: "order/1", data: 1, ...more });
      const answer = await server.inject({ method: "POST", url: "/events", headers: { "content-type": "application/cloudevents+json" }, payload });
      return (answer.json() as { errors: readonly { pointer: string }[] }).errors[0]!.pointer;
    };
    expect(await send({ callchain: "web,desk" })).toBe("#/callchain");
    expect(await send({ dataref: "two\nlines" })).toBe("#/dataref");
    expect(await send({ schemaversion: 7 })).toBe("#/schemaversion");
  });
});
