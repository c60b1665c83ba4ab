import type { Catalog } from "../../catalog/catalog.ts";
import type { EventDefinition } from "../../catalog/define.ts";
import { isLogTrouble, isRepriseError, RepriseError } from "../../errors.ts";
import type { AppendedEvent } from "../../event/appended-event.ts";
import type { Clock } from "../../event/clock.ts";
import { type CurrentEvent, type Entity, positionText } from "../../event/event.ts";
import { followUpId } from "../../event/ids.ts";
import { streamName } from "../../event/names.ts";
import { backOff } from "../../event/waits.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { AskedAppend } from "../../records/attempt.ts";
import { aboutCall } from "../attempt/about-call.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import { isKey, maxKeyChars, shownKey } from "../effects/key.ts";
import { effectUnderWay } from "../effects/under-way.ts";
import { Terminal } from "../handler.ts";
import type { FollowUpOptions } from "../handler-context.ts";
import type { ReplayMode } from "../replay-mode.ts";
import { type FollowUp, makeFollowUp } from "./follow-up.ts";
import type { FollowUpAppends } from "./follow-up-appends.ts";

export interface FollowUpsOptions {
  readonly handler: string;
  readonly appends: FollowUpAppends;
  readonly log: Pick<EventLog, "findByIds">;
  readonly catalog: Pick<Catalog, "resolve">;
  readonly clock: Clock;
  readonly logger: DeliveryLogger;
}

/** Appends of one call. */
export const maxFollowUps = 256;
/** After trouble with the log, until the attempt's time is up: the same event with the same id. */
const troubleWaits = { firstMs: 100, lastMs: 5000 };

/** What its cause says, and its id, are nobody's to give. */
const optionNames = { key: true, occurredAt: true, priority: true, contextRefs: true, extensions: true } satisfies Record<keyof FollowUpOptions, true>;

/** One call of a handler, as far as its appends are concerned. */
export interface FollowUpsOf {
  readonly event: CurrentEvent;
  readonly replay: ReplayMode | null;
  /** Their ids are made of it: the same over all calls that must append nothing twice. */
  readonly deliveryId: string;
}

export class FollowUpScope {
  readonly #options: FollowUpsOptions;
  readonly #of: FollowUpsOf;
  readonly #ids = new Set<string>();
  readonly #asked: AskedAppend[] = [];
  /** Appends without a key, outside of effects. */
  #places = 0;
  #closed = false;

  constructor(options: FollowUpsOptions, of: FollowUpsOf) {
    this.#options = options;
    this.#of = of;
  }

  /** @param signal of the attempt: once it has aborted the log is waited for no longer. */
  async append(definition: EventDefinition, entity: Entity, data: unknown, options: FollowUpOptions, signal: AbortSignal): Promise<AppendedEvent> {
    // Up to the first await this runs as it is called, so that places are in the order of the calls.
    const { key } = options;
    if (typeof definition !== "object" || definition === null || !("schemas" in definition))
      throw new Terminal("append takes the definition of an event type, the entity and the data, as `append(orderShipped, event.entity, { … })`");
    const unknown = Object.keys(options).find((name) => !Object.hasOwn(optionNames, name));
    if (unknown !== undefined) throw new Terminal(`append has no option "${shownKey(unknown)}": it takes ${Object.keys(optionNames).join(", ")}`);
    if (key !== undefined && !isKey(key)) throw new Terminal(`an append's key is a text of 1 to ${maxKeyChars} characters`);
    if (this.#closed || signal.aborted) throw refused(definition);
    const { event, deliveryId, replay } = this.#of;
    const place = this.#placeOf(key);
    const id = followUpId(deliveryId, place);
    const again = this.#ids.has(id);
    this.#ids.add(id);
    if (this.#ids.size > maxFollowUps) throw new Terminal(`one call appends at most ${maxFollowUps} events: append more by calling the store, or in parts`);
    const followUp = makeFollowUp(event, this.#options.handler, id, { definition, entity, data, options });
    const appended = await this.#store(followUp, { signal, again, place });
    if (replay?.mode === "dry_run") this.#asked.push({ type: followUp.type, entity, ...(key === undefined ? {} : { key }), recorded: appended.duplicate });
    return appended;
  }

  /** What a dry run asked for, in order; empty for others. */
  asked(): readonly AskedAppend[] {
    return this.#asked;
  }

  /** The attempt is over. */
  close(): void {
    this.#closed = true;
  }

  #placeOf(key: string | undefined): string {
    if (key !== undefined) return `key ${key}`;
    const effect = effectUnderWay();
    return effect === undefined ? `append ${this.#places++}` : `effect ${effect.appends++} ${effect.key}`;
  }

  async #store(followUp: FollowUp, about: { readonly signal: AbortSignal; readonly again: boolean; readonly place: string }): Promise<AppendedEvent> {
    const { appends, clock } = this.#options;
    const { event, replay } = this.#of;
    const store = replay?.mode === "dry_run" ? appends.rehearse : appends.append;
    for (let failures = 0; ; failures++)
      try {
        return await store(followUp, event.tenant);
      } catch (error) {
        if (isLogTrouble(error) && !about.signal.aborted) await backOff(failures, troubleWaits, clock, about.signal);
        else return this.#storedBefore(followUp, error, about);
      }
  }

  /**
   * What an earlier call appended at this place stands, also where this call has other data: a model that is asked again answers in other words, and must not
   * append a second event. Another type or another entity is another fact, and is not passed over.
   *
   * @throws EVENT_ID_REUSED for such, and for a key that one call uses for two events; `error` where nothing was appended before.
   */
  async #storedBefore(followUp: FollowUp, error: unknown, { again, place }: { readonly again: boolean; readonly place: string }): Promise<AppendedEvent> {
    if (!isRepriseError(error, "EVENT_ID_REUSED", "DATA_INVALID")) throw error;
    const { handler, log, catalog, logger } = this.#options;
    const { event } = this.#of;
    const { id, type, entity } = followUp;
    const [stored] = await log.findByIds(event.tenant, [id]);
    if (stored === undefined) throw error;
    const which = place.startsWith("key ") ? `the append with key "${shownKey(place.slice("key ".length))}"` : "the append at this place";
    if (again) throw new RepriseError("EVENT_ID_REUSED", `${which} is there twice in one call, with two events: give each a key of its own`);
    if (stored.stream !== streamName(event.tenant, entity) || catalog.resolve(stored.type) !== type)
      throw new RepriseError(
        "EVENT_ID_REUSED",
        `${which} was ${stored.type} of ${stored.entity.type}/${stored.entity.id} at an earlier call of this delivery, and is ${type} of ${entity.type}/${entity.id} now: where calls may differ, give each append a key`,
      );
    logger.warn(
      { ...aboutCall(handler, this.#of), appended_id: id, event_type: type },
      "a handler appends other data than at an earlier call of the delivery: what was stored then stands",
    );
    const { revision, position, recordedAt } = stored;
    return { id, entity, revision, position: positionText(position), recordedAt, duplicate: true };
  }
}

function refused({ type }: EventDefinition): Error {
  const error = new Error(`${type} was not appended: the attempt is over`);
  error.name = "AppendRefused";
  return error;
}
