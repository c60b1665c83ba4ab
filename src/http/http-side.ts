/** The HTTP side in somebody else's server: the same app that listens for `reprise serve`, handed one request after another. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Keys } from "../access/keys.ts";
import type { DeliveryLogger } from "../delivery/delivery-logger.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import { newId } from "../event/ids.ts";
import type { HttpOptions, HttpSide } from "../store/http-side.ts";
import type { StoreCore } from "../store/store.ts";
import { mount } from "./mount.ts";

export interface HttpSideNeeds {
  readonly store: StoreCore;
  /** One line a request, as `reprise serve` writes. */
  readonly logger: DeliveryLogger;
  readonly clock: Clock;
  readonly keys: Keys | null;
}

/** @throws CONFIG_INVALID for a prefix that no path begins with. */
export function makeHttpSide(needs: HttpSideNeeds, { prefix: given = "", trustProxy = [] }: HttpOptions): HttpSide {
  const prefix = checkPrefix(given);
  let app: FastifyInstance | null = null;
  // Loaded when the first request or the plugin asks for it: a store that serves nobody does without Fastify.
  let opening: Promise<FastifyInstance> | null = null;
  const open = (): Promise<FastifyInstance> =>
    (opening ??= openApp(needs, trustProxy).then((opened) => {
      app = opened;
      return opened;
    }));

  const take = (request: IncomingMessage, response: ServerResponse, at: string): void => {
    const known = mount(request, at);
    const answer = (opened: FastifyInstance): void => {
      if (known) opened.routing(request, response);
      else void refuseOther(request, response);
    };
    if (app !== null) answer(app);
    else
      open().then(answer, (err: unknown) => {
        needs.logger.error({ err }, "the HTTP side cannot be opened");
        response.destroy();
      });
  };

  const plugin = async (host: object): Promise<void> => {
    await open();
    takeAll(host as FastifyInstance, take);
  };
  return Object.assign(plugin, {
    listener: (request: object, response: object) => take(request as IncomingMessage, response as ServerResponse, prefix),
  });
}

async function openApp({ store, logger, clock, keys }: HttpSideNeeds, trustProxy: readonly string[]): Promise<FastifyInstance> {
  const { makeServer } = await import("./server.ts");
  const app = makeServer({ store, logger, clock, keys, trustProxy });
  await app.ready();
  return app;
}

/**
 * Hands every request under the host's prefix on. The host's own hooks run before: what it asks of its callers, it asks of these, too; and the headers that
 * they set stay.
 */
function takeAll(host: FastifyInstance, take: (request: IncomingMessage, response: ServerResponse, at: string) => void): void {
  const at = host.prefix.replace(/\/+$/, "");
  host.removeAllContentTypeParsers();
  // The body is left unread, for the app behind.
  host.addContentTypeParser("*", (_request, _payload, done) => done(null));
  const handOn = (request: FastifyRequest, reply: FastifyReply): void => {
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value);
    reply.hijack();
    take(request.raw, reply.raw, at);
  };
  for (const path of ["/", "/*"]) host.all(path, handOn);
}

async function refuseOther({ url = "/" }: IncomingMessage, response: ServerResponse): Promise<void> {
  const { answerTo } = await import("./unreadable.ts");
  const { problem, body, headers } = answerTo(new RepriseError("NOT_FOUND", "There is nothing at this path."), url.split("?", 1)[0]!, newId());
  response.writeHead(problem.status, headers).end(body);
}

function checkPrefix(given: string): string {
  const prefix = given.replace(/\/+$/, "");
  if (prefix !== "" && !/^(?:\/[^/?#\s]+)+$/.test(prefix))
    throw new RepriseError("CONFIG_INVALID", `The prefix of the HTTP side is ${JSON.stringify(given)}: it must be a path such as "/reprise".`);
  return prefix;
}
