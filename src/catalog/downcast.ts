import { RepriseError } from "../errors.ts";
import type { Json, NewEvent, StoredEvent } from "../event/event.ts";
import { freezeDeep } from "../event/freeze-deep.ts";
import type { Chain } from "./chain.ts";
import type { Downcast } from "./define.ts";
import { callStep, StepFailure } from "./lift/call-step.ts";
import { describeRefusal, parse } from "./lift/parse.ts";
import { otherThanJson } from "./whole-json.ts";

const noDowncast = [null, null] as const;

/** Makes the older event that the log stores in place of a current one, for types with a downcast. */
export class Downcasts {
  readonly #byName: ReadonlyMap<string, Chain>;

  constructor(byName: ReadonlyMap<string, Chain>) {
    this.#byName = byName;
  }

  /** As `Catalog.toStore`. */
  toStore(event: NewEvent): NewEvent {
    const [chain, downcast] = this.#downcastOf(event);
    return chain === null ? event : downcastEvent(event, chain, downcast);
  }

  /** As `Catalog.asOnceStored`. */
  asOnceStored(event: NewEvent): NewEvent {
    const [chain, downcast] = this.#downcastOf(event);
    if (chain === null) return event;
    const parsed = parse(chain.versions[chain.current - 1]!.schema, event.data);
    // A schema shows nothing of data that it refuses, so the data as it was sent stands in for it.
    const older = callDowncast(event, chain, downcast, parsed.success ? parsed.data : structuredClone(event.data));
    return older instanceof StepFailure || otherThanJson(older) !== null ? event : asDowncast(event, downcast, older as Json);
  }

  #downcastOf({ type, schemaVersion }: NewEvent): readonly [Chain, Downcast] | readonly [null, null] {
    const chain = this.#byName.get(type);
    const downcast = chain?.downcast ?? null;
    return chain === undefined || downcast === null || schemaVersion !== chain.current ? noDowncast : [chain, downcast];
  }
}

function callDowncast(event: NewEvent, { type, current }: Chain, downcast: Downcast, data: unknown): unknown {
  return callStep(downcast.data, freezeDeep(data), event as StoredEvent, `${type} v${current} → v${downcast.version}`);
}

function asDowncast(event: NewEvent, downcast: Downcast, data: Json): NewEvent {
  return { ...event, type: downcast.type ?? event.type, schemaVersion: downcast.version, data };
}

function downcastEvent(event: NewEvent, chain: Chain, downcast: Downcast): NewEvent {
  const { type, current, versions, lifts } = chain;
  const fail = (message: string): RepriseError =>
    new RepriseError("DOWNCAST_FAILED", `Event type "${type}" could not be stored as version ${downcast.version}: ${message}`);
  const parsed = parse(versions[current - 1]!.schema, event.data);
  if (!parsed.success) throw fail("its data does not fit the current version"); // it was checked before, so the schema judges by more than the data
  const older = callDowncast(event, chain, downcast, parsed.data);
  if (older instanceof StepFailure) throw fail(older.error.message);
  const other = otherThanJson(older);
  if (other !== null) throw fail(`the downcast gives what JSON cannot hold, at ${other}`);
  const data = older as Json;
  const stored = asDowncast(event, downcast, data);
  const fits = parse(versions[downcast.version - 1]!.schema, data);
  if (!fits.success) throw fail(describeRefusal(fits, `${type} v${downcast.version}`).message);
  // This build has to be able to read what it stores.
  const again = lifts[downcast.version]!(stored as StoredEvent);
  if (!again.ok) throw fail(again.error.message);
  return stored;
}
