/** What a reader of the log is told: one message for each event, and for each change of a delivery. */
import type { Entity, Position } from "../../event/event.ts";
import type { DeliveryStatus } from "../../views/model/delivery.ts";
import type { EventView } from "../../views/model/event.ts";

interface About {
  /** Of the log's record that the message comes from. */
  readonly position: Position;
  /** Which of the record's messages it is, from 0: most records have one. A split event has one for each part, a list of dead letters one for each. */
  readonly index: number;
  readonly tenant: string;
  readonly entity: Entity;
}

export interface ToldEvent extends About {
  readonly kind: "event";
  /** Today's name of the type: of the part, where the event was split. */
  readonly type: string;
  readonly event: EventView;
}

export interface ToldDelivery extends About {
  readonly kind: "delivery";
  readonly deliveryId: string;
  readonly handler: string;
  readonly revision: number;
  readonly status: DeliveryStatus;
  /** As the log has it; null: nobody has asked for it, or the event is gone. */
  readonly storedType: string | null;
}

export type Told = ToldEvent | ToldDelivery;

/**
 * Up to where a reader has been told. `1042`: all of the record at that position; `1042.2`: all before that record, and its first two messages. The text is
 * the id of the last message, and where a reader comes back.
 */
export interface Place {
  readonly position: Position;
  /** Null: all messages of the record. */
  readonly told: number | null;
}

export function placeText({ position, told }: Place): string {
  return told === null ? String(position) : `${position}.${told}`;
}
