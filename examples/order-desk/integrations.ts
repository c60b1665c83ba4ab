import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { IntegrationName } from "../../handlers/integration.ts";

/** One call as an integration saw it: the evidence from which the demo checks Reprise's promises. */
export interface Call {
  readonly integration: IntegrationName;
  readonly path: string;
  /** The `Idempotency-Key`: the delivery's id. */
  readonly deliveryId: string;
  readonly orderId: string;
  readonly body: Body;
  /** Ticks of one counter over all integrations: they tell before from after where clocks would tie. */
  readonly began: number;
  /** When the answer was sent, or the caller went away; null while it runs. */
  ended: number | null;
  /** Null: never answered. */
  status: number | null;
  /** The call did something: 2xx work that the key had not done before. */
  effect: boolean;
}

export type Body = { readonly orderId: string } & Readonly<Record<string, unknown>>;

/** What is wrong with a call: an error instead of work, or work whose answer is lost. */
export type Fault = { readonly status: number } | "silence";

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}
/** What an integration is for: one function for each path. */
type Trade = Readonly<Record<string, (body: Body) => Answer>>;

/** A system around the desk: a real HTTP server on loopback that keeps a record of its calls and can be broken. */
export interface Integration {
  readonly name: IntegrationName;
  readonly url: string;
  readonly calls: readonly Call[];
  /** From now on `fault` decides what goes wrong with each call; null from it means nothing. */
  break(fault: (call: Call) => Fault | null): void;
  mend(): void;
  close(): Promise<void>;
}

export interface Integrations extends Record<IntegrationName, Integration> {
  /** All calls of all integrations, in the order in which they began. */
  readonly all: () => readonly Call[];
  /** The next tick: what begins later has a higher one. */
  readonly tick: () => number;
  /** SKUs of which there are none left. */
  readonly soldOut: Set<string>;
  readonly close: () => Promise<void>;
}

const ok = (body: Answer["body"] = {}): Answer => ({ status: 200, body });
const no = (error: string): Answer => ({ status: 409, body: { error } });

/** Starts the five systems, each on a port of its own. */
export async function startIntegrations({ now = () => new Date() }: { readonly now?: () => Date } = {}): Promise<Integrations> {
  let ticks = 0;
  const tick = () => ++ticks;
  const soldOut = new Set<string>();
  const start = (name: IntegrationName, trade: Trade) => startIntegration(name, trade, tick);
  const [screening, inventory, payments, mail, analytics] = await Promise.all([
    start("screening", { "/screenings": ({ orderId }) => ok({ screeningId: `screening-of-${orderId}` }) }),
    start("inventory", warehouse(soldOut, now)),
    start("payments", bank()),
    start("mail", { "/mails": () => ok() }),
    start("analytics", { "/facts": () => ok() }),
  ]);
  const list = [screening, inventory, payments, mail, analytics];
  return {
    screening,
    inventory,
    payments,
    mail,
    analytics,
    all: () => list.flatMap(({ calls }) => calls).sort((a, b) => a.began - b.began),
    tick,
    soldOut,
    close: async () => {
      await Promise.all(list.map((integration) => integration.close()));
    },
  };
}

function warehouse(soldOut: ReadonlySet<string>, now: () => Date): Trade {
  const closed = new Set<string>();
  let bin = 0;
  return {
    "/reservations": ({ orderId, lines }) => {
      if (closed.has(orderId)) return no("order_closed");
      if ((lines as readonly { readonly sku: string }[]).some(({ sku }) => soldOut.has(sku))) return no("out_of_stock");
      return ok({ warehouse: "HAM", bin: ++bin, reservedAt: now().toISOString() });
    },
    "/releases": ({ orderId }) => {
      closed.add(orderId);
      return ok();
    },
  };
}

function bank(): Trade {
  const closed = new Set<string>();
  const charges = new Map<string, { readonly amountCents: unknown; readonly currency: unknown }>();
  return {
    "/charges": ({ orderId, amountCents, currency }) => {
      if (closed.has(orderId)) return no("order_closed");
      charges.set(orderId, { amountCents, currency });
      return ok({ chargeId: `charge-of-${orderId}` });
    },
    "/refunds": ({ orderId, upToCents }) => {
      const charge = charges.get(orderId);
      if (upToCents !== undefined && Number(charge?.amountCents ?? 0) > Number(upToCents)) return no("over_limit");
      closed.add(orderId);
      return charge === undefined ? no("nothing_charged") : ok(charge);
    },
  };
}

async function startIntegration(name: IntegrationName, trade: Trade, tick: () => number): Promise<Integration> {
  const calls: Call[] = [];
  const done = new Map<string, Answer>(); // by idempotency key: a repeat gets the first answer
  let faultOf: (call: Call) => Fault | null = () => null;

  const work = (call: Call): Answer => {
    const earlier = done.get(call.deliveryId);
    if (earlier !== undefined) return earlier;
    const answer = trade[call.path]?.(call.body) ?? { status: 404, body: {} };
    if (answer.status < 300) {
      done.set(call.deliveryId, answer);
      call.effect = true;
    }
    return answer;
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const began = tick();
    const body = JSON.parse(await text(request)) as Body;
    const deliveryId = String(request.headers["idempotency-key"]);
    const call: Call = { integration: name, path: request.url ?? "", deliveryId, orderId: body.orderId, body, began, ended: null, status: null, effect: false };
    calls.push(call);
    response.once("close", () => (call.ended ??= tick()));
    const fault = faultOf(call);
    const answer = fault === null || fault === "silence" ? work(call) : { status: fault.status, body: {} };
    if (fault === "silence") return; // the caller's patience ends it
    call.status = answer.status;
    call.ended = tick();
    response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
  };

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy()); // a request cut off, or no JSON
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    name,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    break: (fault) => {
      faultOf = fault;
    },
    mend: () => {
      faultOf = () => null;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
