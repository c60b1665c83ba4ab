/** One integration and its stream. Records are written one after another; the last change is the last one on record, whichever process wrote it. */
import { isLogTrouble, isRepriseError } from "../../errors.ts";
import { type Clock, toIso } from "../../event/clock.ts";
import type { Position, StoredEvent } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { integrationStream } from "../../event/names.ts";
import { backOff, pause } from "../../event/waits.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { IntegrationEvent } from "../../records/integration.ts";
import { ownEvent } from "../../records/own-event.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import type { IntegrationSpec } from "../integration-spec.ts";
import { notInTime, withPatience } from "../journal/patience.ts";
import { recordAct } from "../journal/record-act.ts";
import type { IntegrationChange } from "./fuse.ts";
import { Integration } from "./integration.ts";
import { readIntegration, recordOfChange } from "./integration-stream.ts";

/** Several processes call the integrations of one log. */
export interface Sharing {
  /** Id of this process. */
  readonly life: string;
  /** Whether another one still takes part: whoever does not has no trial any more. */
  readonly isThere: (life: string) => boolean;
}

export interface IntegrationPlaceNeeds {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly logger: DeliveryLogger;
  /** Null: this process calls them alone. */
  readonly sharing: Sharing | null;
  /** The service stops. */
  readonly signal: AbortSignal;
}

type Known = Pick<StoredEvent, "id" | "revision" | "recordedAt"> & IntegrationEvent;

const waits = { firstMs: 100, lastMs: 5000 };
/** A trial that was granted has so long to begin. */
const grantedMs = 1000;

export class IntegrationPlace {
  readonly integration: Integration;
  readonly #needs: IntegrationPlaceNeeds;
  #since: string | null = null;
  #writing: Promise<unknown> = Promise.resolve();
  /** Of the stream's last event that is known. */
  #revision = -1;
  /** Records of this process that the tail has not brought yet. */
  readonly #own = new Set<string>();
  /** Changes that other processes and operators made: what was decided before one of them is void. */
  #others = 0;
  #isAsking = false;

  constructor(spec: IntegrationSpec, needs: IntegrationPlaceNeeds) {
    this.#needs = needs;
    this.integration = new Integration(spec, (change) => this.#changed(change), needs.sharing === null ? null : () => this.#askForTrial());
  }

  get #stream(): string {
    return integrationStream(this.integration.spec.name);
  }

  get since(): string | null {
    return this.#since;
  }

