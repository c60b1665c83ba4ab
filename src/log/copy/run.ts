import type { Copied } from "./copied.ts";

export interface Run {
  readonly stream: string;
  readonly events: Copied[];
  bytes: number;
}
