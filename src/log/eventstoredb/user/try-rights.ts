/** Tries what the user may do, as the user, and leaves nothing behind. */
import { BACKWARDS, END, ErrorType, type EventStoreDBClient, jsonEvent, STREAM_EXISTS } from "@eventstore/db-client";
import type { NewId } from "../../../event/ids.ts";
import { isServerError } from "../server-error.ts";

/** A right as the command names it. */
export interface Right {
  readonly right: "read" | "append" | "truncate";
  readonly streams: "$all" | "all streams of the log";
  readonly granted: boolean;
}

/** No such stream is ever made: an append that expects it is refused, for its name only after the right was looked at. */
const noStream = "reprise-rights-are-tried";

export async function tryRights(client: EventStoreDBClient, newId: NewId): Promise<readonly Right[]> {
  const append = (stream: string, type: string) =>
    client.appendToStream(stream, jsonEvent({ id: newId(), type, data: {} }), { expectedRevision: STREAM_EXISTS, requiresLeader: true });
  return [
    {
      right: "read",
      streams: "$all",
      granted: await isGranted(async () => {
        for await (const _ of client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1, requiresLeader: true }));
      }),
    },
    { right: "append", streams: "all streams of the log", granted: await isGranted(() => append(noStream, "rights.tried")) },
    { right: "truncate", streams: "all streams of the log", granted: await isGranted(() => append(`$$${noStream}`, "$metadata")) },
  ];
}

async function isGranted(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
  } catch (error) {
    if (isServerError(error, ErrorType.ACCESS_DENIED)) return false;
    if (!isServerError(error, ErrorType.WRONG_EXPECTED_VERSION)) throw error;
  }
  return true;
}
