import { defineHandler, type Entity, type HandlerDefinition } from "reprise";
import { events } from "./catalog.ts";

/** One line for the team's chat, and the event that it is about. */
export interface Announcement {
  readonly deliveryId: string;
  readonly text: string;
  readonly about: { readonly type: string; readonly schemaVersion: number; readonly entity: Entity; readonly revision: number; readonly data: unknown };
}

export interface Chat {
  /** @throws Error when the chat does not take the line. */
  post(announcement: Announcement): void;
}

/** Tells the team's chat of everything, entity by entity in order. One attempt, since a failing chat is looked at by a person. */
export function announceHandler(chat: Chat): HandlerDefinition {
  return defineHandler({
    name: "announce",
    startFrom: "beginning",
    retry: { maxAttempts: 1 },
    on: Object.fromEntries(
      events.map(({ type }) => [
        type,
        (event: Announcement["about"], { deliveryId }: { readonly deliveryId: string }) =>
          chat.post({ deliveryId, text: `${event.type} about ${event.entity.type} ${event.entity.id}`, about: event }),
      ]),
    ),
  });
}

/** A chat in memory that can be broken: while it is, it refuses the lines that `refuses` picks. */
export interface BreakableChat extends Chat {
  readonly posted: readonly Announcement[];
  breakFor(refuses: (announcement: Announcement) => boolean): void;
  repair(): void;
}

export class ChatRefused extends Error {
  override readonly name = "ChatRefused";
}

export function makeChat(): BreakableChat {
  const posted: Announcement[] = [];
  let refuses: ((announcement: Announcement) => boolean) | null = null;
  return {
    posted,
    post(announcement) {
      if (refuses?.(announcement)) throw new ChatRefused("The chat does not take this line.");
      posted.push(announcement);
    },
    breakFor(chosen) {
      refuses = chosen;
    },
    repair() {
      refuses = null;
    },
  };
}
