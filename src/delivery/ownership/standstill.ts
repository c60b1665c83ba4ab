import { isRepriseError, type RepriseError } from "../../errors.ts";

/** A partition that stands still until somebody repairs it. */
export interface Standstill {
  /** Which has it. */
  readonly instance: string;
  readonly partition: number;
  /** As `<code>: <message>`. */
  readonly fault: string;
}

/** What stays as it is until somebody repairs it; null: nothing. */
export function damageIn(error: unknown): RepriseError | null {
  return isRepriseError(error, "JOURNAL_DAMAGED", "LOG_DAMAGED") ? error : null;
}
