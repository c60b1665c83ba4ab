/** What a run found: how much goes, and what is held back by what. Flat in memory, however much there is. */
import type { StoredEvent } from "../event/event.ts";
import { type Hold, holdText } from "./hold.ts";
import type { RetentionRule } from "./retention-rule.ts";
import type { StreamPlace, Verdict } from "./what-may-go.ts";

/** Held back by one thing. */
export interface HeldBack {
  readonly kind: Hold["kind"];
  /** The handler, plan or replay. */
  readonly name: string | null;
  /** "dead letter of mailer". */
  readonly reason: string;
  readonly events: number;
  readonly entities: number;
  /** The first few entities. */
  readonly examples: readonly { readonly tenant: string; readonly entity: StoredEvent["entity"]; readonly revision: number }[];
}

/** What one rule found. */
export interface RuleFindings {
  readonly entityType: string;
  /** Events recorded up to then may go. */
  readonly before: string;
  readonly keepLast: number;
  readonly archive: string;
  /** Events that go, and the entities that they are of. */
  readonly events: number;
  readonly entities: number;
  /** Events old enough that stay. */
  readonly held: number;
}

type Counted<T> = { -readonly [Key in keyof T]: T[Key] };

const examplesShown = 10;
/** Reasons told apart: one for each handler and plan. More are told as one. */
const reasonsShown = 1000;

export class Findings {
  readonly #rules: ReadonlyMap<string, Counted<RuleFindings>>;
  readonly #held = new Map<string, Counted<HeldBack> & { examples: HeldBack["examples"][number][] }>();
  /** Places of streams that have counted as entities already. */
  readonly #counted = new WeakMap<StreamPlace, Set<string>>();

  constructor(rules: readonly RetentionRule[], nowMs: number) {
    this.#rules = new Map(
      rules.map(({ entityType, afterMs, keepLast, archive }) => {
        const before = new Date(nowMs - afterMs).toISOString();
        return [entityType, { ...{ entityType, before, keepLast, archive }, events: 0, entities: 0, held: 0 }];
      }),
    );
  }

  get rules(): readonly RuleFindings[] {
    return [...this.#rules.values()];
  }

  /** The greatest first. */
  get held(): readonly HeldBack[] {
    return [...this.#held.values()].sort((one, other) => other.events - one.events);
  }

  get heldEvents(): number {
    return this.rules.reduce((sum, { held }) => sum + held, 0);
  }

  see(event: StoredEvent, place: StreamPlace, verdict: Verdict): void {
    const rule = this.#rules.get(event.entity.type);
    if (rule === undefined) return;
    if (verdict === "goes") {
      rule.events++;
      if (this.#isFirst(place, "goes")) rule.entities++;
    } else if (typeof verdict === "object") {
      rule.held++;
      this.#hold(event, place, verdict);
    }
  }

  #hold({ tenant, entity, revision }: StoredEvent, place: StreamPlace, { kind, name }: Hold): void {
    let key = `${kind} ${name ?? ""}`;
    if (!this.#held.has(key) && this.#held.size >= reasonsShown) [key, name] = [kind, null];
    let held = this.#held.get(key);
    if (held === undefined)
      this.#held.set(key, (held = { kind, name, reason: holdText({ kind, name: name ?? "others" }), events: 0, entities: 0, examples: [] }));
    held.events++;
    if (!this.#isFirst(place, key)) return;
    held.entities++;
    if (held.examples.length < examplesShown) held.examples.push({ tenant, entity, revision });
  }

  #isFirst(place: StreamPlace, what: string): boolean {
    const counted = this.#counted.get(place);
    if (counted === undefined) this.#counted.set(place, new Set([what]));
    return counted === undefined || (!counted.has(what) && counted.add(what) !== undefined);
  }
}
