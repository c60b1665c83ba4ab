/** With what the thread begins that makes checkpoints. */
export interface CheckpointBegins {
  readonly path: string;
  /** Of log.db. The first thread keeps it open. */
  readonly descriptor: number;
  /** Two numbers of 32 bits: what the thread does, and the number of the checkpoint that it is to make. */
  readonly state: SharedArrayBuffer;
}

/** What the thread does. While it is only asked, the owner may take the question back. */
export const rests = 0;
export const asked = 1;
export const writes = 2;

export const phaseAt = 0;
export const numberAt = 1;

/** The number is that of a checkpoint, which its answer has, too. At `end` the thread closes its files, and then the port. */
export type ToCheckpoints = CheckpointBegins | number | "end";

/** What an error of the disk, or of SQLite, is told by. */
export interface ToldError {
  readonly message: string;
  readonly code: string | undefined;
  readonly syscall: string | undefined;
  readonly errcode: number | undefined;
}

export type FromCheckpoints = "ready" | { readonly number: number; readonly error: ToldError | null };
