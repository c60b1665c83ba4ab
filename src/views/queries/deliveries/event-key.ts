import type { StoredEvent } from "../../../event/event.ts";
import { parseStreamName } from "../../../event/names.ts";

/** An event as far as its deliveries need it. */
export interface EventKey {
  readonly id: string;
  readonly stream: string;
  /** The stored one. */
  readonly type: string;
  readonly revision: number;
  readonly position: number;
}

export function tenantOfKey({ stream }: Pick<EventKey, "stream">): string {
  return parseStreamName(stream)!.tenant;
}

export function toKey({ id, stream, type, revision, position }: StoredEvent): EventKey {
  return { id, stream, type, revision, position: Number(position) };
}
