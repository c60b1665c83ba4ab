import { RepriseError } from "../../errors.ts";

/** A page of the log that cannot be read was met, and it is not known yet what stood there. To others it is LOG_DAMAGED. */
export class PageLost extends RepriseError {
  /** Finds out. @returns whether more is known than before. */
  readonly explore: () => Promise<boolean>;

  constructor(path: string, explore: () => Promise<boolean>, cause?: unknown) {
    super("LOG_DAMAGED", `${path} is damaged: a page of it cannot be read.`, { cause });
    this.explore = explore;
  }
}

/** Meets a page that cannot be read: finds out what stood there, with turns for others in between, and reads again. */
export async function around<T>(read: () => T): Promise<T> {
  for (;;)
    try {
      return read();
    } catch (error) {
      if (!(error instanceof PageLost) || !(await error.explore())) throw error;
    }
}
