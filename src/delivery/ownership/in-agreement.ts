import { isRepriseError } from "../../errors.ts";

/** How often a start is tried again when the handler's record has changed meanwhile. */
const maxOpens = 5;

/** Tries again while the handler's record changes meanwhile, because another instance starts, too. @throws REVISION_CONFLICT when it never ends. */
export async function inAgreement<T>(open: () => Promise<T>): Promise<T> {
  for (let n = 1; ; n++)
    try {
      return await open();
    } catch (error) {
      if (!isRepriseError(error, "REVISION_CONFLICT") || n === maxOpens) throw error;
    }
}
