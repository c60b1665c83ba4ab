/** Makes messages of the log's records. */
import type { Catalog } from "../../catalog/catalog.ts";
import type { StoredEvent } from "../../event/event.ts";
import { isEntityStream, journalPrefix } from "../../event/names.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { EventView } from "../../views/model/event.ts";
import type { Completions } from "./completions/completions.ts";
import { changesOf, toldOf } from "./deliveries-of.ts";
import type { Told, ToldDelivery } from "./told.ts";
import { isAbout, needsType, type Wanted, wantsCompletions, wantsDeliveries } from "./wanted.ts";

/** Types of the newest events, by position: most changes of deliveries are about them. */
const rememberedTypes = 10_000;

export interface TellerNeeds {
  readonly log: Pick<EventLog, "readStream">;
  readonly catalog: Catalog;
  /** The event as reads show it, without its deliveries. */
  readonly view: (event: StoredEvent) => EventView;
}

export interface Teller {
  /**
   * The messages of one record, as far as one of these readers may want them.
   *
   * @param completions of the reading that the record comes from: all its records are told in order.
   * @returns a promise only when something has to be read for it.
   */
  tell(stored: StoredEvent, readers: Iterable<{ readonly wanted: Wanted }>, completions: Completions): readonly Told[] | Promise<readonly Told[]>;
  /** The types under which the log may hold events of this type. */
  storedTypes(eventType: string): ReadonlySet<string>;
}

const none: readonly Told[] = [];

export function makeTeller({ log, catalog, view }: TellerNeeds): Teller {
  /** By stream and revision. */
  const types = new Map<string, string>();
  const remember = (stream: string, revision: number, type: string): void => {
    types.set(keyOf(stream, revision), type);
    if (types.size > rememberedTypes) types.delete(types.keys().next().value!);
  };

  function eventsOf(stored: StoredEvent): readonly Told[] {
    const { tenant, entity, position } = stored;
    const event = view(stored);
    const names = event.parts?.map(({ type }) => type) ?? [event.type];
    return names.map((type, index) => ({ kind: "event", position, index, tenant, entity, type, event }));
  }

  async function typed(told: ToldDelivery, stream: string): Promise<ToldDelivery> {
    const { revision } = told;
    let type = types.get(keyOf(stream, revision));
    if (type === undefined)
      for await (const batch of log.readStream(stream, { from: revision, limit: 1 }))
        for (const event of batch) if (event.revision === revision) remember(stream, revision, (type = event.type));
    return { ...told, storedType: type ?? null };
  }

  function changedBy(stored: StoredEvent, wants: readonly Wanted[]): readonly Told[] | Promise<readonly Told[]> {
    const changes = changesOf(stored);
    if (changes.length === 0) return none;
    const told = changes.map((change, index) => {
      const told = toldOf(stored, change, changes.length > 1 ? { index } : {});
      if (told === null || !wants.some((wanted) => needsType(wanted) && wanted.statuses.has(told.status) && isAbout(wanted, told))) return told;
      return typed(told, change.lane);
    });
    const present = told.filter((each) => each !== null);
    return present.some((each) => each instanceof Promise) ? Promise.all(present) : (present as readonly Told[]);
  }

  async function completedAndChangedBy(stored: StoredEvent, wants: readonly Wanted[], completions: Completions): Promise<readonly Told[]> {
    const completed = (await completions.of(stored)).map(({ stream, revision, id, type }, index) =>
      toldOf(stored, { lane: stream, revision, eventId: id, status: "completed" }, { index, storedType: type }),
    );
    return [...completed.filter((each) => each !== null), ...(await changedBy(stored, wants))];
  }

  return {
    tell(stored, readers, completions) {
      const { stream, revision, type } = stored;
      if (stream.startsWith(journalPrefix)) {
        const wants = Array.from(readers, ({ wanted }) => wanted).filter(wantsDeliveries);
        if (wants.some(wantsCompletions)) return completedAndChangedBy(stored, wants, completions);
        completions.forget();
        return wants.length === 0 ? none : changedBy(stored, wants);
      }
      if (!isEntityStream(stream)) return none;
      remember(stream, revision, type);
      for (const { wanted } of readers) if (wanted.events && isAbout(wanted, stored)) return eventsOf(stored);
      return none;
    },
    storedTypes: (eventType) => new Set([eventType, ...catalog.candidates([catalog.resolve(eventType) ?? eventType])]),
  };
}

function keyOf(stream: string, revision: number): string {
  return `${stream}\n${revision}`;
}
