/** Puts requests together: what begins and answers them, and what forgets them. */
import type { DeliveryLogger } from "../../delivery/delivery-logger.ts";
import { type ForgetNeeds, type Forgetting, makeForgetting } from "./forget.ts";
import { makeOtherLives } from "./other-lives.ts";
import { makeRequests, type Requests, type RequestsNeeds } from "./requests.ts";

type OpenNeeds = Omit<RequestsNeeds, "others" | "onUnkept" | "onFirst"> & Omit<ForgetNeeds, "onTrouble"> & { readonly logger: DeliveryLogger };

export function openRequests(needs: OpenNeeds): { readonly requests: Requests; readonly forgetting: Forgetting } {
  const { logger } = needs;
  const forgetting = makeForgetting({
    ...needs,
    onTrouble: (err) => logger.warn({ err }, "old answers to requests could not be removed; tried again in an hour"),
  });
  const requests = makeRequests({
    ...{ ...needs, others: makeOtherLives(needs), onFirst: forgetting.begun },
    onUnkept: (err) => logger.warn({ err }, "the answer to a request with an Idempotency-Key could not be stored; it was given all the same"),
  });
  return { requests, forgetting };
}
