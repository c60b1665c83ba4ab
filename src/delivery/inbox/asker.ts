/** Asks the owners of partitions for acts, and waits for the answers in their journals. */
import { type ErrorCode, errorCatalog, isLogTrouble, RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { StoredEvent } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { handlerOfJournal, inboxOf } from "../../event/names.ts";
import { partitionOf } from "../../event/partition-of.ts";
import { backOff, pause, within } from "../../event/waits.ts";
import { type EventLog, maxAppendEvents } from "../../log/event-log.ts";
import type { Act } from "../../records/act.ts";
import type { JournalData } from "../../records/journal.ts";
import { ownEvent } from "../../records/own-event.ts";
import { singlyIfOurs } from "../../records/progress.ts";
import { claimType } from "../journal/claim.ts";
import type { AskedAct } from "./asked-acts.ts";

export interface AskerNeeds {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
  /** False while others may take this instance for gone: it may have been asleep, and what it would ask for may not be its own to ask any more. */
  readonly mayAsk: () => boolean;
  /** The service stops. */
  readonly signal: AbortSignal;
}

interface Letter {
  readonly stream: string;
  readonly revision: number;
}

interface Pending {
  readonly actId: string;
  journal: string;
  readonly data: object;
  /** An owner that has not released the partition was asked before. */
  isAgain: boolean;
  /** Of a dead letter's replay: the outcome of the delivery answers it as well. */
  readonly outcome: string | null;
  /** Whether a new owner is asked for it, too. */
  readonly stillWanted: () => boolean;
  readonly resolve: (answer: StoredEvent) => void;
  readonly reject: (error: unknown) => void;
}

export interface AskOptions {
  /** Waits for as long as it takes; otherwise it is withdrawn when the patience is over. */
  readonly patient?: boolean;
  readonly outcome?: Pending["outcome"];
  readonly stillWanted?: Pending["stillWanted"];
}

/** How long an act waits for its owner's answer. */
export const ownerPatienceMs = 10_000;
const waits = { firstMs: 100, lastMs: 2000 };
/** Acts in one append. */
const atOnce = maxAppendEvents / 2;

export class Asker {
  readonly #needs: AskerNeeds;
  readonly #pending = new Map<string, Pending>();
  readonly #byOutcome = new Map<string, Pending>();
  /** By dead letter: who waits for what becomes of it, whoever does it. */
  readonly #byLetter = new Map<string, (fact: StoredEvent) => void>();
  /** Journals whose last owner has released them. */
  readonly #released = new Set<string>();
  /** By handler: its journals, where it was divided anew since the start. */
  readonly #divided = new Map<string | null, readonly string[]>();
  /** By inbox: acts that go with its next append. */
  readonly #outgoing = new Map<string, Pending[]>();

  constructor(needs: AskerNeeds) {
    this.#needs = needs;
    needs.signal.addEventListener("abort", () => this.#refuseAll());
  }

  /**
   * Asks for it, and once more of each owner that claims the partition before it is answered.
   *
   * @returns the fact that answers it. @throws what the owner says, OWNER_UNAVAILABLE; NOT_OWNER where a new owner is not asked any more
   */
  async ask(journal: string, asked: AskedAct, act: Act, { patient = false, outcome = null, stillWanted = () => true }: AskOptions = {}): Promise<StoredEvent> {
    const { clock, newId, signal } = this.#needs;
    if (signal.aborted) throw stops();
    const { promise, resolve, reject } = Promise.withResolvers<StoredEvent>();
    const actId = newId();
    const data = { ...act, actId, act: asked.act, args: asked.args };
    const pending: Pending = { actId, journal: this.#journalNow(journal, asked.args), data, isAgain: false, outcome, stillWanted, resolve, reject };
    this.#pending.set(actId, pending);
    if (outcome !== null) this.#byOutcome.set(outcome, pending);
    this.#send(pending);
    try {
      if (patient) return await promise;
      return await within(promise, ownerPatienceMs, clock, () => {
        this.#withdraw(pending);
        throw new RepriseError("OWNER_UNAVAILABLE", `No owner of the partition has answered within ${ownerPatienceMs} ms; the act was withdrawn.`, {
          retryAfterMs: 1000,
        });
      });
    } finally {
      this.#pending.delete(actId);
      if (outcome !== null) this.#byOutcome.delete(outcome);
    }
  }

  /** The fact by which somebody settles or gives up a dead letter, whoever it is. @returns null when `before` comes first */
  async endOf({ stream, revision }: Letter, before: Promise<unknown>): Promise<StoredEvent | null> {
    const { promise, resolve, reject } = Promise.withResolvers<StoredEvent | null>();
    const key = letterKey(stream, revision);
    this.#byLetter.set(key, resolve);
    before.then(() => resolve(null), reject);
    try {
      return await promise;
    } finally {
      if (this.#byLetter.get(key) === resolve) this.#byLetter.delete(key);
    }
  }

  /** An event of a journal. */
  take(event: StoredEvent): void {
    if (event.type === "partition.released") this.#released.add(event.stream);
    else if (event.type === claimType) this.#askAgain(event.stream, !this.#released.delete(event.stream));
    else if (this.#pending.size + this.#byLetter.size > 0) for (const one of singlyIfOurs(event)) this.#answered(one);
  }

  #answered(event: StoredEvent): void {
    const { actId, act } = (event.data ?? {}) as { readonly actId?: string; readonly act?: { readonly actId?: string } };
    const id = actId ?? act?.actId;
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (event.type === "act.refused") pending?.reject(refusal(event.data as unknown as JournalData["act.refused"]));
    else pending?.resolve(event);
    this.#byOutcome.get(outcomeOf(event) ?? "")?.resolve(event); // also where an operator's act ends the replay
    this.#byLetter.get(letterOf(event) ?? "")?.(event);
  }

  /** @param isUnclean the owner before did not release the partition: it may have ended by what it was asked for. */
  #askAgain(journal: string, isUnclean: boolean): void {
    for (const pending of this.#pending.values()) {
      if (pending.journal !== journal) continue;
      pending.isAgain ||= isUnclean;
      if (pending.stillWanted()) this.#send(pending);
      else pending.reject(new RepriseError("NOT_OWNER", "Another owner has claimed the partition."));
    }
  }

  /** These are a handler's journals from now on: what its other ones have not answered, they never will. @param journals of all its partitions, in order. */
  divided(journals: readonly string[]): void {
    const handler = handlerOfJournal(journals[0]!);
    this.#divided.set(handler, journals);
    for (const pending of this.#pending.values()) {
      const { stream } = (pending.data as { readonly args: { readonly stream?: string } }).args;
      if (handlerOfJournal(pending.journal) !== handler) continue;
      if (stream === undefined || !pending.stillWanted()) {
        pending.reject(new RepriseError("NOT_OWNER", `Handler ${handler} was divided anew meanwhile.`, { fields: { owner: null }, retryAfterMs: 1000 }));
        continue;
      }
      pending.journal = journals[partitionOf(stream, journals.length)]!;
      this.#send(pending);
    }
  }

  /** Who asks may know the handler's journals from before. */
  #journalNow(journal: string, args: AskedAct["args"]): string {
    const stream = "stream" in args ? args.stream : undefined;
    const journals = this.#divided.get(handlerOfJournal(journal));
    return journals === undefined || stream === undefined ? journal : journals[partitionOf(stream, journals.length)]!;
  }

  /** Acts of one moment go together. */
  #send(pending: Pending): void {
    const inbox = inboxOf(pending.journal);
    const outgoing = this.#outgoing.get(inbox);
    if (outgoing !== undefined) {
      if (!outgoing.includes(pending)) outgoing.push(pending);
      return;
    }
    this.#outgoing.set(inbox, [pending]);
    setImmediate(() => void this.#flush(inbox));
  }

  async #flush(inbox: string): Promise<void> {
    const { log, clock, newId, mayAsk, signal } = this.#needs;
    for (let failures = 0; ; ) {
      const all = (this.#outgoing.get(inbox) ?? []).filter(({ actId }) => this.#pending.has(actId));
      const part = all.slice(0, atOnce);
      if (part.length === 0 || signal.aborted) break;
      if (!mayAsk()) {
        await pause(waits.firstMs, clock, signal);
        continue;
      }
      this.#outgoing.set(inbox, all.slice(part.length));
      try {
        await log.append(
          inbox,
          part.map(({ data, isAgain }) => ownEvent(newId, "act.asked", isAgain ? { ...data, again: true } : data)),
          "any",
        );
      } catch (error) {
        if (isLogTrouble(error)) {
          this.#outgoing.set(inbox, [...part, ...(this.#outgoing.get(inbox) ?? [])]);
          await backOff(failures++, waits, clock, signal);
        } else for (const { reject } of part) reject(error);
      }
    }
    this.#outgoing.delete(inbox);
  }

  #withdraw({ actId, journal }: Pending): void {
    const { log, newId } = this.#needs;
    // Whether it is recorded or not, the caller is told that nobody has answered.
    log.append(inboxOf(journal), [ownEvent(newId, "act.withdrawn", { actId })], "any").catch(() => {});
  }

  #refuseAll(): void {
    for (const { reject } of this.#pending.values()) reject(stops());
  }
}

function stops(): RepriseError {
  return new RepriseError("LOG_UNAVAILABLE", "The service stops.", { retryAfterMs: 1000 });
}

function refusal({ code, detail, fields = {} }: JournalData["act.refused"]): RepriseError {
  return new RepriseError(Object.hasOwn(errorCatalog, code) ? (code as ErrorCode) : "INTERNAL", detail, { fields });
}

/** What a dead letter's replay and the fact of its outcome have in common. */
export function outcomeKey({ replayId, stream, revision }: { readonly replayId: string; readonly stream: string; readonly revision: number }): string {
  return `${replayId}\n${letterKey(stream, revision)}`;
}

function outcomeOf(event: StoredEvent): string | null {
  const letter = letterOf(event);
  const { act, replayId = act?.replayId } = event.data as unknown as JournalData["delivery.settled"] & { readonly replayId?: string };
  return letter === null || replayId === undefined ? null : `${replayId}\n${letter}`;
}

/** Which dead letter a fact is the end of. */
function letterOf({ type, data }: StoredEvent): string | null {
  if (type !== "delivery.settled" && type !== "delivery.dead_lettered") return null;
  const { lane, revision } = data as unknown as JournalData["delivery.settled"];
  return letterKey(lane, revision);
}

const letterKey = (stream: string, revision: number): string => `${stream}\n${revision}`;
