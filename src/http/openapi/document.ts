/** The document that describes the service, OpenAPI 3.1: made from the table of its routes, and so from the shapes that check its requests. */
import type { z } from "zod";
import { type Access, requiredRole } from "../../access/roles.ts";
import { makeTurns, type Turns } from "../../event/turns.ts";
import { codesBeforeRoutes, codesOf } from "../route-codes.ts";
import type { Route } from "../routed.ts";
import { componentsOf, type JsonSchema, membersOf, refTo } from "./json-schemas.ts";
import { namedReplies, namedRequests } from "./named-shapes.ts";
import { problemResponses, problemSchema, remediesOf } from "./problems.ts";
import { idempotencyKeyParameter, replayedHeaders } from "./repeats.ts";

const description = `Append events, and see what became of each: deliveries, dead letters, replays.

JSON in UTF-8, members in snake_case. An unknown member of a body or a query is refused; answers may grow, so ignore members that you do not know.
Decide by the code of a problem, never by its title or detail. Any path may also answer with ${codesBeforeRoutes.join(", ")}.`;

/** Names of shapes, for requests and for answers: the first route that has one names it. */
class Shapes {
  readonly #names = new Map<z.ZodType, string>();
  readonly #shapes: { readonly [D in "request" | "reply"]: Map<string, z.ZodType> } = { request: new Map(), reply: new Map() };

  constructor() {
    for (const [name, shape] of Object.entries(namedRequests)) this.name(shape, "request", name);
    for (const [name, shape] of Object.entries(namedReplies)) this.name(shape, "reply", name);
  }

  name(shape: z.ZodType, direction: "request" | "reply", name: string): JsonSchema {
    const known = this.#names.get(shape) ?? name;
    this.#names.set(shape, known);
    this.#shapes[direction].set(known, shape);
    return refTo(known);
  }

