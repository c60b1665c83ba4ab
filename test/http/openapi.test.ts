/** The document that describes the service: valid, whole, and true of what the server does. */
import { Validator } from "@seriousme/openapi-schema-validator";
import type { FastifyReply, FastifyRequest } from "fastify";
import { describe, expect, it } from "vitest";
import { type ErrorCode, errorCatalog } from "../../src/errors.ts";
import { makeDocument, type OpenApiDocument } from "../../src/http/openapi/document.ts";
import { statusOfCode } from "../../src/http/problem.ts";
import { codesBeforeRoutes } from "../../src/http/route-codes.ts";
import { Judge, type Operation, tableOf } from "../support/described.ts";
import { makeFakeStore } from "../support/fake-store.ts";
import { expectProblem, serverOver } from "../support/http.ts";

async function readDocument() {
  const app = serverOver(makeFakeStore());
  const table = tableOf(app);
  const answer = await app.inject("/openapi.json");
  expect(answer.statusCode).toBe(200);
  return {
    app,
    table,
    document: answer.json<
      OpenApiDocument & { readonly info: { readonly version: string }; readonly components: { readonly schemas: Readonly<Record<string, unknown>> } }
    >(),
  };
}

const operationsOf = (document: OpenApiDocument) =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation: operation as Operation })),
  );

const codesIn = (operation: Operation) =>
  Object.entries(operation.responses).flatMap(([status, { content }]) => {
    const problem = content["application/problem+json"] as { schema: { allOf: [unknown, { properties: { code: { enum: ErrorCode[] } } }] } } | undefined;
    return (problem?.schema.allOf[1].properties.code.enum ?? []).map((code) => ({ status: Number(status), code }));
  });

const sorted = (texts: Iterable<string>) => [...texts].sort((a, b) => (a < b ? -1 : Number(a > b)));

