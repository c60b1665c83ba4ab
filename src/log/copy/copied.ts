import type { NewEvent, Position } from "../../event/event.ts";
import { ownTenant } from "../../event/names.ts";
import type { CopyOptions } from "./copy-options.ts";
import { type OwnEventRules, rewriteOwnEvent } from "./copy-own-events.ts";
import type { CopyScratch } from "./copy-scratch.ts";
import { isCopied, isReplay, isReplayOf, walkWhole } from "./what-is-copied.ts";

/** An event in the form in which the target holds it. */
export interface Copied {
  readonly position: Position;
  readonly stream: string;
  readonly revision: number;
  readonly isOwn: boolean;
  readonly recordedAt: string;
  readonly event: NewEvent;
}

/**
 * The source's events in the form in which the target holds them, in log order. Positions in Reprise's own events map to events of entities, the only ones
 * that a handler looks for. So the form of an event depends only on the entities' events before it, and is the same in every run.
 *
 * @param settle waits until the events handed on so far have a position in the target.
 */
export async function* asCopied({ source, tenant }: CopyOptions, scratch: CopyScratch, settle: () => Promise<void>): AsyncGenerator<Copied, void> {
  /** Journal and revision of each amendment in the source → its revision in the target. They are few: each is the act of a person or a migration. */
  const amendments = new Map<string, number>();
  const rules: OwnEventRules = {
    position: (text) => scratch.targetOf(BigInt(text as string)).toString(),
    keeps: (lane) => tenant === undefined || (lane as string).startsWith(`${tenant}.`),
    amendment: (journal, revision) => {
      const copied = amendments.get(`${journal}\n${revision as number}`);
      if (copied === undefined) throw new Error(`there is no amendment at revision ${revision as number}`);
      return copied;
    },
  };
  for await (const event of walkWhole(source)) {
    if (!isCopied(event, tenant)) continue;
    const { id, type, schemaVersion, source: from, occurredAt, metadata, position, stream, recordedAt } = event;
    const isOwn = event.tenant === ownTenant;
    let { data } = event;
    if (isOwn) {
      if (tenant !== undefined && isReplay(stream) && !(await isReplayOf(source, stream, rules))) continue;
      await settle();
      const rewritten = rewriteOwnEvent(event, rules);
      if (rewritten === null) continue;
      data = rewritten;
    }
    // In the copy of one tenant the journals lose entries, and so did those that were shortened: the revisions close up. Everywhere else the count is the revision.
    const revision = scratch.nextRevision(stream);
    if (isOwn && type === "delivery.amended") amendments.set(`${stream}\n${event.revision}`, revision);
    yield { position, stream, revision, isOwn, recordedAt, event: { id, type, schemaVersion, source: from, occurredAt, data, metadata } };
  }
}
