import type { Turns } from "../../../event/turns.ts";
import type { Sources } from "../context.ts";
import { checkpointSql, type HandlerRow } from "../deliveries/handler-rows.ts";
import { hasRow, isInGap } from "../deliveries/untouched.ts";
import { eventsOfPieces, gathered, type Piece, piecesOf } from "../handlers/pieces.ts";

/** How many wanted events are in some pieces of lanes without outcome and without a record of their own. One statement looks at many lanes: one by one they took three times as long. */
export async function countHeld({ db }: Sources, handler: HandlerRow, pieces: Iterable<Piece>, turns: Turns): Promise<number> {
  const passed = checkpointSql(handler, "e.entity");
  let held = 0;
  for (const some of gathered(pieces)) {
    if (turns.due()) await turns.next();
    held += db().get<{ held: number }>(
      `${piecesOf} select count(*) as held from ${eventsOfPieces} join temp.wanted w on w.handler = ? and w.type = e.type and w.since < e.position
         where (l.beyond = 0 or e.position > ${passed.sql}) and not ${hasRow("w.handler")} and not ${isInGap("w.handler")}`,
      some,
      handler.name,
      ...passed.parameters,
    )!.held;
  }
  return held;
}
