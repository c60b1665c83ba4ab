/** One alert at work: it looks, puts on record what it fired and resolved, and has it told. */
import { type Clock, toIso } from "../event/clock.ts";
import type { NewId } from "../event/ids.ts";
import type { AlertNotice, AlertState } from "../records/alert.ts";
import type { AlertPost } from "./alert-post.ts";
import type { AlertRecord } from "./alert-record.ts";
import { type AlertSpec, isLasting } from "./alert-spec.ts";
import { textOf } from "./alert-text.ts";
import type { Measure, Reading } from "./measures.ts";
import { Teller } from "./teller.ts";
import { Watch } from "./watch.ts";

export interface AlertOptions {
  readonly spec: AlertSpec;
  readonly measure: Measure;
  readonly record: AlertRecord;
  /** Whether only another instance has in its config what it is about. */
  readonly isElsewhere: (subject: string) => boolean;
  readonly post: AlertPost;
  readonly clock: Clock;
  readonly newId: NewId;
  /** This process. */
  readonly life: string;
  readonly onTrouble: (why: string) => void;
  /** It takes nothing new: the service stops. */
  readonly signal: AbortSignal;
  /** What is under way is cut off. */
  readonly cut: AbortSignal;
}

/** What another process has not told within this time is told by this one. */
const othersMs = 15_000;
/** The oldest notices are dropped beyond it: a receiver that was away for so long learns of the last ones. */
const maxUntold = 100;

export class Alert {
  readonly spec: AlertSpec;
  readonly #options: AlertOptions;
  readonly #watches = new Map<string, Watch>();
  readonly #teller: Teller;
  /** As of the last reading or change; null: it has to be read. */
  #state: AlertState | null = null;

  constructor(options: AlertOptions) {
    this.spec = options.spec;
    this.#options = options;
    const { clock, post, signal, cut, onTrouble } = options;
    this.#teller = new Teller({
      ...{ clock, signal, onTrouble },
      next: () => this.#next(),
      send: async (notice) => ((await this.#isUntold(notice)) ? post.send(notice.id, textOf(options.spec, notice), cut) : null),
      told: (notice) => this.#told(notice),
    });
  }

  /** Why its receiver does not hear it; null: it does. */
  get trouble(): string | null {
    return this.#teller.trouble;
  }

  /** @throws when it cannot be measured, read or recorded: the next look does it anew. */
  async look(): Promise<void> {
    const { measure, record, spec } = this.#options;
    this.#state ??= await record.read();
    this.#teller.wake();
    const readings = await measure(spec);
    if (this.#options.signal.aborted) return;
    await this.#record(this.#judge(readings));
    this.#teller.wake();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#teller.idle();
  }

  #judge(readings: readonly Reading[]): readonly AlertNotice[] {
    const nowMs = this.#options.clock.monotonicMs();
    const firing = new Map(this.#state!.firing.map(({ subject, since }) => [subject, since]));
    const all = new Map(readings.map((reading) => [reading.subject, reading]));
    // What is not in the config any more is well, unless another instance has it.
    for (const subject of firing.keys()) if (!all.has(subject)) all.set(subject, { subject, isBad: this.#options.isElsewhere(subject) ? null : false });
    return [...all.values()].flatMap(({ subject, isBad, value }) => {
      const watch = this.#watchOf(subject);
      const change = watch.look(isBad, firing.has(subject), nowMs);
      const measured = value ?? Math.floor(watch.lastedMs / 1000);
      return change === null ? [] : [this.#notice(change === "fire" ? "fired" : "resolved", subject, measured, firing.get(subject))];
    });
  }

  #watchOf(subject: string): Watch {
    const { spec } = this.#options;
    const known = this.#watches.get(subject);
    if (known !== undefined) return known;
    const watch = new Watch({ lastMs: isLasting(spec.when) ? spec.over * 1000 : 0, quietMs: spec.quietMs });
    this.#watches.set(subject, watch);
    return watch;
  }

  #notice(status: AlertNotice["status"], subject: string, value: number, since: string | undefined): AlertNotice {
    const { clock, newId, life } = this.#options;
    const at = toIso(clock.now());
    return { id: newId(), status, subject, value, at, since: since ?? at, by: life };
  }

  /** Another process may have been faster: what is on record already is left out. */
  async #record(notices: readonly AlertNotice[]): Promise<void> {
    if (notices.length === 0) return;
    this.#state = await this.#change(({ firing, untold }) => {
      const isFiring = new Set(firing.map(({ subject }) => subject));
      const changed = notices.filter(({ status, subject }) => (status === "fired") !== isFiring.has(subject));
      if (changed.length === 0) return null;
      const over = new Set(changed.map(({ subject }) => subject));
      const fired = changed.filter(({ status }) => status === "fired").map(({ subject, since }) => ({ subject, since }));
      return {
        type: "alert.changed",
        data: { changed, firing: [...firing.filter(({ subject }) => !over.has(subject)), ...fired], untold: [...untold, ...changed].slice(-maxUntold) },
      };
    });
    const nowMs = this.#options.clock.monotonicMs();
    for (const { status, subject } of notices) this.#watchOf(subject)[status](nowMs);
  }

  /** What another process was to tell is looked up again, because it may have told it meanwhile. */
  async #isUntold({ id, by }: AlertNotice): Promise<boolean> {
    const { record, life } = this.#options;
    if (by === life) return true;
    this.#state = await record.read();
    return this.#state.untold.some((notice) => notice.id === id);
  }

  async #told({ id }: AlertNotice): Promise<void> {
    this.#state = await this.#change(({ firing, untold }) => {
      const left = untold.filter((notice) => notice.id !== id);
      return left.length === untold.length ? null : { type: "alert.told", data: { told: id, firing, untold: left } };
    });
  }

  async #change(next: Parameters<AlertRecord["change"]>[0]): Promise<AlertState> {
    try {
      return await this.#options.record.change(next);
    } catch (error) {
      this.#state = null; // it may have been written
      throw error;
    }
  }

  #next(): { readonly notice: AlertNotice; readonly inMs: number } | null {
    const { clock, life } = this.#options;
    const [notice] = this.#state?.untold ?? [];
    if (notice === undefined) return null;
    const ageMs = Math.max(0, clock.now() - Date.parse(notice.at));
    return { notice, inMs: notice.by === life ? 0 : Math.max(0, othersMs - ageMs) };
  }
}
