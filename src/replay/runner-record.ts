/**
 * The stream of a replay as its runner writes it, where several instances share the work: each append stands behind all that the runner knows of the stream.
 * So a runner that another has replaced, and that knows nothing of it, writes nothing.
 */
import { slices } from "../delivery/partition/flush-appends.ts";
import { isLogTrouble, isRepriseError, RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { NewEvent, Position, StoredEvent } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import { replayStream } from "../event/names.ts";
import { backOff } from "../event/waits.ts";
import type { EventLog } from "../log/event-log.ts";
import { ownEvent } from "../records/own-event.ts";
import type { ReplayEntry, ReplayStreamData } from "../records/replay.ts";
import type { ReplayRecord } from "./replay-stream.ts";

export interface RunnerRecordNeeds {
  readonly log: Pick<EventLog, "append" | "readStream">;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Aborted when the service stops. */
  readonly signal: AbortSignal;
  readonly replayId: string;
  /** Revision of the last event that the runner knows. */
  readonly last: number;
  /** Told of each event that somebody else has written: an operator's act. */
  readonly onEntry: (entry: ReplayEntry) => void;
  /** Told that another instance runs the replay. Nothing is written from then on. */
  readonly onReplaced: (error: RepriseError) => void;
}

interface Waiting {
  readonly event: NewEvent;
  readonly resolve: (position: Position) => void;
  readonly reject: (error: unknown) => void;
}

const waits = { firstMs: 100, lastMs: 2000 };
/** In one append. */
const most = { events: 256, bytes: 512 * 1024 };

export class RunnerRecord implements ReplayRecord {
  readonly #needs: RunnerRecordNeeds;
  readonly #stream: string;
  #last: number;
  #waiting: Waiting[] = [];
  #isWriting = false;
  /** The append under way, by the id of its last event, and where the log has shown it. */
  #under: { readonly id: string; at: Position | null } | null = null;
  #replaced: RepriseError | null = null;

  constructor(needs: RunnerRecordNeeds) {
    this.#needs = needs;
    this.#stream = replayStream(needs.replayId);
    this.#last = needs.last;
  }

  append<Type extends keyof ReplayStreamData>(type: Type, data: ReplayStreamData[Type]): Promise<Position> {
    return this.persist(type, data);
  }

  /** @throws NOT_OWNER when another instance runs the replay, LOG_UNAVAILABLE when the service stops. */
  persist<Type extends keyof ReplayStreamData>(type: Type, data: ReplayStreamData[Type]): Promise<Position> {
    const { promise, resolve, reject } = Promise.withResolvers<Position>();
    this.#waiting.push({ event: ownEvent(this.#needs.newId, type, data), resolve, reject });
    if (!this.#isWriting) void this.#write();
    return promise;
  }

  /** Takes in what was written before anybody told of it. */
  async catchUp(): Promise<void> {
    const { clock, signal } = this.#needs;
    for (let failures = 0; !signal.aborted && !(await this.#readOn()); failures++) await backOff(failures, waits, clock, signal);
  }

  /** An event of the stream, each once or more often, in order. */
  heard({ revision, position, id, type, data }: Pick<StoredEvent, "revision" | "position" | "id" | "type" | "data">): void {
    if (revision <= this.#last || this.#replaced !== null) return;
    if (revision > this.#last + 1) return void this.catchUp().catch(() => {}); // what cannot be read tells at the next append
    this.#last = revision;
    if (this.#under?.id === id) this.#under.at = position;
    const entry = { type, data } as unknown as ReplayEntry;
    if (entry.type === "replay.claimed") this.#replace(entry.data.instance);
    else this.#needs.onEntry(entry);
  }

  #replace(instance: string): void {
    this.#replaced = new RepriseError("NOT_OWNER", `Instance ${instance} runs the replay now.`, { retryAfterMs: 1000, fields: { owner: instance } });
    this.#needs.onReplaced(this.#replaced);
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const [part = []] = slices(this.#waiting.slice(0, most.events), most.bytes);
      this.#waiting = this.#waiting.slice(part.length);
      try {
        const position = await this.#store(part.map(({ event }) => event));
        for (const { resolve } of part) resolve(position);
      } catch (error) {
        for (const { reject } of [...part, ...this.#waiting.splice(0)]) reject(error);
      }
    }
    this.#isWriting = false;
  }

  /** The same events until they are stored, however long that takes. What somebody else has written meanwhile is taken first. */
  async #store(events: readonly NewEvent[]): Promise<Position> {
    const { log, clock, signal } = this.#needs;
    const under = { id: events.at(-1)!.id, at: null as Position | null };
    this.#under = under;
    for (let failures = 0; ; ) {
      if (under.at !== null) return under.at;
      if (this.#replaced !== null) throw this.#replaced;
      try {
        const stored = (await log.append(this.#stream, events, this.#last)).at(-1)!;
        this.#last = Math.max(this.#last, stored.revision);
        return stored.position;
      } catch (error) {
        const isConflict = isRepriseError(error, "REVISION_CONFLICT");
        if (signal.aborted || (!isConflict && !isLogTrouble(error))) throw error;
        if (!isConflict || !(await this.#readOn())) await backOff(failures++, waits, clock, signal);
      }
    }
  }

  /** @returns false when the log does not answer. */
  async #readOn(): Promise<boolean> {
    try {
      for await (const batch of this.#needs.log.readStream(this.#stream, { from: this.#last + 1 })) for (const event of batch) this.heard(event);
      return true;
    } catch (error) {
      if (!isLogTrouble(error)) throw error;
      return false;
    }
  }
}
