/** With what the thread begins that makes checkpoints. */
export interface CheckpointBegins {
  readonly path: string;
  /** Of log.db. The first thread keeps it open. */
  readonly descriptor: number;
  /** One number: `writes` from when the thread is asked until it has answered, and else `rests`. */
  readonly state: SharedArrayBuffer;
}

export const rests = 0;
export const writes = 1;

/** The number is that of a checkpoint, which its answer has, too. At `end` it closes its files, and then the port. */
export type ToCheckpoints = CheckpointBegins | number | "end";

/** What an error of the disk, or of SQLite, is told by. */
export interface ToldError {
  readonly message: string;
  readonly code: string | undefined;
  readonly syscall: string | undefined;
  readonly errcode: number | undefined;
}

export type FromCheckpoints = "ready" | { readonly number: number; readonly error: ToldError | null };
