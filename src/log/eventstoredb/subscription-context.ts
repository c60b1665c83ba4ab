import type { Reader } from "./reader.ts";
import type { Server } from "./server.ts";
import type { Tail } from "./tail.ts";
import type { Truncations } from "./truncations.ts";

export interface SubscriptionContext {
  readonly server: Server;
  readonly reader: Reader;
  readonly tail: Tail;
  readonly truncations: Truncations;
}
