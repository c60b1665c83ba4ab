/** Other data for a dead letter: by hand, or by a migration of the config. What is recorded belongs to one letter of one handler. */
import type { Catalog } from "../catalog/catalog.ts";
import { type Migrations, mustFit } from "../catalog/migration.ts";
import type { LetterEvent } from "../delivery/dispatcher/letter-acts.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { RepriseError } from "../errors.ts";
import type { Json } from "../event/event.ts";
import type { AppendedEvent } from "../log/event-log.ts";
import type { Act } from "../records/act.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { DeadLetterDetail } from "../views/model/dead-letter.ts";

type Place = Pick<DeadLetterDetail, "id" | "handler" | "stream" | "revision">;
type MigratingJob = { readonly replayId: string; readonly actor: string; readonly reason: string | null; readonly migration: string };

export interface Amendments {
  /**
   * The data is checked against the stored version and lifted before anything is recorded.
   *
   * @throws DATA_INVALID with places below `#/data`, UPCAST_FAILED, NOT_FOUND when the log has the event no more, and as Dispatcher.amend.
   */
  amend(letter: Place, data: Json, act: Act): Promise<{ readonly appended: AppendedEvent; readonly letter: LetterEvent }>;
  /** Refuses a letter that could not be delivered as it is now, or as the migration would make it. Changes nothing. @throws UPCAST_FAILED, MIGRATION_FAILED, NOT_FOUND */
  mustDeliver(letter: Place, migration: string | null): Promise<void>;
  /** Amends an item with what the job's migration makes of its stored data; once a job, however often the job is cut off. @throws MIGRATION_FAILED, UPCAST_FAILED, … */
  migrate(item: ReplayItem, job: MigratingJob): Promise<void>;
}

export function makeAmendments({
  delivery,
  catalog,
  migrations,
}: {
  readonly delivery: RunningHandlers;
  readonly catalog: Catalog;
  readonly migrations: Migrations;
}): Amendments {
  async function read({ id, handler, stream, revision }: Place): Promise<LetterEvent> {
    const letter = await delivery.must(handler).letters.event(stream, revision);
    if (letter === null) throw new RepriseError("NOT_FOUND", `Event ${id} was removed from the log: its dead letter can only be discarded.`);
    return letter;
  }

  return {
    async amend(place, data, act) {
      const letter = await read(place);
      mustFit(catalog, letter.stored, data, "#/data");
      const appended = await delivery.must(place.handler).letters.amend({ stream: place.stream, revision: place.revision, data, act });
      return { appended, letter };
    },

    async mustDeliver(place, migration) {
      const { event, stored } = await read(place);
      if (migration !== null) migrations.run(migration, stored);
      else {
        const lifted = catalog.current(event);
        if (!lifted.ok) throw new RepriseError("UPCAST_FAILED", `${event.type} version ${event.schemaVersion} cannot be lifted: ${lifted.error.message}`);
      }
    },

    async migrate({ handler, lane, revision, eventId, attempts }, { replayId, actor, reason, migration }) {
      const place = { id: eventId, handler, stream: lane, revision };
      const letter = await read(place);
      // Made by this very job before it was cut off; or the letter changed since it was chosen, and is left alone.
      if (letter.amended?.replayId === replayId || letter.attempts !== attempts) return;
      const data = migrations.run(migration, letter.stored);
      await delivery.must(handler).letters.amend({ stream: lane, revision, data, act: { actor, reason, replayId, migration } });
    },
  };
}
