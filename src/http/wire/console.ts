/** The console's session. */

import { z } from "zod";
import { roles } from "../../access/roles.ts";
import { text } from "./members.ts";

export const sessionRequest = z.strictObject({ key: text() });

/** Nothing is to be said; an empty object says that, too. */
export const sessionEndRequest = z.strictObject({});

/** `keys`: whether the service asks for keys at all. `build`: of the service, so that a page knows when it is older. */
export const sessionReply = z.strictObject({
  ...{ keys: z.boolean(), actor: z.string(), role: z.enum(roles), tenant: z.string(), of_all_tenants: z.boolean(), build: z.string() },
});

export const sessionEndedReply = z.strictObject({ status: z.literal("ended") });

export type SessionReply = z.input<typeof sessionReply>;
