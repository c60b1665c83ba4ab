/**
 * What may leave the log: of each entity its first events, as far as they are old enough, beyond what is kept, and held by nothing. An event behind one that
 * stays stays, too, because a stream loses only its beginning. Pure: what holds an event, and where a stream stands, is asked for.
 */
import type { StoredEvent } from "../event/event.ts";
import type { Hold } from "./hold.ts";
import type { RetentionRule } from "./retention-rule.ts";

/** `young`: not old enough, or behind such an event; `kept`: one of the last that the rule keeps, or behind it. */
export type Verdict = "goes" | "young" | "kept" | "no_rule" | Hold;

/** Where a stream stands while its events are judged in their order. */
export interface StreamPlace {
  /** The first revision that is not judged to go. */
  next: number;
  /** Of its last event. */
  readonly last: number;
  /** Why `next` stays; null while nothing was judged to stay. */
  why: Exclude<Verdict, "goes" | "no_rule"> | null;
}

/** @param place of the event's stream, which moves on. Events of a stream come in their order. */
export type Judge = (event: StoredEvent, place: StreamPlace) => Verdict;

export function makeJudge(
  rules: readonly RetentionRule[],
  nowMs: number,
  holdOf: (event: StoredEvent) => Hold | null,
): { readonly ruleOf: (event: StoredEvent) => RetentionRule | undefined; readonly judge: Judge } {
  const byType = new Map(rules.map((rule) => [rule.entityType, rule]));
  const ruleOf = ({ entity }: StoredEvent) => byType.get(entity.type);
  const stays = (event: StoredEvent, rule: RetentionRule, last: number): StreamPlace["why"] => {
    if (event.damage !== undefined) return { kind: "damaged", name: null };
    if (Date.parse(event.recordedAt) > nowMs - rule.afterMs) return "young";
    if (event.revision > last - rule.keepLast) return "kept";
    return holdOf(event);
  };
  return {
    ruleOf,
    judge(event, place) {
      const rule = ruleOf(event);
      if (rule === undefined) return "no_rule";
      if (event.revision > place.next) return behind(event, rule, place);
      const why = stays(event, rule, place.last);
      if (why === null) {
        place.next = event.revision + 1;
        return "goes";
      }
      place.why = why;
      return why;
    },
  };

  /** It counts as held only if it is old enough by itself. */
  function behind(event: StoredEvent, rule: RetentionRule, { why, last }: StreamPlace): Verdict {
    if (event.damage === undefined && Date.parse(event.recordedAt) > nowMs - rule.afterMs) return "young";
    if (event.revision > last - rule.keepLast) return "kept";
    return why ?? { kind: "earlier_event", name: null };
  }
}
