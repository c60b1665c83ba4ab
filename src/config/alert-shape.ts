/** The shape of an alert in the config. */
import { alertKinds } from "../alerts/alert-definition.ts";
import { isTenant } from "../event/names.ts";
import { between, custom, fields, nameShape, oneOf, whole } from "./fields.ts";
import { headersShape, secretsShape, urlShape } from "./webhook-fields.ts";

export const alertShape = fields(
  {
    when: oneOf(...alertKinds),
    over: between(0, 1_000_000_000).optional(),
    withinMs: whole(1000, 86_400_000).optional(),
    handler: nameShape.optional(),
    integration: nameShape.optional(),
    tenant: custom<string>((value) => typeof value === "string" && isTenant(value), "must be the name of a tenant").optional(),
    quietMs: whole(0, 3_600_000).optional(),
    name: nameShape.optional(),
    url: urlShape,
    secret: secretsShape,
    headers: headersShape.optional(),
  },
  'must be an object, { when: "dead_letters", over: 100, url: "https://…", secret: "whsec_…" }',
);
