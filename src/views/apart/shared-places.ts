/** What the two threads know of each other without a message: how far the log is, and how far the rows. */

/** Indexes of 64 bits. */
const logEnd = 0;
const rows = 1;
/** Indexes of 32 bits, behind those. */
const waitsForLog = 4;
const told = 5;
const inTrouble = 6;
const wanted = 7;
const rests = 8;

export class SharedPlaces {
  readonly buffer: SharedArrayBuffer;
  readonly #positions: BigInt64Array;
  readonly #flags: Int32Array;

  constructor(buffer = new SharedArrayBuffer(40)) {
    this.buffer = buffer;
    this.#positions = new BigInt64Array(buffer);
    this.#flags = new Int32Array(buffer);
  }

  get logEnd(): bigint {
    return Atomics.load(this.#positions, logEnd);
  }

  /** Everything up to here is committed in the rows. */
  get rows(): bigint {
    return Atomics.load(this.#positions, rows);
  }

  set rows(position: bigint) {
    Atomics.store(this.#positions, rows, position);
  }

  /** How often it changed which events handlers want. Read it before the rows. */
  get wanted(): number {
    return Atomics.load(this.#flags, wanted);
  }

  wantedChanged(): void {
    Atomics.add(this.#flags, wanted, 1);
  }

  /** The other thread rests, or goes on. */
  set restsUntilRead(is: boolean) {
    Atomics.store(this.#flags, rests, is ? 1 : 0);
  }

  /** Somebody reads the rows. @returns whether a message has to end the other thread's rest: once for each. */
  endsRest(): boolean {
    return Atomics.compareExchange(this.#flags, rests, 1, 0) === 1;
  }

  get inTrouble(): boolean {
    return Atomics.load(this.#flags, inTrouble) === 1;
  }

  set inTrouble(is: boolean) {
    Atomics.store(this.#flags, inTrouble, is ? 1 : 0);
  }

  /** @returns whether the other thread waits, and has to be woken by a message. */
  grewTo(end: bigint): boolean {
    Atomics.store(this.#positions, logEnd, end);
    return Atomics.compareExchange(this.#flags, waitsForLog, 1, 0) === 1;
  }

  /** Call it before the last look at `logEnd`, after which the thread waits. */
  waitForLog(): void {
    Atomics.store(this.#flags, waitsForLog, 1);
  }

  /** @returns whether the first thread has to be told by a message: it has taken the last one. */
  mayTell(): boolean {
    return Atomics.compareExchange(this.#flags, told, 0, 1) === 0;
  }

  /** The first thread takes the message, and looks at the rows' position then. */
  taken(): void {
    Atomics.store(this.#flags, told, 0);
  }
}
