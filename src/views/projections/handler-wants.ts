import type { ViewDatabase } from "../database.ts";

interface Wants {
  readonly strict: boolean;
  /** The position beyond which it wants events of a stored type. Null: what the first builds recorded, which only a catalog tells. */
  readonly types: ReadonlyMap<string, number> | null;
}

/** What handlers want, as far as the rows say it. */
export class HandlerWants {
  readonly #handlers = new Map<string, Wants>();

  of(db: ViewDatabase, handler: string): Wants {
    let wants = this.#handlers.get(handler);
    if (wants === undefined) this.#handlers.set(handler, (wants = read(db, handler)));
    return wants;
  }

  clear(): void {
    this.#handlers.clear();
  }
}

function read(db: ViewDatabase, handler: string): Wants {
  const strict = db.get<{ ordering: string | null }>("select ordering from handlers where name = ?", handler)?.ordering === "strict";
  const types = db.all<{ type: string; since: number; exact: 0 | 1 }>("select type, since, exact from handler_types where handler = ?", handler);
  return { strict, types: types.every(({ exact }) => exact === 1) ? new Map(types.map(({ type, since }) => [type, since])) : null };
}
