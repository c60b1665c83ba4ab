/** A route and what it promises, in one place: the shapes that check its requests are those that describe it, and so are its role and its codes. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import type { Access } from "../access/roles.ts";
import type { ErrorCode } from "../errors.ts";
import type { Store } from "../store/store.ts";
import { once } from "./once.ts";
import { bodyOf, parse, parseGet, parseQuery } from "./parse.ts";
import { beginRead } from "./under-way.ts";
import { afterQuery, noQuery } from "./wire/members.ts";

/** What a route promises, for the document that describes the service. */
export interface RouteContract {
  /** What it is for, in a few words. */
  readonly summary: string;
  /** What else is to be known of it. */
  readonly note?: string;
  readonly query: z.ZodType;
  /** Those of its own. */
  readonly headers?: z.ZodType;
  /** By media type; null for a route that reads no body. */
  readonly bodies: Readonly<Record<string, z.ZodType>> | null;
  /** It takes no Idempotency-Key and records nothing, although it reads a body. */
  readonly offRecord?: boolean;
  /** Its success; a text is the media type of an answer that is not JSON. */
  readonly reply: z.ZodType | string;
  /** The same in other media types, for who asks for one by `Accept`. */
  readonly kinds?: Readonly<Record<string, z.ZodType>> | undefined;
  /** Other media types of an answer that is not JSON. */
  readonly otherTexts?: readonly string[];
  readonly statuses: readonly number[];
  /** Its own; those of all routes of its kind come from `codesOf`. */
  readonly codes: readonly ErrorCode[];
}

declare module "fastify" {
  interface FastifyContextConfig {
    contract?: RouteContract;
  }
}

interface Described<R> {
  readonly access: Access;
  /** The act touches every tenant. */
  readonly ofAllTenants?: boolean;
  /** It may be asked of all tenants at once. */
  readonly acrossTenants?: boolean;
  readonly summary: string;
  readonly note?: string;
  readonly offRecord?: boolean;
  readonly reply: R;
  readonly kinds?: Readonly<Record<string, z.ZodType>>;
  readonly otherTexts?: readonly string[];
  /** Default: 200. */
  readonly statuses?: readonly number[];
  readonly codes?: readonly ErrorCode[];
}

/** The names in a path: `/entities/:type/:id` → `{ type, id }`. */
type ParamsOf<Url extends string> = Url extends `${string}:${infer Name}/${infer Rest}`
  ? { readonly [N in Name]: string } & ParamsOf<`/${Rest}`>
  : Url extends `${string}:${infer Name}`
    ? { readonly [N in Name]: string }
    : unknown;

interface Asked<Url extends string, Q extends z.ZodType, B extends z.ZodType> {
  readonly request: FastifyRequest;
  readonly params: ParamsOf<Url>;
  readonly query: z.output<Q>;
  readonly body: z.output<B>;
}

type After = z.ZodType<z.output<typeof afterQuery>>;
type No = typeof noQuery;

/** A route for `app.route`-like calls: its role and what it promises. */
export function configOf({
  access,
  ofAllTenants = false,
  acrossTenants = false,
  ...contract
}: Described<z.ZodType | string> & Pick<RouteContract, "query" | "headers" | "bodies">) {
  const { statuses = [200], codes = [] } = contract;
  return { config: { access, ofAllTenants, acrossTenants, contract: { ...contract, statuses, codes } satisfies RouteContract } };
}

/** Adds routes to a server that check what they are asked by the shapes that describe them. */
export function makeRoutes(app: FastifyInstance, store: Pick<Store, "views" | "requests">) {
  return {
    /** Each takes `after`, and waits for it. @param isProbe it does not wait behind what the tenant reads: who asks takes a late answer for none. */
    get<const Url extends string, R extends z.ZodType, Q extends After = typeof afterQuery>(
      url: Url,
      { query: shape = afterQuery as unknown as Q, isProbe = false, ...described }: Described<R> & { readonly query?: Q; readonly isProbe?: boolean },
      answer: (asked: Asked<Url, Q, No>, reply: FastifyReply) => Promise<z.input<R> | FastifyReply>,
    ): void {
      app.get(url, configOf({ ...described, query: shape, bodies: null }), async (request, reply) => {
        if (described.kinds !== undefined) reply.header("vary", "Accept");
        const query = await parseGet(shape, request, store.views);
        const room = isProbe ? null : beginRead(request);
        if (room !== null) await room;
        return answer({ request, params: request.params as ParamsOf<Url>, query, body: {} }, reply);
      });
    },
    /** A body may be absent where its shape asks for nothing. With an Idempotency-Key it is done once. What takes only the right to read counts as a read. */
    act<const Url extends string, R extends z.ZodType, B extends z.ZodType, Q extends z.ZodType = No>(
      method: "POST" | "PATCH",
      url: Url,
      { query: shape = noQuery as unknown as Q, body: bodyShape, ...described }: Described<R> & { readonly query?: Q; readonly body: B },
      answer: (asked: Asked<Url, Q, B>, reply: FastifyReply) => Promise<z.input<R>>,
    ): void {
      const handler = async (request: FastifyRequest, reply: FastifyReply) => {
        const query = parseQuery(shape, request);
        const body = parse(bodyShape, bodyOf(request));
        return once(store.requests, request, reply, async () => {
          const room = described.access === "read" ? beginRead(request) : null;
          if (room !== null) await room;
          return answer({ request, params: request.params as ParamsOf<Url>, query, body }, reply);
        });
      };
      app.route({ method, url, handler, ...configOf({ ...described, query: shape, bodies: { "application/json": bodyShape } }) });
    },
  };
}
