import type { FastifyRequest } from "fastify";
import type { z } from "zod";
import { below, check, maxPlaces } from "../catalog/places.ts";
import { type ErrorPlace, RepriseError } from "../errors.ts";
import { makeTurns } from "../event/turns.ts";
import type { Views } from "../views/model/views.ts";
import type { afterQuery } from "./wire/members.ts";

/**
 * Checks a body by its wire shape.
 *
 * @param place names a place in it, `/entity/id`, as the request has it. Default: `#/entity/id`.
 * @throws REQUEST_INVALID with a place for each fault.
 */
export function parse<S extends z.ZodType>(schema: S, body: unknown, place: (path: string) => string = (path) => `#${path}`): z.output<S> {
  mustBeNarrow(body, "", place);
  const checked = check(schema, body, "");
  if ("data" in checked) return checked.data;
  throw wrongBody(checked.places.map(({ pointer, detail }) => ({ pointer: place(pointer), detail })));
}

function wrongBody(places: readonly ErrorPlace[]): RepriseError {
  return invalid("The body has members that are missing, unknown or of the wrong shape.", places);
}

/**
 * Checks a body and each item of its list `events`, and gives way between them, because a thousand take 20 ms. The result has the checked items as its list.
 *
 * @throws REQUEST_INVALID with a place for each fault, `#/events/0/entity/id`.
 */
export async function parseEach<S extends z.ZodType<{ readonly events: readonly unknown[] }>, I extends z.ZodType>(
  schema: S,
  item: I,
  body: unknown,
): Promise<Omit<z.output<S>, "events"> & { readonly events: readonly z.output<I>[] }> {
  mustBeNarrow(body);
  const checked = check(schema, body, "#");
  const places = "places" in checked ? [...checked.places] : [];
  const turns = makeTurns();
  const events: z.output<I>[] = [];
  const list = "data" in checked ? checked.data.events : [];
  for (const [index, one] of list.entries()) {
    if (places.length >= maxPlaces) break;
    if (turns.due()) await turns.next();
    mustBeNarrow(one, `#/events/${index}`);
    const each = check(item, one, `#/events/${index}`);
    if ("data" in each) events.push(each.data);
    else for (const place of each.places.slice(0, maxPlaces - places.length)) places.push(place);
  }
  if ("places" in checked || places.length > 0) throw wrongBody(places);
  return { ...checked.data, events };
}

/** The most members of an object that is no payload, because a schema names each unknown one, at 0.5 µs a member. */
const maxMembers = 1000;
const maxItems = 100;
/** Levels of a body that are checked for their members; payloads are below. */
const levels = 5;

/** @throws REQUEST_INVALID for a body with an object of more than a thousand members outside its `data`. */
export function mustBeNarrow(body: unknown, pointer = "#", place: (path: string) => string = (path) => path): void {
  const wide = findWide(body, pointer, levels);
  if (wide !== null) throw wrongBody([{ pointer: place(wide), detail: `has more than ${maxMembers} members` }]);
}

function findWide(value: unknown, pointer: string, depth: number): string | null {
  if (typeof value !== "object" || value === null || depth === 0) return null;
  // Longer lists are refused for their length, or their items are checked one by one.
  if (Array.isArray(value)) return value.length > maxItems ? null : firstWide(value.entries(), pointer, depth);
  let members = 0;
  for (const _ in value) members++;
  if (members > maxMembers) return pointer;
  for (const name in value) {
    if (name === "data") continue;
    const member = (value as Readonly<Record<string, unknown>>)[name];
    if (typeof member !== "object" || member === null) continue;
    const wide = findWide(member, below(pointer, name), depth - 1);
    if (wide !== null) return wide;
  }
  return null;
}

function firstWide(items: Iterable<readonly [number, unknown]>, pointer: string, depth: number): string | null {
  for (const [index, item] of items) {
    const wide = findWide(item, below(pointer, index), depth - 1);
    if (wide !== null) return wide;
  }
  return null;
}

/** Checks a query. @throws REQUEST_INVALID with a place for each fault, `?limit`. */
export function parseQuery<S extends z.ZodType>(schema: S, request: FastifyRequest): z.output<S> {
  const checked = check(schema, { ...(request.query as Record<string, unknown>) }, "");
  if ("data" in checked) return checked.data;
  const places = checked.places.map(({ pointer, detail }) => ({ pointer: "?" + pointer.slice(1), detail }));
  throw invalid("The query has members that are unknown or of the wrong shape.", places);
}

/** Checks a GET's query, then waits until the views have reached its `after`. @throws REQUEST_INVALID, VIEW_BEHIND. */
export async function parseGet<S extends z.ZodType<z.output<typeof afterQuery>>>(schema: S, request: FastifyRequest, views: Views): Promise<z.output<S>> {
  const query = parseQuery(schema, request);
  if (query.after !== undefined) await views.waitFor(query.after);
  return query;
}

/** An act's body may be absent. */
export function bodyOf(request: FastifyRequest): unknown {
  return request.body ?? {};
}

/** The arguments of an act, from its query and its body. @throws REQUEST_INVALID for a name in both. */
export function merge<Q extends object, B extends object>(query: Q, body: B): Q & B {
  const twice = Object.keys(query).filter((name) => Object.hasOwn(body, name));
  if (twice.length > 0)
    throw invalid(
      "The query and the body name the same thing.",
      twice.map((name) => ({ pointer: `?${name}`, detail: "stands in the body, too" })),
    );
  return { ...query, ...body };
}

/** Refuses a filter by an unknown name, because its empty answer would be a false all-clear. @param place of the filter's members, `?` or `#/`. */
export function mustBeKnown(
  views: Views,
  tenant: string,
  { handler, event_type: eventType }: { readonly handler?: string | undefined; readonly event_type?: string | undefined },
  place = "?",
): void {
  const unknown = views.unknownName({ tenant, handler, eventType });
  if (unknown === null) return;
  const { what, name, known } = unknown;
  const noun = what === "handler" ? "handler" : "event type";
  const shown = JSON.stringify(name);
  throw invalid(`There is no ${noun} ${shown}. Known: ${known}.`, [{ pointer: `${place}${what}`, detail: `names no ${noun}; known: ${known}` }]);
}

export function invalid(detail: string, errors: readonly ErrorPlace[] = []): RepriseError {
  return new RepriseError("REQUEST_INVALID", detail, { errors });
}