describe("GET /openapi.json", () => {
  it("has every route of the server and no other, each with its role, its path's names and an answer", async () => {
    const { table, document } = await readDocument();
    const described = operationsOf(document).map(({ method, path }) => `${method} ${path}`);
    expect(sorted(described)).toEqual(sorted(table.map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, "{$1}")}`)));
    expect(described.length).toBeGreaterThan(40);
    for (const { path, operation } of operationsOf(document)) {
      expect(operation).toMatchObject({ summary: expect.stringMatching(/^[A-Z].*\.$/), description: expect.stringMatching(/^Takes/) });
      const named = operation.parameters.filter(({ in: place }) => place === "path").map(({ name }) => `{${name}}`);
      expect(named).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(Object.keys(operation.responses).some((status) => status.startsWith("2"))).toBe(true);
    }
    expect(new Set(operationsOf(document).map(({ operation }) => operation.operationId)).size).toBe(described.length);
  });

  it("is OpenAPI 3.1 by the specification's own schema", async () => {
    const { document } = await readDocument();
    const validator = new Validator();
    expect(await validator.validate({ ...structuredClone(document) })).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
    const { openapi: _openapi, ...broken } = document;
    expect(await new Validator().validate({ ...structuredClone(broken), openapi: "3.1.1", paths: { "/a": { get: { responses: 1 } } } })).toMatchObject({
      valid: false,
    });
  });

  it("has each code under its status, and every code that HTTP answers with somewhere", async () => {
    const { document } = await readDocument();
    const all = operationsOf(document).flatMap(({ operation }) => codesIn(operation));
    expect(all.filter(({ status, code }) => statusOfCode(code) !== status)).toEqual([]);
    const reachesHttp = (code: ErrorCode) =>
      errorCatalog[code].kind !== "config" && (errorCatalog[code].kind !== "defect" || ["CLOSED", "ARCHIVE_DAMAGED", "INTERNAL"].includes(code));
    const listed = new Set<string>([...codesBeforeRoutes, ...all.map(({ code }) => code)]);
    expect((Object.keys(errorCatalog) as ErrorCode[]).filter((code) => reachesHttp(code) !== listed.has(code))).toEqual([]);
    expect(Object.keys(document["x-codes"] as object)).toEqual(sorted(listed));
  });

  it("refers to nothing that is not there, and has no shape that nothing refers to", async () => {
    const { document } = await readDocument();
    const refs = new Set(Array.from(JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g), ([, name]) => name!));
    expect(sorted(refs)).toEqual(sorted(Object.keys(document.components.schemas)));
  });

  it("describes what a query reads, and the items of a list whose length is looked at first", async () => {
    const { document } = await readDocument();
    const { parameters } = document.paths["/admin/dlq"]!.get as unknown as Operation;
    expect(parameters.find(({ name }) => name === "limit")).toMatchObject({ schema: { type: "integer", minimum: 1, maximum: 200, default: 50 } });
    expect(document.components.schemas.Append).toMatchObject({
      anyOf: [
        { $ref: "#/components/schemas/NewEvent" },
        { properties: { events: { minItems: 1, maxItems: 1000, items: { $ref: "#/components/schemas/NewEvent" } } } },
      ],
    });
    expect(document.components.schemas.NewEvent).toMatchObject({ required: ["type", "entity", "data"], additionalProperties: false });
  });

  it("is the same at each reading, and takes nothing but `after`", async () => {
    const { app, document } = await readDocument();
    expect((await app.inject("/openapi.json")).json()).toEqual(document);
    expectProblem(await app.inject("/openapi.json?format=yaml"), 400, "REQUEST_INVALID");
  });

  it("is made piece by piece, when it is asked for: a start does not wait for it, nor do others while it is made", async () => {
    const { app, table, document } = await readDocument();
    let pieces = 0;
    const turns = { due: () => true, next: async () => void pieces++ };
    const made = await makeDocument(table, document.info.version, turns);
    expect(pieces).toBe(table.length + 2);
    expect(JSON.parse(JSON.stringify(made))).toEqual(document);
    const answers = await Promise.all(Array.from({ length: 3 }, () => app.inject("/openapi.json")));
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
  });
});

describe("GET /schemas/{type}", () => {
  it("is the current version's JSON Schema; an unknown type is a 404", async () => {
    const app = serverOver(makeFakeStore());
    const current = await app.inject("/schemas/order.placed");
    expect([current.statusCode, current.body]).toEqual([200, (await app.inject("/schemas/order.placed/2")).body]);
    expectProblem(await app.inject("/schemas/none.such"), 404, "NOT_FOUND");
  });
});

describe("GET /docs", () => {
  it("asks for nothing from elsewhere, and runs nothing that did not come as a file of its own", async () => {
    const app = serverOver(makeFakeStore());
    for (const url of ["/docs", "/docs/page.css", "/docs/page.js"]) {
      const { statusCode, headers, body } = await app.inject(url);
      expect([statusCode, headers["x-content-type-options"]]).toEqual([200, "nosniff"]);
      expect(headers["content-security-policy"]).toMatch(
        /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'/,
      );
      expect(body).not.toMatch(/https?:|\/\/\w+\.|innerHTML|<style|style=|\son\w+=/);
    }
    const { body } = await app.inject("/docs");
    for (const [, reference] of body.matchAll(/(?:src|href)="([^"]+)"/g)) expect((await app.inject(`/${reference}`)).statusCode).toBe(200);
    expect(body).not.toMatch(/<script(?![^>]*src=)/);
  });
});

describe("the comparison of each answer with the document", () => {
  const asked = (url: string) => ({ method: "GET", routeOptions: { url }, is404: false, query: {}, headers: {}, body: undefined }) as unknown as FastifyRequest;
  const answered = (statusCode: number, type: string) => ({ statusCode, getHeader: () => type }) as unknown as FastifyReply;

  it("tells of a status, a media type, a member too many, one too few, and a code that the route does not list", async () => {
    const judge = new Judge((await readDocument()).document);
    const departures = (status: number, body: object, type = "application/json") =>
      judge.departures(asked("/healthz"), answered(status, type), JSON.stringify(body));
    expect(departures(200, { status: "ok" })).toEqual([]);
    expect(departures(201, { status: "ok" })).toHaveLength(1);
    expect(departures(200, { status: "ok" }, "text/plain")).toHaveLength(1);
    expect(departures(200, { status: "ok", more: 1 })).toHaveLength(1);
    expect(departures(200, {})).toHaveLength(1);
    const problem = { type: "urn:x", title: "X", status: 503, detail: "X.", instance: "/healthz", remedy: "X.", request_id: "1" };
    expect(departures(503, { ...problem, code: "VIEW_BEHIND" }, "application/problem+json")).toEqual([]);
    expect(departures(503, { ...problem, code: "NOT_OWNER" }, "application/problem+json")).toHaveLength(1);
  });
});
