import type { Entity } from "./event.ts";

/** The tenant of requests that carry no key. */
export const defaultTenant = "default";
/** In place of a tenant's name where a list or a count is asked of all tenants. No tenant can have it. */
export const everyTenant = "*";
/** Reprise's own streams: journals, handlers, replays. No entity may live there. */
export const ownTenant = "reprise";

/** The actor of what Reprise does by its own rules and by the config's. */
export const policyActor = "policy";
/** The actor of acts by callers who say no name: over HTTP those without a key. */
export const localActor = "local";

const tenantPattern = /^[a-z][a-z0-9_]{0,63}$/;
export const entityTypePattern = /^[a-z][a-z0-9_]{0,63}$/;
/** Begins with a letter, digit or `_`; 1 to 256 characters; no `..` (checked apart), so that an id is never a path out of a folder. */
export const entityIdPattern = /^(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._:@~/#+=-]{0,255}$/;
export const eventTypePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;
export const handlerNamePattern = /^[a-z][a-z0-9-]{0,62}$/;

/** True for a name that a tenant may have. Reprise's own is no tenant's. */
export function isTenant(name: string): boolean {
  return name !== ownTenant && tenantPattern.test(name);
}

/** `<tenant>.<entityType>-<entityId>`. */
export function streamName(tenant: string, entity: Entity): string {
  return `${tenant}.${entity.type}-${entity.id}`;
}

/** Of a stream's name; null for a name that is no stream of ours. */
export function tenantOfStream(stream: string): string | null {
  const dot = stream.indexOf(".");
  return dot <= 0 ? null : stream.slice(0, dot);
}

/**
 * Splits a name at its first `.`, then at its first `-`. A stream without `-` (`reprise.log`) has an empty entity id.
 *
 * @returns null for a name without a `.`, which is no stream of ours.
 */
export function parseStreamName(stream: string): { tenant: string; entity: Entity } | null {
  const tenant = tenantOfStream(stream);
  if (tenant === null) return null;
  const dot = tenant.length;
  const dash = stream.indexOf("-", dot);
  const end = dash === -1 ? stream.length : dash;
  return { tenant, entity: { type: stream.slice(dot + 1, end), id: stream.slice(end + 1) } };
}

/** True for the streams that hold users' events, as opposed to Reprise's own and the server's. */
export function isEntityStream(stream: string): boolean {
  const name = parseStreamName(stream);
  return name !== null && isTenant(name.tenant) && entityTypePattern.test(name.entity.type) && entityIdPattern.test(name.entity.id);
}

/** Operators' acts on the views. */
export const viewsStream = `${ownTenant}.views`;
/** Operators' acts on error groups, of all tenants. */
export const errorGroupsStream = `${ownTenant}.error-groups`;
/** What a copy has begun, and ended. */
export const copyStream = `${ownTenant}.copy`;
/** Which instances share the log's work. */
export const clusterStream = `${ownTenant}.cluster`;
export const logStream = `${ownTenant}.log`;
/** Up to where streams of a log on a server are truncated. */
export const truncatedStream = `${ownTenant}.truncated`;
/** What the names of all handlers' streams begin with. */
export const handlerPrefix = `${ownTenant}.handler-`;
/** What was brought back from an archive. */
export const restoredMarks = `${ownTenant}.restored`;
/** Events that were brought back beside the stream in which they stood. */
export const restoredStream = (stream: string): string => `${restoredMarks}-${stream}`;
export const handlerStream = (handler: string): string => `${ownTenant}.handler-${handler}`;
/** What the names of all journals begin with. */
export const journalPrefix = `${ownTenant}.journal-`;
export const journalStream = (handler: string, partitions = 1, partition = 0): string => `${journalPrefix}${handler}-${partitions}-${partition}`;
const journalPattern = /^reprise\.journal-(.+)-(\d+)-(\d+)$/;
/** The handler whose journal a stream is; null for another stream. */
export const handlerOfJournal = (stream: string): string | null => journalPattern.exec(stream)?.[1] ?? null;
/** Of how many partitions a journal's is one, and which; one of one for another stream. */
export function partitionOfJournal(stream: string): { readonly of: number; readonly partition: number } {
  const [, , of = "1", partition = "0"] = journalPattern.exec(stream) ?? [];
  return { of: Number(of), partition: Number(partition) };
}
/** The journal of another partition of the same handler. */
export const journalBeside = (journal: string, of: number, partition: number): string =>
  journalStream(journalPattern.exec(journal)?.[1] ?? journal, of, partition);
/** What the names of all inboxes begin with. */
export const inboxPrefix = `${ownTenant}.inbox-`;
/** Where the owner of a journal's partition is asked. */
export const inboxOf = (journal: string): string => inboxPrefix + journal.slice(journalPrefix.length);
export const journalOfInbox = (inbox: string): string => journalPrefix + inbox.slice(inboxPrefix.length);
/**
 * At most 483 of the 512 characters that a stream's name may have: the entity's stream takes 386, the handler 63, a revision 16. A tenant has no `-`, so
 * the entity's stream begins behind the last `-` before the first `.` of the rest.
 */
export const effectsStream = (handler: string, stream: string, revision: number): string => `${ownTenant}.effects-${handler}-${stream}-${revision}`;
export const integrationStream = (integration: string): string => `${ownTenant}.integration-${integration}`;
export const alertStream = (alert: string): string => `${ownTenant}.alert-${alert}`;
export const replayStream = (replayId: string): string => `${ownTenant}.replay-${replayId}`;
export const isReplayStream = (stream: string): boolean => stream.startsWith(replayStream(""));
export const planStream = (planId: string): string => `${ownTenant}.plan-${planId}`;
/** A request with an Idempotency-Key. @param id a hash: neither the key nor the tenant can be read from it. */
export const requestStream = (id: string): string => `${ownTenant}.request-${id}`;
/** What left the log, and where to. */
export const retentionStream = `${ownTenant}.retention`;
/** Which journals were shortened, and up to where. */
export const abridgedStream = `${ownTenant}.abridged`;
/** What the beginning of a journal said, as far as it still matters. */
export const abridgementOf = (journal: string): string => `${abridgedStream}-${journal.slice(journalPrefix.length)}`;
/** The archives that events of this log may be in. */
export const archivesStream = `${ownTenant}.archives`;
/** Up to where the requests of the log are forgotten. */
export const forgottenStream = `${ownTenant}.requests`;