  async components(turns: Turns): Promise<Record<string, JsonSchema>> {
    if (turns.due()) await turns.next();
    const requests = componentsOf(this.#shapes.request, "request");
    if (turns.due()) await turns.next();
    return { Problem: problemSchema, ...requests, ...componentsOf(this.#shapes.reply, "reply") };
  }
}

export interface OpenApiDocument {
  readonly openapi: string;
  /** By path, then by method in lower case. */
  readonly paths: Record<string, Record<string, JsonSchema>>;
  readonly [member: string]: unknown;
}

/** Gives way between its pieces, because it takes 50 ms and others are being served; the longest piece, the shapes of the answers, takes 10. */
export async function makeDocument(routes: readonly Route[], version: string, turns: Turns = makeTurns()): Promise<OpenApiDocument> {
  const shapes = new Shapes();
  const paths: OpenApiDocument["paths"] = {};
  for (const route of [...routes].sort((a, b) => (a.url < b.url ? -1 : Number(a.url > b.url)))) {
    if (turns.due()) await turns.next();
    const path = (paths[pathOf(route.url)] ??= {});
    path[route.method.toLowerCase()] = operationOf(route, shapes);
  }
  return {
    openapi: "3.1.1",
    info: { title: "Reprise", version, description, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    servers: [{ url: "/" }],
    security: [{ key: [] }],
    tags: [...new Set(routes.map(tagOf))].sort().map((name) => ({ name })),
    paths,
    "x-codes": remediesOf(new Set([...codesBeforeRoutes, ...routes.flatMap(codesOf)])),
    components: {
      schemas: await shapes.components(turns),
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "A key of the service. Without keys it answers on the loopback interface only." },
      },
    },
  };
}

/** `/events/:id` → `/events/{id}` */
export function pathOf(url: string): string {
  return url.replaceAll(/:(\w+)/g, "{$1}");
}

function operationOf(route: Route, shapes: Shapes): JsonSchema {
  const { access, contract } = route;
  const { bodies, reply, kinds = {}, otherTexts = [], statuses, note, offRecord = false } = contract;
  const id = operationIdOf(route);
  const responses = new Map<number, JsonSchema>(problemResponses(codesOf(route)) as ReadonlyMap<number, unknown> as ReadonlyMap<number, JsonSchema>);
  for (const status of statuses) {
    const content =
      typeof reply === "string"
        ? Object.fromEntries([reply, ...otherTexts].map((type) => [type, { schema: { type: "string" } }]))
        : contentOf({ "application/json": reply, ...kinds }, "reply", shapes, id);
    const problem = responses.get(status) as { readonly description?: string; readonly content?: object } | undefined;
    const said = status === 202 ? "Begun; it goes on by itself." : contract.summary;
    const headers = bodies === null || offRecord ? {} : { headers: replayedHeaders };
    const described = [said, problem?.description ?? []].flat().join("\n\n");
    responses.set(status, { ...problem, description: described, ...headers, content: { ...content, ...problem?.content } });
  }
  return {
    operationId: id,
    summary: contract.summary,
    tags: [tagOf(route)],
    description: [roleText(route), note ?? []].flat().join(" "),
    "x-role": access === "public" ? null : requiredRole(access),
    ...(access === "public" ? { security: [] } : {}),
    parameters: parametersOf(route),
    ...(bodies === null ? {} : { requestBody: requestBodyOf(bodies, shapes, id) }),
    responses: Object.fromEntries([...responses].sort(([a], [b]) => a - b)),
  };
}

function requestBodyOf(bodies: Readonly<Record<string, z.ZodType>>, shapes: Shapes, id: string): JsonSchema {
  return { required: !Object.values(bodies).some((shape) => shape.safeParse({}).success), content: contentOf(bodies, "request", shapes, id) };
}

/** By media type. */
function contentOf(kinds: Readonly<Record<string, z.ZodType>>, direction: "request" | "reply", shapes: Shapes, id: string): JsonSchema {
  const word = direction === "request" ? "Request" : "Reply";
  const content = Object.entries(kinds).map(([type, shape], index) => [
    type,
    { schema: shapes.name(shape, direction, `${id}${word}${index === 0 ? "" : index + 1}`) },
  ]);
  return Object.fromEntries(content);
}

function parametersOf({ url, access, acrossTenants, contract }: Route): readonly JsonSchema[] {
  const inPath = Array.from(url.matchAll(/:(\w+)/g), ([, name]) => ({ name, in: "path", required: true, schema: { type: "string" } }));
  const inQuery = membersOf(contract.query).map((member) => ({ ...member, in: "query" }));
  const inHeaders = (contract.headers === undefined ? [] : membersOf(contract.headers)).map((member) => ({ ...member, in: "header" }));
  const description = `Whose things are meant, for a key of all tenants${acrossTenants ? "; * for everybody's" : ""}.`;
  const tenant = { name: "tenant", in: "query", required: false, description, schema: { type: "string" } };
  return [
    ...inPath,
    ...inQuery,
    ...inHeaders,
    ...(access === "public" ? [] : [tenant]),
    ...(contract.bodies === null || contract.offRecord ? [] : [idempotencyKeyParameter]),
  ];
}

const roleTexts: Readonly<Record<Access, string>> = {
  public: "Takes no key.",
  append: "Takes a key of the role append or admin.",
  look: "Takes a key of any role.",
  read: "Takes a key of the role read, operate or admin.",
  operate: "Takes a key of the role operate or admin.",
  admin: "Takes a key of the role admin.",
};

function roleText({ access, ofAllTenants }: Route): string {
  return ofAllTenants ? `${roleTexts[access]} It touches all tenants, so the key is one of all tenants.` : roleTexts[access];
}

/** `POST /admin/dlq/:id/replay` → `postAdminDlqIdReplay` */
function operationIdOf({ method, url }: Route): string {
  const words = url.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  return [method.toLowerCase(), ...words.map((word) => word.charAt(0).toUpperCase() + word.slice(1))].join("");
}

/** The first word of the path that is no room of its own: `/admin/dlq/:id` → `dlq` */
function tagOf({ url }: Route): string {
  const words = url.split("/").filter((word) => word !== "" && word !== "admin");
  return words[0]!.replace(/\..*$/, "");
}
