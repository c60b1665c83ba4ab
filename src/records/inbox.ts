import type { Json } from "../event/event.ts";
import type { Act } from "./act.ts";

/** The events of `reprise.inbox-<handler>-<n>-<p>`: what instances ask of the owner of a partition. Only what comes after its claim is the owner's to answer. */
export interface InboxStreamData {
  /** The answer stands in the partition's journal, with the same `actId`. `act`: what is to be done; `args`: on what; `again`: an owner that did not release the partition was asked before. */
  "act.asked": { readonly actId: string; readonly act: string; readonly args: Json; readonly again?: true } & Omit<Act, "actId">;
  /** Whoever asked waits no longer: it is not to be done, unless it is done already. */
  "act.withdrawn": { readonly actId: string };
}
