import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { OwnedConnection } from "./connection.ts";
import type { WriterEvents } from "./group.ts";
import { Health } from "./health.ts";
import { probeLog } from "./probe.ts";
import { WriteAheadLogLost } from "./wal.ts";

export interface SqliteLogEvents {
  /** Told when the log begins to refuse appends, and (null) when it takes them again. */
  readonly onTrouble?: (trouble: RepriseError | null) => void;
  /** The disk has lost what it was given, and this process no longer knows what the log holds. It has to end at once, without closing anything. Nothing acknowledged is lost. */
  readonly onLost?: (error: RepriseError) => void;
}

/** Whether the log takes appends, and what keeps it from doing so. */
export interface LogTrouble {
  /** What the writer tells. */
  readonly ofWriter: Pick<WriterEvents, "works" | "fails" | "tidies">;
  /** Null: none. */
  message(): string | null;
  warnings(): readonly string[];
  /** Writes what is there already, unless the log is in trouble: then it tries by itself. @throws why it cannot be written. */
  probe(): Promise<void>;
  close(): void;
}

interface TroubleOptions {
  readonly connection: OwnedConnection;
  readonly clock: Clock;
  readonly told: SqliteLogEvents;
  /** Told when what was in doubt may be there. */
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
