/** What the HTTP side in a server of one's own is told. */
export interface HttpOptions {
  /**
   * For the listener: the path under which its server hands requests on, "/reprise". Default: none; where a framework has taken the path off already, as
   * Express does, it is found by itself. As a Fastify plugin the prefix is that of its registration.
   */
  readonly prefix?: string;
  /** A file of API keys, made by `reprise keys create`; it is followed. Without keys only this machine is answered. */
  readonly keys?: string;
  /** Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed: their addresses. Default: none. */
  readonly trustProxy?: readonly string[];
}

/** A Fastify plugin, `fastify.register(store.http(), { prefix: "/reprise" })`, and a listener for any other server. */
// Its parts are typed as `object`, so that a project without the types of Node and Fastify compiles.
export interface HttpSide {
  (host: object, options: object): Promise<void>;
  /** For `node:http`, Express and the like: it takes their request and response, and answers every request that it is given. */
  readonly listener: (request: object, response: object) => void;
}

export interface Serving {
  /**
   * The whole HTTP side, all that `reprise serve` answers, for a server of one's own. The server stays the caller's: its limits, its certificate, its end. Close
   * it before the store.
   *
   * @throws CONFIG_INVALID for a prefix or a keys file that cannot be used.
   */
  http(options?: HttpOptions): HttpSide;
}