  async read(): Promise<void> {
    const { log, clock } = this.#needs;
    await this.#writing;
    let kept = await readIntegration(log, this.integration.spec.name, clock.now());
    while (kept.revision < this.#revision) kept = await readIntegration(log, this.integration.spec.name, clock.now()); // the tail was faster
    this.#since = kept.since;
    this.#revision = kept.revision;
    this.integration.fuse.become(kept.breaker, kept.gatedMs, clock.monotonicMs());
    this.integration.fuse.right.become(kept.triedBy);
  }

  async written(): Promise<void> {
    await this.#writing;
  }

  /** What this process or another one has on record. Events come in order, each once or more often. */
  take(event: Known): void {
    if (event.revision <= this.#revision) return;
    this.#revision = event.revision;
    if (!this.#own.delete(event.id)) this.#become(event);
  }

  /** In force once it is on record. */
  async act(event: IntegrationEvent): Promise<Position> {
    const { log, clock, signal } = this.#needs;
    return withPatience(clock, (patience) => {
      const turn = this.#writing.then(async () => {
        if (patience.over) throw notInTime();
        const at = await recordAct({ log, clock, signal }, { stream: this.#stream, events: [this.#recordOf(event)], expected: "any" });
        if (at.revision > this.#revision + 1) await this.#readOn();
        this.take({ ...at, ...event });
        return at.position;
      });
      this.#writing = turn.catch(() => {});
      return turn;
    });
  }

  #changed(change: IntegrationChange): void {
    const { clock, logger, sharing } = this.#needs;
    const nowMs = clock.now();
    const about = { integration: this.integration.spec.name, ...change };
    if (change.kind === "opened" || change.kind === "closed") this.#since = toIso(nowMs);
    if (change.kind === "closed") logger.info(about, "the integration is back: its handlers go on");
    else if (change.kind === "opened") logger.warn(about, "the integration is down: its handlers wait");
    else if (change.kind === "gated") logger.warn(about, "the integration asked for a break: its handlers wait");
    void this.#enqueue(recordOfChange(change, nowMs, sharing?.life ?? ""));
  }

  /** What another process, or an operator, has on record of the integration is so here, too. */
  #become(event: Known): void {
    const { fuse } = this.integration;
    const nowMs = this.#needs.clock.monotonicMs();
    if (event.type === "integration.gated") fuse.gate(event.data.waitMs, nowMs);
    else {
      this.#others++;
      if (event.type === "integration.trial_begun") fuse.right.become(event.data.by);
      else if (event.type === "integration.trial_ended") fuse.right.become(null);
      else {
        this.#since = event.recordedAt;
        if (event.type === "integration.opened") fuse.become({ kind: "open", ...event.data }, null, nowMs);
        else if (event.type === "integration.isolated") fuse.become({ kind: "isolated" }, null, nowMs);
        else fuse.become({ kind: "closed" }, event.type === "integration.reset" ? 0 : null, nowMs);
      }
    }
    this.integration.wake();
  }

  /** The trial is made by whoever's record of it is taken first. */
  #askForTrial(): void {
    const { clock, sharing, signal } = this.#needs;
    const { fuse } = this.integration;
    if (this.#isAsking || sharing === null || fuse.at(clock.monotonicMs()).state !== "half_open" || !fuse.right.isFree(sharing.isThere)) return;
    this.#isAsking = true;
    void (async () => {
      try {
        if (!(await this.#enqueue({ type: "integration.trial_begun", data: { by: sharing.life } }))) return;
        fuse.right.grant();
        this.integration.wake();
        await pause(grantedMs, clock, signal);
        fuse.right.waive();
      } finally {
        this.#isAsking = false;
        this.integration.wake();
      }
    })();
  }

  /** @returns whether it is on record, and nothing that another process did came before it. */
  #enqueue(event: IntegrationEvent): Promise<boolean> {
    const others = this.#others;
    const turn = this.#writing.then(() => this.#write(event, () => event.type !== "integration.gated" && this.#others !== others));
    this.#writing = turn;
    return turn;
  }

  /** What happened by itself is in force already, and is written as soon as the log takes it. */
  async #write(event: IntegrationEvent, isVoid: () => boolean): Promise<boolean> {
    const { log, clock, logger, sharing, signal } = this.#needs;
    const record = this.#recordOf(event);
    this.#own.add(record.id);
    for (let failures = 0; !signal.aborted; failures++)
      try {
        if (isVoid()) break;
        const expected = sharing === null ? "any" : this.#revision === -1 ? "none" : this.#revision;
        const [at] = await log.append(this.#stream, [record], expected); // the same id: a repeat after an unclear end stores nothing twice
        this.#stored(record.id, at!.revision);
        return !isVoid();
      } catch (err) {
        if (isRepriseError(err, "REVISION_CONFLICT")) await this.#readOn().catch(() => {});
        else {
          logger.warn({ integration: this.integration.spec.name, err }, "a change of the integration could not be recorded; tried again");
          if (!isLogTrouble(err)) break;
        }
        await backOff(failures, waits, clock, signal);
      }
    this.#own.delete(record.id);
    return false;
  }

  async #readOn(): Promise<void> {
    for await (const batch of this.#needs.log.readStream(this.#stream, { from: this.#revision + 1 }))
      for (const event of batch) this.take(event as unknown as Known);
  }

  #stored(id: string, revision: number): void {
    this.#own.delete(id);
    this.#revision = Math.max(this.#revision, revision);
  }

  #recordOf({ type, data }: IntegrationEvent) {
    return ownEvent(this.#needs.newId, type, data);
  }
}
