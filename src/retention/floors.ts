/**
 * How far earlier runs have come, so that the next one does not walk the log again: by entity type the position up to which all was judged, and the streams that
 * something held. Without it each run would read all events that it leaves, and those of types without a rule.
 */
import type { Position } from "../event/event.ts";
import { parseStreamName } from "../event/names.ts";
import type { RetentionFloors, RetentionStreamData } from "../records/retention.ts";
import type { RetentionRule } from "./retention-rule.ts";

/** Streams that a run's record names; their names have at most 512 characters. With more of them the next run walks again from the first that it does not name. */
const notedStreams = 256;

/** What an earlier run has left to a rule. */
export interface RuleFloor {
  /** Exclusive. */
  readonly walked: Position;
  readonly staying: readonly string[];
  /** Streams with events beyond it are judged again, where the rule keeps the last ones; null: all of them are beyond `walked`. */
  readonly head: Position | null;
}

/** By entity type. */
export type FloorOf = (entityType: string) => RuleFloor;

const none: RuleFloor = { walked: 0n, staying: [], head: null };

export function floorsOf(lastEnd: RetentionStreamData["retention.ended"] | null, rules: readonly RetentionRule[]): FloorOf {
  if (lastEnd === null || lastEnd.rules !== digestOf(rules)) return () => none;
  const { floors, scannedTo } = lastEnd;
  if (floors === undefined) return () => ({ ...none, walked: BigInt(scannedTo) });
  return (entityType) => ({
    walked: BigInt(floors.walked[entityType] ?? "0"),
    staying: floors.staying.filter((stream) => parseStreamName(stream)?.entity.type === entityType),
    head: BigInt(floors.head),
  });
}

/** Two runs with the same one may begin where the earlier one ended. */
export function digestOf(rules: readonly RetentionRule[]): string {
  return JSON.stringify(rules.map(({ entityType, afterMs, keepLast, archive }) => [entityType, afterMs, keepLast, archive]).sort());
}

/** What a run leaves to the next one. */
export class Leaving {
  readonly #walked = new Map<string, Position>();
  readonly #staying = new Set<string>();
  /** By entity type: the next run has to look at everything behind it. */
  readonly #limits = new Map<string, Position>();
  readonly #most: number;

  constructor(most = notedStreams) {
    this.#most = most;
  }

  /** All events of the type up to `position` were judged. */
  walked(entityType: string, position: Position): void {
    this.#walked.set(entityType, position);
  }

  /** An event that is old enough stays, and something other than its rule keeps it. */
  stays({ entity, stream, position }: { readonly entity: { readonly type: string }; readonly stream: string; readonly position: Position }): void {
    if (this.#staying.has(stream)) return;
    if (this.#staying.size < this.#most) this.#staying.add(stream);
    else this.#limits.set(entity.type, least(position - 1n, this.#limits.get(entity.type)));
  }

  floors(head: Position): RetentionFloors {
    const walked = Array.from(this.#walked, ([type, position]) => [type, least(position, this.#limits.get(type)).toString()] as const);
    return { walked: Object.fromEntries(walked), head: head.toString(), staying: [...this.#staying] };
  }
}

const least = (one: Position, other: Position | undefined): Position => (other !== undefined && other < one ? other : one);
