/** Requests over all routes of the document that describes them: most of them sensible, in something or other odd. */
import type { InjectOptions } from "fastify";
import type { OpenApiDocument } from "../../../src/http/openapi/document.ts";
import type { JsonSchema } from "../../../src/http/openapi/json-schemas.ts";
import { type Making, makeValue } from "./from-schema.ts";
import { makeOdd } from "./odd.ts";
import type { Random } from "./random.ts";

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean; readonly schema: JsonSchema }[];
  readonly bodies: readonly (readonly [type: string, schema: JsonSchema])[];
}

export interface Fuzzed {
  readonly document: OpenApiDocument;
  readonly random: Random;
  /** Values that mean something, by the name of the member or the parameter. */
  readonly known: (name: string) => readonly unknown[];
  /** Texts of keys: they stand where they belong, and where they do not. */
  readonly keys: readonly string[];
}

export function makeRequests({ document, random, known, keys }: Fuzzed): () => InjectOptions {
  const operations = operationsOf(document);
  const { schemas } = document.components as { readonly schemas: Readonly<Record<string, JsonSchema>> };
  const ids = () => known("id") as readonly string[];
  // What is stored is told to whoever may see it, so keys stand only in what is not stored.
  const stored = makeOdd(random, ids);
  const passing = makeOdd(random, () => [...keys, ...ids()]);
  const find = (ref: string): JsonSchema => schemas[ref.split("/").at(-1)!]!;
  const making: Making = { random, odd: stored, known, find, oddness: 0.02 };
  const inUrl = (text: string): string => (random.some(0.95) ? encodeURIComponent(text.toWellFormed()) : text.toWellFormed());
  const value = (name: string, schema: JsonSchema, odd = stored): string => {
    const made = random.some(0.1) ? odd.text() : makeValue({ ...making, odd }, schema, name);
    return typeof made === "string" ? made : JSON.stringify(made);
  };

  function urlOf({ method, path, parameters }: Operation): string {
    const odd = method === "GET" ? passing : stored;
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      inUrl(value(name === "type" && path.startsWith("/entities") ? "entity_type" : name, { type: "string" }, odd)),
    );
    const query = parameters
      .filter((each) => each.in === "query" && random.some(each.required ? 0.98 : 0.12))
      .map(({ name, schema }) => [name, value(name, schema, odd)] as const);
    if (random.some(0.05)) query.push([odd.text(), odd.text()]);
    if (random.some(0.02) && query.length > 0) query.push(query[0]!);
    const text = query.map(([name, each]) => `${inUrl(name)}=${inUrl(each)}`).join("&");
    return (random.some(0.01) ? pathOf(odd.text()) : filled) + (text === "" ? "" : `?${text}`);
  }

  function headersOf({ parameters }: Operation): Record<string, string> {
    const attributes = parameters.filter((each) => each.in === "header");
    const some = random.some(0.15) ? attributes.filter(() => random.some(0.7)) : [];
    return {
      ...Object.fromEntries(some.map(({ name, schema }) => [name, header(value(name.replace("ce-", ""), schema))])),
      ...(random.some(0.15) ? stored.headers() : {}),
      ...authorization(),
    };
  }

  function authorization(): Record<string, string> {
    const key = random.some(0.9) ? random.one(keys) : `${random.one(keys).slice(0, -1)}_`;
    if (random.some(0.85)) return { authorization: `Bearer ${key}` };
    const [name, text] = random.one([
      ["authorization", ""],
      ["authorization", key],
      ["authorization", `Basic ${Buffer.from(`:${key}`).toString("base64")}`],
      ["authorization", `Bearer  ${key} ${key}`],
      ["authorization", "Bearer"],
      ["x-api-key", key],
      ["cookie", `key=${key}`],
      ["x-none", ""],
    ] as const);
    return { [name]: text };
  }

  return () => {
    // Without events there is nothing to see.
    const operation = random.some(0.15) ? operations.find(({ method, path }) => method === "POST" && path === "/events")! : random.one(operations);
    const method = random.some(0.96) ? operation.method : random.one(["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "POST", "GET"]);
    const request = { method: method as "GET", url: urlOf(operation), headers: headersOf(operation) };
    if (operation.bodies.length === 0 || random.some(0.02)) return request;
    const [type, schema] = random.one(operation.bodies);
    const whole = JSON.stringify(random.some(0.03) ? stored.json() : makeValue(making, schema)) ?? "null";
    const headers = { ...request.headers, "content-type": random.some(0.96) ? type : stored.contentType() };
    return { ...request, headers, payload: random.some(0.06) ? stored.bytes(whole) : whole };
  };
}

/** What an injected request can ask for: its address has a path. Bytes that are no address at all are sent to a socket (fuzz-bytes.test.ts). */
function pathOf(text: string): string {
  return URL.canParse(text, "http://localhost") && text !== "" ? text : `/${encodeURIComponent(text.toWellFormed())}`;
}

/** What a header may hold. */
function header(text: string): string {
  return text.replace(/[^\x20-\xff]/g, "").slice(0, 2000);
}

function operationsOf({ paths }: OpenApiDocument): readonly Operation[] {
  // The stream goes on for ever: its own tests ask it odd things.
  const ending = Object.entries(paths).filter(([path]) => path !== "/events/stream");
  return ending.flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const { parameters, requestBody } = operation as unknown as {
        readonly parameters: Operation["parameters"];
        readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
      };
      const bodies = Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => [type, schema] as const);
      return { method: method.toUpperCase(), path, parameters, bodies };
    }),
  );
}
