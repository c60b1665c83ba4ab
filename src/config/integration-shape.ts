/** The shapes of an integration and of a breaker in the config. */
import { z } from "zod";
import { between, fields, nameShape, whole } from "./fields.ts";

const breakerFields = fields(
  {
    failures: whole(1, 1000).optional(),
    withinMs: whole(10, 3_600_000).optional(),
    coolDownMs: whole(10, 300_000).optional(),
  },
  "must be true, false or an object, { failures: 5, withinMs: 30_000, coolDownMs: 30_000 }",
);

export const breakerShape = z.union([z.boolean(), breakerFields], {
  error:
    "must be true, false or an object, { failures: 5, withinMs: 30_000, coolDownMs: 30_000 }, with failures from 1 to 1000, withinMs from 10 to 3600000 and coolDownMs from 10 to 300000",
});

export const integrationShape = fields(
  {
    name: nameShape,
    concurrency: whole(1, 1000).optional(),
    breaker: breakerShape.optional(),
    rate: fields({ perSecond: between(0.01, 10_000) }, "must be an object, { perSecond: 20 }").optional(),
  },
  'must be made by defineIntegration({ name: "bank" })',
);
