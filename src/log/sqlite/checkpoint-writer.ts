/** The first thread's side of checkpoints that a second one makes. */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { RepriseError } from "../../errors.ts";
import { systemClock } from "../../event/clock.ts";
import {
  asked,
  type CheckpointBegins,
  type FromCheckpoints,
  numberAt,
  phaseAt,
  rests,
  type ToCheckpoints,
  type ToldError,
  writes,
} from "./checkpoint-messages.ts";

/** The longest stop of this thread for a checkpoint that is under way. It takes milliseconds on a disk that works. */
const settlePatienceMs = 1000;
const endPatienceMs = 5000;

/** Has pages of the write-ahead log written into log.db by a thread of somebody else's, while there is one. */
export class CheckpointWriter {
  readonly #begins: CheckpointBegins;
  readonly #state: Int32Array;
  #port: MessagePort | null = null;
  /** Of the thread that takes over when the one before it is gone. */
  #next: MessagePort | null = null;
  #isReady = false;
  #number = 0;
  #answered: PromiseWithResolvers<void> | null = null;
  #ended = false;
  /** The thread did not end in time, and may still write. */
  #gaveUp = false;

  /** @param descriptor of log.db, open for as long as this is. */
  constructor(path: string, descriptor: number) {
    const state = new SharedArrayBuffer(8);
    this.#begins = { path, descriptor, state };
    this.#state = new Int32Array(state);
  }

  /** A thread waits for a checkpoint. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** A checkpoint was asked for, and this thread has not been told of its end. */
  get isAwaited(): boolean {
    return this.#answered !== null;
  }

  get isAtRest(): boolean {
    return Atomics.load(this.#state, phaseAt) === rests;
  }

  /** For `answerCheckpoints` in a second thread of this process. One thread at a time makes checkpoints, a later one when that is gone. */
  lend(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#next?.close();
    this.#next = port1;
    if (this.#ended) port1.close();
    else if (this.#port === null) this.#goOn();
    return port2;
  }

  /** Resolves when log.db has all that a checkpoint may bring there, and is synced; or when it was taken back. @throws the error of the disk, of SQLite, or ThreadEnded. */
  write(): Promise<void> {
    this.#answered = Promise.withResolvers();
    Atomics.store(this.#state, numberAt, ++this.#number);
    Atomics.store(this.#state, phaseAt, asked);
    this.#tell(this.#number);
    return this.#answered.promise;
  }

  /**
   * Takes a checkpoint back, or stops this thread until it is made: then the other one writes nothing.
   *
   * @returns whether it was taken back.
   * @throws LOG_UNAVAILABLE when it takes too long.
   */
  settle(): boolean {
    if (Atomics.compareExchange(this.#state, phaseAt, asked, rests) === asked) {
      this.#answer(null);
      return true;
    }
    if (Atomics.wait(this.#state, phaseAt, writes, settlePatienceMs) === "timed-out")
      throw new RepriseError("LOG_UNAVAILABLE", "Bringing the write-ahead log into log.db takes very long: the disk does not answer.", { retryAfterMs: 1000 });
    return false;
  }

  /** Resolves when the thread has closed its files, or does not answer. It is asked for nothing more. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#isReady = false;
    this.#next?.close();
    this.#next = null;
    const port = this.#port;
    if (port === null) return;
    const closed = new Promise<void>((resolve) => port.once("close", resolve));
    port.ref();
    this.#tell("end");
    const late = systemClock.after(endPatienceMs, () => {
      this.#gaveUp = true;
      port.close();
    });
    await closed;
    late.cancel();
  }

  #goOn(): void {
    const port = this.#next;
    this.#port = port;
    this.#next = null;
    if (port === null) return;
    port.on("message", (message: FromCheckpoints) => this.#take(message));
    port.on("close", () => this.#lost());
    port.unref();
    this.#tell(this.#begins);
  }

  #tell(message: ToCheckpoints): void {
    this.#port?.postMessage(message);
  }

  #take(message: FromCheckpoints): void {
    if (message === "ready") this.#isReady = !this.#ended;
    else if (message.number === this.#number) this.#answer(message.error === null ? null : errorOf(message.error));
  }

  /** The thread is gone. */
  #lost(): void {
    this.#isReady = false;
    if (!this.#gaveUp) {
      Atomics.store(this.#state, phaseAt, rests);
      this.#answer(new ThreadEnded());
    }
    this.#goOn();
  }

  #answer(error: Error | null): void {
    const answered = this.#answered;
    this.#answered = null;
    if (error === null) answered?.resolve();
    else answered?.reject(error);
  }
}

/** Nobody knows how far the checkpoint came. */
export class ThreadEnded extends Error {
  constructor() {
    super("The thread that made a checkpoint has ended.");
  }
}

function errorOf({ message, ...told }: ToldError): Error {
  return Object.assign(new Error(message), told);
}
