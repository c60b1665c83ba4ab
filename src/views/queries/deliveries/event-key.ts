import type { StoredEvent } from "../../../event/event.ts";

/** An event as far as its deliveries need it. */
export interface EventKey {
  readonly id: string;
  readonly stream: string;
  /** The stored one. */
  readonly type: string;
  readonly revision: number;
  readonly position: number;
}

export function toKey({ id, stream, type, revision, position }: StoredEvent): EventKey {
  return { id, stream, type, revision, position: Number(position) };
}
