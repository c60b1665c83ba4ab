/** A webhook's receiver that lives in the test and outlives every service: it remembers all that it was called with. */
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/** One call, as it came. */
export interface Call {
  /** Last part of the path. */
  readonly handler: string;
  /** Event id. */
  readonly id: string;
  /** `<entity type>/<entity id>`. */
  readonly lane: string;
  readonly revision: number;
  readonly attempt: number;
  readonly replayId: string | null;
  readonly deliveryId: string;
  /** Of the owner that called; null: it said none. */
  readonly epoch: number | null;
  /** Which life of the service made it: its `x-life` header. */
  readonly life: number;
  /** performance.now() */
  readonly arrivedMs: number;
  /** Null while it was not answered. */
  answered: { readonly atMs: number; readonly status: number } | null;
}

/** In the order in which things happened. */
export interface Moment {
  readonly kind: "arrived" | "answered";
  readonly call: Call;
}

export interface Receiver {
  readonly url: string;
  readonly history: readonly Moment[];
  calls(handler?: string): readonly Call[];
  /** The record that `reprise verify` takes. */
  record(): readonly string[];
}

/**
 * @param answer the status to answer with, in time.
 * @param host the address where it listens.
 */
export async function startReceiver(
  answer: (call: Call) => Promise<number> | number,
  onMoment: (kind: Moment["kind"]) => void = () => {},
  host = "127.0.0.1",
): Promise<Receiver> {
  const history: Moment[] = [];
  const happened = (kind: Moment["kind"], call: Call): void => {
    history.push({ kind, call });
    onMoment(kind);
  };
  const server = createServer((request, response) => {
    void (async () => {
      const event = JSON.parse(await text(request)) as {
        id: string;
        subject: string;
        revision: number;
        attempt: number;
        deliveryid: string;
        replayid?: string;
        epoch?: number;
      };
      const call: Call = {
        handler: request.url!.slice(request.url!.lastIndexOf("/") + 1),
        id: event.id,
        lane: event.subject,
        revision: event.revision,
        attempt: event.attempt,
        replayId: event.replayid ?? null,
        deliveryId: event.deliveryid,
        epoch: event.epoch ?? null,
        life: Number(request.headers["x-life"] ?? 0),
        arrivedMs: performance.now(),
        answered: null,
      };
      happened("arrived", call);
      const status = await answer(call);
      if (response.destroyed) return;
      call.answered = { atMs: performance.now(), status };
      response.writeHead(status).end();
      happened("answered", call);
    })().catch(() => response.destroy()); // cut off in the middle of its body: the caller was killed
  });
  server.listen(0, host);
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const calls = (handler?: string): readonly Call[] =>
    history.filter(({ kind, call }) => kind === "arrived" && (handler === undefined || call.handler === handler)).map(({ call }) => call);
  return {
    url: `http://${host}:${port}`,
    history,
    calls,
    record: () =>
      calls().map(({ handler, id, lane, revision, attempt, replayId, deliveryId, arrivedMs, answered }) =>
        JSON.stringify({
          ...{ handler, id, subject: lane, revision, attempt, deliveryid: deliveryId, replayid: replayId ?? undefined },
          ...{ received_at: arrivedMs, ended_at: answered?.atMs ?? null, status: answered?.status ?? null },
        }),
      ),
  };
}
