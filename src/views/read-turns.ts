import type { DatabaseSync } from "node:sqlite";

/** Told around each turn in which rows are read that another thread writes. */
export interface ReadTurnHooks<Known> {
  /** What is known before the turn sees the rows. */
  before(): Known;
  /** What it reads belongs to the turn. */
  begun(known: Known): void;
}

/**
 * Rows that another thread writes, read as if this one wrote them: all reads of one turn of the event loop see the same moment, so that a query's statements
 * fit together. Each read calls `enter`.
 */
export interface ReadTurns {
  enter(): void;
  isOpen(): boolean;
  /** The next read sees the rows as they are then. */
  end(): void;
}

export function makeReadTurns<Known>(database: DatabaseSync, { before, begun }: ReadTurnHooks<Known>): ReadTurns {
  let open = false;
  let due: NodeJS.Immediate | undefined;
  const end = () => {
    clearImmediate(due);
    if (open && database.isOpen) database.exec("commit"); // it has written nothing but temporary tables
    open = false;
  };
  return {
    enter() {
      if (open) return;
      const known = before();
      database.exec("begin");
      open = true;
      due = setImmediate(end);
      begun(known);
    },
    isOpen: () => open,
    end,
  };
}
