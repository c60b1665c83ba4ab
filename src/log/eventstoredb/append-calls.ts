import { randomUUID } from "node:crypto";
import { convertToCommandError, ErrorType, type EventStoreDBClient, NO_STREAM } from "@eventstore/db-client";
import { isServerError } from "./server-error.ts";
import { type AppendAnswer, decodeAppendAnswer, refusalOf, type Stored } from "./wire/append-answer.ts";
import { type AppendRequest, encodeAppendRequest } from "./wire/append-request.ts";
import { batchAppends, deadlineMs, type RawCall, supportsBatchAppend } from "./wire/raw-client.ts";

export type Sent =
  | { readonly is: "stored"; readonly last: number; readonly position: bigint | undefined }
  /** The stream's last event has another revision; −1: there is none, or the server does not say. */
  | { readonly is: "conflict"; readonly actual: number };

/** Sends an append once. @throws the client's errors, also when the call breaks before the answer. */
export type AppendOnce = (request: AppendRequest) => Promise<Sent>;

/**
 * The appends of one client. They share a call for as long as it holds, and each call knows which of them wait for its answers: the client has one table for
 * all calls of the process, and ends the process for an answer that nobody waits for any more.
 */
export function makeAppendCalls(client: EventStoreDBClient): AppendOnce {
  const lines = new WeakMap<RawCall<AppendAnswer>, Line>();
  const open = batchAppends(client, decodeAppendAnswer, (call) => lines.set(call, new Line(call)));
  return async (request) => {
    try {
      if (!(await supportsBatchAppend(client))) return await appendAlone(client, request);
      const call = await open();
      const { last, position } = await lines.get(call)!.append(request, deadlineMs(client));
      return { is: "stored", last, position };
    } catch (error) {
      if (!isServerError(error, ErrorType.WRONG_EXPECTED_VERSION)) throw error;
      const actual = (error as { readonly actualVersion?: bigint | string }).actualVersion;
      return { is: "conflict", actual: typeof actual === "bigint" ? Number(actual) : -1 };
    }
  };
}

/** The appends that wait for the answers of one call. */
class Line {
  readonly #call: RawCall<AppendAnswer>;
  readonly #waiting = new Map<string, PromiseWithResolvers<Stored>>();
  /** A UUID whose last digits count the appends: a new one for each takes longer. */
  readonly #name = randomUUID().slice(0, -12);
  #sent = 0;
  #broken: Error | null = null;

  constructor(call: RawCall<AppendAnswer>) {
    this.#call = call;
    call
      .on("data", (answer) => this.#take(answer))
      .on("error", (error) => this.#break(convertToCommandError(error)))
      .on("end", () => this.#break(new Error("The server has ended the call that takes appends.")));
  }

  append(request: AppendRequest, deadline: number): Promise<Stored> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    const correlationId = this.#name + (this.#sent++).toString(16).padStart(12, "0");
    const answer = Promise.withResolvers<Stored>();
    this.#waiting.set(correlationId, answer);
    this.#call.write(encodeAppendRequest(request, correlationId, deadline));
    return answer.promise;
  }

  #take({ correlationId, stored, bytes }: AppendAnswer): void {
    const waiting = this.#waiting.get(correlationId);
    this.#waiting.delete(correlationId);
    if (stored === null) waiting?.reject(refusalOf(bytes));
    else waiting?.resolve(stored);
  }

  #break(error: Error): void {
    this.#broken ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#broken);
    this.#waiting.clear();
  }
}

async function appendAlone(client: EventStoreDBClient, { stream, head, events }: AppendRequest): Promise<Sent> {
  const proposed = events.map(({ id, type, data, metadata }) => ({
    ...{ id, type, contentType: "application/json" as const },
    data: JSON.parse(data),
    metadata: metadata === "" ? undefined : new Uint8Array(Buffer.from(metadata)),
  }));
  const expectedRevision = head === -1 ? NO_STREAM : BigInt(head);
  const stored = await client.appendToStream(stream, proposed, { expectedRevision, requiresLeader: true });
  if (!stored.success) return { is: "conflict", actual: -1 }; // throwOnAppendFailure=false: what it says beside is not right
  return { is: "stored", last: Number(stored.nextExpectedRevision), position: stored.position?.commit };
}
