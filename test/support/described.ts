/** Holds what a server answers in a test to what its document says: the status, the media type, the members, the codes; and what it accepted to what the document lets in. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { afterEach, expect } from "vitest";
import { z } from "zod";
import { isBinaryMode } from "../../src/http/body.ts";
import { makeDocument, type OpenApiDocument, pathOf } from "../../src/http/openapi/document.ts";
import { codesBeforeRoutes } from "../../src/http/route-codes.ts";
import type { Route } from "../../src/http/routed.ts";

interface Response {
  readonly content: Readonly<Record<string, unknown>>;
}
export interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: Response;
  readonly responses: Readonly<Record<string, Response>>;
  readonly [member: string]: unknown;
}

const departures: string[] = [];

afterEach(() => {
  expect(departures.splice(0)).toEqual([]);
});

/** The table of a server's routes, once it is ready. Before its routes are added. */
export function tableOf(app: FastifyInstance): readonly Route[] {
  const table: Route[] = [];
  app.addHook("onRoute", ({ method, url, config }) => {
    const { access = "admin", ofAllTenants = false, acrossTenants = false, contract } = config!;
    for (const each of [method].flat()) if (each !== "HEAD") table.push({ method: each, url, access, ofAllTenants, acrossTenants, contract: contract! });
  });
  return table;
}

/** Compares each answer of a server from now on; what departs from the document fails the test, or is put into `found`. */
export function holdToDocument(app: FastifyInstance, found: string[] = departures): void {
  const table = tableOf(app);
  app.addHook("onSend", async (request, reply, payload) => {
    found.push(...(await judgeOf(table)).departures(request, reply, payload));
  });
}

const judges = new Map<string, Promise<Judge>>();

/** One for all servers with these routes: making a document takes longer than most tests. */
function judgeOf(table: readonly Route[]): Promise<Judge> {
  const routes = table.map(({ method, url }) => `${method} ${url}`).join("\n");
  const judge = judges.get(routes) ?? makeDocument(table, "0.0.0").then((document) => new Judge(document));
  judges.set(routes, judge);
  return judge;
}

export class Judge {
  readonly document: OpenApiDocument;
  readonly #ajv: Ajv2020;
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(document: OpenApiDocument) {
    this.document = strict(document) as OpenApiDocument;
    this.#ajv = new Ajv2020({ strict: false, allErrors: true });
    this.#ajv.addFormat("date-time", (text) => z.iso.datetime({ offset: true }).safeParse(text).success);
    this.#ajv.addSchema(this.document, "document");
  }

  departures(request: FastifyRequest, reply: FastifyReply, payload: unknown): readonly string[] {
    const { url } = request.routeOptions;
    const method = request.method === "HEAD" ? "get" : request.method.toLowerCase();
    const status = reply.statusCode;
    const type = String(reply.getHeader("content-type")).split(";")[0]!;
    const what = `${method} ${url} ${status}`;
    const body = type.endsWith("json") && request.method !== "HEAD" ? (JSON.parse(String(payload)) as { readonly code?: string }) : undefined;
    if (url === undefined || request.is404) return status === 404 || status === 405 || status < 500 ? [] : [`${what}: no route fails with ${body?.code}`];
    if (body?.code !== undefined && (codesBeforeRoutes as readonly string[]).includes(body.code)) return [];
    const place = ["paths", pathOf(url), method];
    const operation = this.document.paths[pathOf(url)]?.[method] as Operation | undefined;
    const response = operation?.responses[status];
    if (operation === undefined || response === undefined) return [`${what} is not in the document (${body?.code ?? type})`];
    if (request.method === "HEAD") return [];
    if (response.content[type] === undefined) return [`${what} answers with ${type}`];
    const found = body === undefined ? [] : this.#faults([...place, "responses", String(status), "content", type, "schema"], body);
    return [
      ...found.map((fault) => `${what}: ${fault}`),
      ...(status < 300 ? this.#accepted(request, operation, place).map((fault) => `${what} accepted: ${fault}`) : []),
    ];
  }

  #accepted(request: FastifyRequest, { parameters, requestBody }: Operation, place: readonly string[]): readonly string[] {
    const names = new Set(parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name));
    const unknown = Object.keys(request.query as object).filter((name) => !names.has(name));
    const type = (request.headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
    if (request.body === undefined || request.body === null) return unknown;
    // In binary mode the body is the data of a CloudEvent, which no route describes.
    if (isBinaryMode(request)) return unknown;
    if (requestBody?.content[type] === undefined) return [...unknown, `a body of ${type}`];
    return [...unknown, ...this.#faults([...place, "requestBody", "content", type, "schema"], request.body)];
  }

  #faults(place: readonly string[], value: unknown): readonly string[] {
    const pointer = place.map((name) => encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");
    let validate = this.#validators.get(pointer);
    if (validate === undefined) this.#validators.set(pointer, (validate = this.#ajv.compile({ $ref: `document#/${pointer}` })));
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`);
  }
}

/** Answers may grow, for a client; for a test a member that the document does not name is one that was forgotten. */
function strict(node: unknown, inside = ""): unknown {
  if (Array.isArray(node)) return node.map((each) => strict(each, inside));
  if (typeof node !== "object" || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, strict(value, name)]));
  const isSchema = copy.type === "object" && typeof copy.properties === "object" && copy.additionalProperties === undefined;
  // A problem has the members that its code adds, and is one of two that are said of the same answer.
  const open = inside === "Problem" || inside === "allOf" || inside === "properties";
  return isSchema && !open ? { ...copy, additionalProperties: false } : copy;
}
