import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { OwnedConnection } from "./connection.ts";
import type { WriterEvents } from "./group.ts";
import { Health } from "./health.ts";
import { probeLog } from "./probe.ts";
import { WriteAheadLogLost } from "./rewrite-frames.ts";

export interface SqliteLogEvents {
  /** Called when the log begins to refuse appends, and (with null) when it takes them again. */
  readonly onTrouble?: (trouble: RepriseError | null) => void;
  /** The disk has lost writes, so this process no longer knows the log. It has to end at once, without closing anything. Nothing acknowledged is lost. */
  readonly onLost?: (error: RepriseError) => void;
}

/** Whether the log takes appends, and the reason if it does not. */
export interface LogTrouble {
  /** The reports of the writer. */
  readonly ofWriter: Pick<WriterEvents, "works" | "fails" | "tidies">;
  /** Null: none. */
  message(): string | null;
  warnings(): readonly string[];
  /** Makes the smallest write that changes nothing. A log in trouble is not written, because it tries by itself. @throws why it cannot be written. */
  probe(): Promise<void>;
  close(): void;
}

interface TroubleOptions {
  readonly connection: OwnedConnection;
  readonly clock: Clock;
  readonly told: SqliteLogEvents;
  /** Called when a write in doubt may be on the disk after all. */
  onChange(): void;
}

export function makeLogTrouble({ connection, clock, told, onChange }: TroubleOptions): LogTrouble {
  let untidy: RepriseError | null = null;
  const health = new Health({
    clock,
    attempt: async () => {
      if (connection.isInDoubt()) connection.renew();
      await probeLog(connection);
    },
    onChange(trouble) {
      if (trouble === null) onChange();
      told.onTrouble?.(trouble);
    },
  });
  const fails = (error: RepriseError) => {
    health.fails(error);
    if (error instanceof WriteAheadLogLost) told.onLost?.(error);
  };
  return {
    ofWriter: {
      works: () => health.works(),
      fails,
      tidies(error) {
        untidy = error;
      },
    },
    message: () => health.trouble?.message ?? null,
    warnings: () => (untidy === null ? [] : [`The log's write-ahead log grows: ${untidy.message}`]),
    async probe() {
      if (health.trouble !== null) return;
      await probeLog(connection).catch((error: unknown) => {
        if (error instanceof RepriseError) fails(error);
        throw error;
      });
    },
    close: () => health.close(),
  };
}
