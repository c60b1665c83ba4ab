import type { Clock } from "../event/clock.ts";
import type { EventLog } from "../log/event-log.ts";
import { runner } from "./retention-stream.ts";

const beatEveryMs = 5000;

/** Signs of life while a run works, where other processes may want to run, too. */
export function makeBeating({ beats }: Pick<EventLog, "beats">, clock: Clock): { stop(): void } {
  let stopped = false;
  let timer: { cancel(): void } | null = null;
  const beat = () => {
    if (stopped || beats === undefined) return;
    beats.beat(runner).catch(() => {}); // the next one comes soon; the run's own appends tell of trouble
    timer = clock.after(beatEveryMs, beat);
  };
  beat();
  return {
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}
