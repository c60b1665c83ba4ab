/** How many readers follow the log at once, and that nobody takes all places from the others. */
import { RepriseError } from "../../errors.ts";

const maxReaders = 100;
/** A place may be free soon: readers come and go. */
const retryAfterMs = 10_000;

export interface ReaderPlaces {
  /** @param owner for whom the reader counts; null: there are no others. @throws LIMIT_REACHED */
  mustHaveRoom(owner: string | null): void;
  /** @returns gives the place back, and is called once. */
  take(owner: string | null): () => void;
}

/**
 * Who has fewer readers than places are free gets another one. So one owner alone has half of them at most, and whoever comes first finds a place as long as
 * there is any.
 */
export function makeReaderPlaces(): ReaderPlaces {
  const taken = new Map<string | null, number>();
  let free = maxReaders;
  return {
    mustHaveRoom(owner) {
      const own = taken.get(owner) ?? 0;
      if (free === 0) throw new RepriseError("LIMIT_REACHED", `${maxReaders} readers follow the log already.`, { retryAfterMs });
      if (owner !== null && own >= free)
        throw new RepriseError("LIMIT_REACHED", `${own} readers of this tenant follow the log already: the other places are kept for others.`, {
          retryAfterMs,
        });
    },
    take(owner) {
      free--;
      taken.set(owner, (taken.get(owner) ?? 0) + 1);
      return () => {
        free++;
        const left = taken.get(owner)! - 1;
        if (left === 0) taken.delete(owner);
        else taken.set(owner, left);
      };
    },
  };
}
