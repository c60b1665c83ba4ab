/** A folder or a bucket that holds archives. Every adapter passes `test/contract/archive-place.ts`. */
export interface ArchivePlace {
  /** How it is shown: without credentials. */
  readonly url: string;

  /**
   * Stores a thing, whole or not at all, and durably. What has this name already stays as it is.
   *
   * @throws ARCHIVE_UNAVAILABLE: it is not known whether it is there. Safe to repeat.
   */
  create(name: string, body: Uint8Array): Promise<"written" | "exists">;

  /**
   * The same over what is there.
   *
   * @param seen the tag of what is replaced, or null where nothing was there: another writer's change since then is not lost. Undefined: whatever is there.
   * @throws ARCHIVE_UNAVAILABLE, also when it is not what was seen.
   */
  replace(name: string, body: Uint8Array, seen?: string | null): Promise<void>;

  /**
   * All of it, or the bytes from `from` up to `to`; null: there is no such thing.
   *
   * @throws ARCHIVE_UNAVAILABLE
   */
  read(name: string, range?: ByteRange): Promise<Found | null>;

  /** Names that begin with `prefix`, in no order. @throws ARCHIVE_UNAVAILABLE */
  list(prefix: string): AsyncIterable<string>;

  /**
   * Keeps other processes from writing below `folder` until it is given back, where the place can do that; the end of the process gives it back, too. A bucket
   * cannot, and `replace` compares.
   *
   * @throws ARCHIVE_UNAVAILABLE while another process has it.
   */
  hold(folder: string): Promise<() => void>;

  close(): Promise<void>;
}

export interface ByteRange {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

export interface Found {
  readonly body: Uint8Array;
  /** Changes with every change of the thing. */
  readonly tag: string;
}
