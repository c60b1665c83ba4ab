/**
 * Who holds the journals of all partitions, as their claims and releases tell it: read back once, and followed from then on. One that is back after a silence
 * has aborted all that it had, so that it holds none: nobody waits for it to let go.
 */
import type { Clock } from "../../../event/clock.ts";
import type { StoredEvent } from "../../../event/event.ts";
import { clusterStream, journalStream } from "../../../event/names.ts";
import { backOff } from "../../../event/waits.ts";
import type { EventLog } from "../../../log/event-log.ts";
import type { ClusterStreamData } from "../../../records/cluster.ts";
import type { JournalData } from "../../../records/journal.ts";
import { claimType } from "../../journal/claim.ts";
import { isOwnEvent } from "../../journal/journal-read.ts";
import { type Holder, unknownHolder } from "../rules/hand-over.ts";

const releaseTypes: readonly string[] = ["partition.released", "partition.closed"];
/** How far back a claim is looked for. Its owner is waited for as long as any, when it is further back. */
const maxRead = 5000;
const waits = { firstMs: 250, lastMs: 5000 };

export interface KnownHolder extends Holder {
  /** Null: not known. */
  readonly epoch: number | null;
}

export interface HoldersOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  /** Told when claims or releases have come, and what has come of the cluster's stream, in order. */
  readonly onNews: (ofCluster: readonly StoredEvent[]) => void;
  readonly signal: AbortSignal;
}

export class Holders {
  readonly #options: HoldersOptions;
  readonly #known = new Map<string, KnownHolder>();

  constructor(options: HoldersOptions) {
    this.#options = options;
  }

  of(journal: string): KnownHolder {
    return this.#known.get(journal) ?? { instance: unknownHolder, sinceMs: this.#options.clock.monotonicMs(), epoch: null };
  }

  /** Follows the log from its end, and looks back from there. @throws LOG_UNAVAILABLE */
  async start(places: readonly { readonly handler: string; readonly partition: number; readonly of: number }[]): Promise<void> {
    const head = await this.#options.log.head();
    void this.#follow(head);
    await this.learn(places);
  }

  /** Looks back in the journals that are not known yet. @throws LOG_UNAVAILABLE */
  async learn(places: readonly { readonly handler: string; readonly partition: number; readonly of: number }[]): Promise<void> {
    for (const { handler, of, partition } of places) await this.#learn(journalStream(handler, of, partition));
  }

  /** Reads back to the journal's last claim or release. */
  async #learn(journal: string): Promise<void> {
    if (this.#known.has(journal)) return;
    const { log, signal, clock } = this.#options;
    let first = 0;
    for await (const batch of log.readStream(journal, { direction: "backward", limit: maxRead, signal }))
      for (const event of batch) {
        first = event.revision;
        if (this.#known.has(journal)) return; // it was claimed meanwhile
        if (this.#take(event)) return;
      }
    // Where the beginning was reached, nobody has ever claimed it.
    if (!this.#known.has(journal)) this.#known.set(journal, { instance: first === 0 ? null : unknownHolder, sinceMs: clock.monotonicMs(), epoch: null });
  }

  #take(event: StoredEvent): boolean {
    if (!isOwnEvent(event) || (event.type !== claimType && !releaseTypes.includes(event.type))) return false;
    const sinceMs = this.#options.clock.monotonicMs();
    const claim = event.type === claimType ? (event.data as unknown as JournalData["partition.claimed"]) : null;
    this.#known.set(event.stream, { instance: claim?.owner ?? null, sinceMs, epoch: claim === null ? null : event.revision + (claim.epochBase ?? 0) });
    return true;
  }

  #isBack({ instance }: ClusterStreamData["member.returned"]): void {
    const sinceMs = this.#options.clock.monotonicMs();
    for (const [journal, holder] of this.#known) if (holder.instance === instance) this.#known.set(journal, { instance: null, sinceMs, epoch: null });
  }

  async #follow(head: bigint): Promise<void> {
    const { log, clock, onNews, signal } = this.#options;
    let after = head;
    for (let failures = 0; !signal.aborted; failures++)
      try {
        const types = [
          claimType,
          ...releaseTypes,
          "member.joined",
          "member.draining",
          "member.returned",
          "member.left",
          "partitions.moved",
          "handler.partitioned",
        ];
        for await (const { events, position } of log.subscribe({ after, filter: { types }, signal })) {
          after = position;
          failures = 0;
          const ofCluster = events.filter(({ stream }) => stream === clusterStream);
          let isNews = ofCluster.length > 0;
          for (const event of events) {
            if (event.stream === clusterStream && event.type === "member.returned") this.#isBack(event.data as never);
            isNews = this.#take(event) || isNews;
          }
          if (isNews) onNews(ofCluster);
        }
        return;
      } catch {
        await backOff(failures, waits, clock, signal); // the log tells what is wrong with it
      }
  }
}
