/** Where an instance answers what is asked of the partitions that it owns. */
import { LRUCache } from "lru-cache";
import { isRepriseError } from "../../errors.ts";
import type { Json, Position, StoredEvent } from "../../event/event.ts";
import { journalOfInbox } from "../../event/names.ts";
import type { InboxStreamData } from "../../records/inbox.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import type { Dispatcher } from "../dispatcher/dispatcher.ts";
import { AnsweredActs } from "./answered-acts.ts";
import { type AskedAct, perform } from "./asked-acts.ts";
import { LentLanes, type LentLanesNeeds } from "./lent-lanes.ts";

interface Act {
  readonly at: Position;
  readonly revision: number;
  readonly asked: Asked;
}

type Asked = InboxStreamData["act.asked"];

export interface DeskNeeds extends LentLanesNeeds {
  /** The dispatcher of a partition that works here; undefined: another instance's. */
  readonly find: (journal: string) => Dispatcher | undefined;
  readonly logger: DeliveryLogger;
}

/** Acts that are kept for a partition that may be claimed here in a moment. */
const mostWaiting = 1000;
/** Acts that are known by their ids, so that none is done twice. */
const mostKnown = 20_000;

export class Desk {
  readonly lent: LentLanes;
  readonly #needs: DeskNeeds;
  /** By inbox. What came before this instance's claim is dropped: whoever asked asks again. */
  readonly #waiting = new LRUCache<string, Act[]>({ max: 4096 });
  readonly #known = new LRUCache<string, true>({ max: mostKnown });
  readonly #answered = new LRUCache<string, AnsweredActs>({ max: 4096 });
  readonly #withdrawn = new LRUCache<string, true>({ max: mostKnown });

  constructor(needs: DeskNeeds) {
    this.#needs = needs;
    this.lent = new LentLanes(needs);
  }

  /** An event of an inbox. */
  take({ stream, type, data, position, revision }: StoredEvent): void {
    if (type === "act.withdrawn") {
      this.#withdrawn.set((data as unknown as InboxStreamData["act.withdrawn"]).actId, true);
      return;
    }
    if (type !== "act.asked") return;
    const waiting = this.#waiting.get(stream) ?? [];
    waiting.push({ at: position, revision, asked: data as unknown as Asked });
    if (waiting.length > mostWaiting) waiting.shift();
    this.#waiting.set(stream, waiting);
    this.look(stream);
  }

  /** Answers what waits, once the partition works here. */
  look(stream: string): void {
    const waiting = this.#waiting.get(stream);
    const dispatcher = this.#needs.find(journalOfInbox(stream));
    if (waiting === undefined || dispatcher === undefined) return;
    this.#waiting.delete(stream);
    const answered = this.#answered.get(stream) ?? new AnsweredActs();
    this.#answered.set(stream, answered);
    for (const { at, revision, asked } of waiting) {
      answered.begun(revision);
      const end = () => this.#ended(stream, answered, revision);
      if (at > dispatcher.claimed.at) void this.#answer(dispatcher, asked).then(end);
      else end();
    }
  }

  /** What is answered, or was another owner's to answer, leaves the inbox. */
  #ended(stream: string, answered: AnsweredActs, revision: number): void {
    const before = answered.ended(revision);
    if (before === null) return;
    const { log, logger } = this.#needs;
    log.truncate(stream, before).catch((err: unknown) => logger.warn({ err }, "an inbox could not be shortened: it is tried again after further acts"));
  }

  async #answer(dispatcher: Dispatcher, { actId, act, args, again, ...about }: Asked): Promise<void> {
    if (this.#withdrawn.has(actId) || this.#known.has(`${actId}@${dispatcher.claimed.at}`)) return;
    this.#known.set(`${actId}@${dispatcher.claimed.at}`, true);
    try {
      const end = await perform({ dispatcher, lent: this.lent, isAgain: again === true }, { act, args } as unknown as AskedAct, { ...about, actId });
      if (end !== undefined) await dispatcher.lanes.answer({ type: "act.done", data: { actId, end } });
    } catch (error) {
      await this.#refuse(dispatcher, actId, error);
    }
  }

  async #refuse(dispatcher: Dispatcher, actId: string, error: unknown): Promise<void> {
    if (isRepriseError(error, "NOT_OWNER", "FENCED")) return; // the next owner is asked again
    const { code, message, fields } = isRepriseError(error) ? error : { code: "INTERNAL" as const, message: "The act failed.", fields: {} };
    try {
      await dispatcher.lanes.answer({ type: "act.refused", data: { actId, code, detail: message, fields: fields as Readonly<Record<string, Json>> } });
    } catch (err) {
      this.#needs.logger.warn({ err }, "an act could not be answered: whoever asked is told when its patience is over, or by the next owner");
    }
  }
}
