import type { Sources } from "../context.ts";

export function handlerRows({ db }: Sources): readonly HandlerRow[] {
  return db().all<HandlerRow>(
    "select name, ordering, checkpoint, paused, paused_by, paused_why, endpoint from handlers where ordering is not null order by name",
  );
}

export interface HandlerRow {
  readonly name: string;
  readonly ordering: "strict" | "relaxed";
  readonly checkpoint: number;
  readonly paused: 0 | 1;
  readonly paused_by: string | null;
  readonly paused_why: string | null;
  /** Null for a function of this process, which may have effects. */
  readonly endpoint: string | null;
}
