/** What the handler's stream says of the act that divides its lanes anew. */
import { isRepriseError, RepriseError } from "../../errors.ts";
import type { NewEvent, Position } from "../../event/event.ts";
import { handlerStream, journalBeside, journalStream, partitionOfJournal } from "../../event/names.ts";
import type { AppendedEvent } from "../../log/event-log.ts";
import type { Act } from "../../records/act.ts";
import type { HandlerStreamData } from "../../records/handler.ts";
import { ownEvent } from "../../records/own-event.ts";
import { type Repartitioning, readHandler, type StoredHandler } from "../journal/handler-stream.ts";
import { JournalStream } from "../journal/journal-stream.ts";
import { recordAct } from "../journal/record-act.ts";
import { inAgreement } from "../ownership/in-agreement.ts";
import type { RepartitionNeeds } from "./needs.ts";

export interface Begun {
  readonly division: Repartitioning;
  /** Of the partitions so far. */
  readonly journals: readonly string[];
  /** False: it goes on with what somebody has begun. */
  readonly isNew: boolean;
}

export class DivisionRecord {
  readonly #needs: RepartitionNeeds;

  constructor(needs: RepartitionNeeds) {
    this.#needs = needs;
  }

  /**
   * Records that this process divides the handler from now on, whoever has begun.
   *
   * @returns null when there is nothing to do.
   * @throws REPARTITION_RUNNING, NOT_OWNER, JOURNAL_DAMAGED
   */
  begin(partitions: number, act: Act): Promise<Begun | null> {
    const { spec, newId, owner, ends, isAtWork, mustBeOurs } = this.#needs;
    return inAgreement(async () => {
      const handler = await this.#read();
      const { journal, repartitioning } = handler;
      if (journal === null) throw new RepriseError("NOT_FOUND", `Handler ${spec.name} has no partition yet: it has not begun to work on this log.`);
      if (repartitioning !== null && (repartitioning.partitions !== partitions || (repartitioning.life !== ends.life && isAtWork(repartitioning.life))))
        throw divisionRuns(spec.name, repartitioning);
      const { of: before } = partitionOfJournal(journal);
      if (before === partitions) return null;
      const journals = Array.from({ length: before }, (_, partition) => journalBeside(journal, before, partition));
      await this.#mustBeSound(handler, journals);
      await mustBeOurs(journals);
      const data = { partitions, before, by: owner(), life: ends.life };
      const event = ownEvent(newId, "handler.repartitioning", { ...data, act } satisfies HandlerStreamData["handler.repartitioning"]);
      const { id, recordedAt } = await this.#append(event, handler.revision);
      return { division: { ...data, id, recordedAt }, journals, isNew: repartitioning === null };
    });
  }

  /** The new journals are in force. @throws REPARTITION_RUNNING when another process has taken it up */
  end(division: Repartitioning): Promise<Position> {
    const { spec, newId } = this.#needs;
    const { partitions, id } = division;
    return inAgreement(async () => {
      const { configured, repartitioning, revision } = await this.#read();
      if (repartitioning?.id !== id || configured === null) throw divisionRuns(spec.name, division);
      const data: HandlerStreamData["handler.configured"] = { ...configured, partitions, journal: journalStream(spec.name, partitions, 0) };
      return (await this.#append(ownEvent(newId, "handler.configured", data), revision)).position;
    });
  }

  /** Nothing has changed yet: the handler goes on as it was. */
  async withdraw(division: Repartitioning, error: unknown): Promise<void> {
    const { spec, newId, logger } = this.#needs;
    const data = { partitions: division.partitions, why: isRepriseError(error) ? `${error.code}: ${error.message}` : "it failed" };
    try {
      await inAgreement(async () => {
        const { repartitioning, revision } = await this.#read();
        if (repartitioning?.id === division.id) await this.#append(ownEvent(newId, "handler.repartition_withdrawn", data), revision);
      });
    } catch (err) {
      logger.error({ handler: spec.name, err }, "the handler stands still, half divided: ask for the same number of partitions again");
    }
  }

  #read(): Promise<StoredHandler> {
    return readHandler(this.#needs.log, this.#needs.spec.name);
  }

  /** A journal that cannot be read is repaired first, while its handler still says so itself. */
  async #mustBeSound({ skips }: StoredHandler, journals: readonly string[]): Promise<void> {
    const { log, newId } = this.#needs;
    for (const stream of journals) await JournalStream.open({ log, newId, stream, start: 0n, skips: skips.get(stream) ?? [] });
  }

  #append(event: NewEvent, revision: number): Promise<AppendedEvent> {
    const { spec } = this.#needs;
    return recordAct(this.#needs, { stream: handlerStream(spec.name), events: [event], expected: revision === -1 ? "none" : revision });
  }
}

/** What to say to whoever wants something of the handler meanwhile. */
export function divisionText(handler: string, { partitions, by, recordedAt }: Repartitioning): string {
  const again = `reprise handlers repartition ${handler} --partitions ${partitions}`;
  return `Handler ${handler} is being divided into ${partitions} partitions, since ${recordedAt}, by ${by}. If that has ended half way, \`${again}\` goes on with it.`;
}

export function divisionRuns(handler: string, division: Repartitioning): RepriseError {
  return new RepriseError("REPARTITION_RUNNING", divisionText(handler, division));
}
