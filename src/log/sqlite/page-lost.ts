import { RepriseError } from "../../errors.ts";

/** A read met an unreadable page of the log, and the events on it are not known yet. Outside of the log this is LOG_DAMAGED. */
export class PageLost extends RepriseError {
  /** Reads the log for lost rows. @returns whether more is known than before. */
  readonly explore: () => Promise<boolean>;

  constructor(path: string, explore: () => Promise<boolean>, cause?: unknown) {
    super("LOG_DAMAGED", `${path} is damaged: a page of it cannot be read.`, { cause });
    this.explore = explore;
  }
}

/** Reads. When the read meets an unreadable page, finds the events that stood there, with turns for others in between, and reads again. */
export async function around<T>(read: () => T): Promise<T> {
  for (;;)
    try {
      return read();
    } catch (error) {
      if (!(error instanceof PageLost) || !(await error.explore())) throw error;
    }
}
