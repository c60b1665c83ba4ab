/** What the user may do, in the server's own lists of who may (ACLs). */
import { BACKWARDS, END, ErrorType, type EventStoreDBClient, jsonEvent, NO_STREAM } from "@eventstore/db-client";
import type { NewId } from "../../../event/ids.ts";
import { isServerError } from "../server-error.ts";

const administrators = "$admins";
/** The metadata of `$all`, with the list of who reads the whole log. */
const wholeLog = "$$$all";
/** The lists for all streams that have none of their own. */
const settings = "$settings";
/** What Reprise does with its streams: read and append, and truncate (in the metadata). It deletes none. */
const needed = ["$r", "$w", "$mr", "$mw"] as const;

type Json = Readonly<Record<string, unknown>>;

/** Lets the user read `$all`, beside those who may already. @returns whether anything was changed. */
export function letReadAll(client: EventStoreDBClient, newId: NewId, user: string): Promise<boolean> {
  return change(client, newId, { stream: wholeLog, type: "$metadata" }, (metadata) => {
    const acl = memberOf(metadata, "$acl");
    const readers = namesOf(acl.$r ?? administrators);
    return readers.includes(user) ? null : { ...metadata, $acl: { ...acl, $r: [...readers, user] } };
  });
}

/** Leaves all streams that have no list of their own to the user and the administrators. @returns whether anything was changed. */
export function keepOthersOut(client: EventStoreDBClient, newId: NewId, user: string): Promise<boolean> {
  return change(client, newId, { stream: settings, type: "update-default-acl" }, (before) => {
    const both = [administrators, user];
    const acl = memberOf(before, "$userStreamAcl");
    const same = needed.every((right) => namesOf(acl[right] ?? "$all").join() === both.join()) && namesOf(acl.$d ?? "$all").join() === administrators;
    if (same) return null;
    return { ...before, $userStreamAcl: { ...Object.fromEntries(needed.map((right) => [right, both])), $d: administrators } };
  });
}

/** Replaces the last event of a stream by a changed one. @throws what the server says, also when somebody else has changed it meanwhile. */
async function change(
  client: EventStoreDBClient,
  newId: NewId,
  { stream, type }: { readonly stream: string; readonly type: string },
  make: (before: Json) => Json | null,
): Promise<boolean> {
  const { data, revision } = await lastOf(client, stream);
  const changed = make(data);
  if (changed === null) return false;
  const event = jsonEvent({ id: newId(), type, data: changed as Record<string, never> });
  await client.appendToStream(stream, event, { expectedRevision: revision ?? NO_STREAM, requiresLeader: true });
  return true;
}

async function lastOf(client: EventStoreDBClient, stream: string): Promise<{ readonly data: Json; readonly revision: bigint | null }> {
  try {
    for await (const { event } of client.readStream(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 1, requiresLeader: true }))
      if (event !== undefined) return { data: event.isJson ? (event.data as unknown as Json) : {}, revision: event.revision };
  } catch (error) {
    if (!isServerError(error, ErrorType.STREAM_NOT_FOUND)) throw error;
  }
  return { data: {}, revision: null };
}

function memberOf(value: Json, name: string): Json {
  const member = value[name];
  return typeof member === "object" && member !== null ? (member as Json) : {};
}

/** The server takes one name, or a list of them. */
function namesOf(value: unknown): readonly string[] {
  return [value].flat().filter((name) => typeof name === "string");
}
