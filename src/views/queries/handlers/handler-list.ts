import { everyTenant } from "../../../event/names.ts";
import { makeTurns } from "../../../event/turns.ts";
import { type DeliveryStatus, deliveryStatuses } from "../../model/delivery.ts";
import type { HandlerReads, HandlerView } from "../../model/handler.ts";
import type { Sources } from "../context.ts";
import { type HandlerRow, handlerRows } from "../deliveries/handler-rows.ts";
import { handlerState, whyHandlerStands } from "../deliveries/lane-state.ts";
import { countGaps } from "./count-gaps.ts";
import { countEntities, countLanes } from "./count-lanes.ts";
import { countRows } from "./count-rows.ts";
import { countUntouched } from "./count-untouched.ts";
import { makeWantedCount } from "./count-wanted.ts";
import type { Counting } from "./counting.ts";
import { runningPositions } from "./running-positions.ts";

export function makeHandlerReads(sources: Sources): HandlerReads {
  const wanted = makeWantedCount();
  return {
    handlers: (tenant = everyTenant) =>
      sources.atOneMoment(async (at) => {
        const counting: Counting = { sources: at, tenant, turns: makeTurns() };
        const entities = await countEntities(counting);
        const views: HandlerView[] = [];
        for (const handler of handlerRows(at))
          views.push(await handlerView(counting, handler, await wanted.of(handler.name, counting), entities.get(handler.name) ?? 0));
        return views;
      }),
  };
}

async function handlerView(counting: Counting, handler: HandlerRow, wanted: number, entities: number): Promise<HandlerView> {
  const { sources } = counting;
  const { name, ordering } = handler;
  const condition = sources.running.condition(name);
  const running = runningPositions(counting, name);
  const rows = await countRows(counting, name, running);
  const rest = await countUntouched(counting, handler, running);
  const counted = Object.fromEntries(deliveryStatuses.map((status) => [status, 0])) as Record<DeliveryStatus, number>;
  counted.pending = rest.pending;
  counted.held = rest.held;
  counted.processing = rest.running;
  for (const { status, count, running } of rows) {
    const open = status === "failed" || status === "dead_lettered" || status === "escalated";
    counted[status] += open ? count - running : count;
    if (open) counted.processing += running;
  }
  counted.skipped += await countGaps(counting, name);
  const waiting = counted.pending + counted.held + counted.processing + counted.failed + counted.dead_lettered + counted.escalated;
  const done = wanted - waiting;
  counted.completed = done - counted.replayed - counted.discarded - counted.skipped;
  return {
    name,
    ordering,
    state: handlerState(handler, condition),
    why: whyHandlerStands(handler, condition),
    fault: condition.fault,
    wanted,
    done,
    waiting,
    lagEvents: rest.pending + rest.held,
    lagSeconds: rest.oldestMs === null ? 0 : Math.max(0, Math.floor((sources.now() - rest.oldestMs) / 1000)),
    archived: archivedOf(counting, name),
    byStatus: counted,
    lanes: await countLanes(counting, handler, entities),
  };
}

function archivedOf({ sources: { db }, tenant }: Counting, handler: string): HandlerView["archived"] {
  return db().get<HandlerView["archived"]>(
    `select coalesce(sum(done), 0) as done, coalesce(sum(missed), 0) as missed from archived_wanted where handler = ? and (? = '${everyTenant}' or tenant = ?)`,
    ...[handler, tenant, tenant],
  )!;
}
