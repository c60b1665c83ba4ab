import { defineConfig } from "reprise";
import { announceHandler, type Chat } from "./announce.ts";
import { events, upcasters } from "./catalog.ts";
import { type Board, triageHandler } from "./triage.ts";

/** The example's config, around the board and the chat that it works for. */
export function githubTriage({ board, chat }: { readonly board: Board; readonly chat: Chat }) {
  return defineConfig({ events, upcasters, handlers: [triageHandler(board), announceHandler(chat)] });
}
