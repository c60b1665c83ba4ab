/**
 * A list that is read by cursor: at most 500 rows are here at a time. What is new is counted and not put in, so that no row moves under a pointer; a row that
 * is gone stays where it is, marked.
 */
import { useComputed, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { useLive } from "../base/live.ts";
import { shownCount } from "../base/shown-text.ts";
import { ProblemText, problemOf } from "./problem.tsx";
import { Table, type TableProps } from "./table.tsx";

export const maxRows = 500;

export interface Page<R> {
  readonly rows: readonly R[];
  readonly next: string | null;
  readonly total?: number;
}

interface ListProps<R> extends Omit<TableProps<R>, "rows" | "total" | "isOver"> {
  /** What is asked for; another key begins anew. */
  readonly of: string;
  readonly load: (cursor: string | undefined) => Promise<Page<R>>;
}

export function List<R>({ of, load, idOf, ...table }: ListProps<R>) {
  const shown = useSignal<Page<R> | null>(null);
  const problem = useSignal<ReturnType<typeof problemOf> | null>(null);
  const key = useRef("");
  if (key.current !== of) {
    key.current = of;
    shown.value = null;
  }
  const newest = useLive(of, async () => {
    const page = await load(undefined);
    if (key.current === of) shown.value ??= page;
    return page;
  });
  const news = useComputed(() => newsOf(shown.value, newest.data.value, idOf));
  const fresh = useComputed(() => new Map((newest.data.value?.rows ?? []).map((row) => [idOf(row), row])));
  const more = async (): Promise<void> => {
    try {
      const page = await load(shown.value!.next!);
      const known = new Set(shown.value!.rows.map(idOf));
      const rows = [...shown.value!.rows, ...page.rows.filter((row) => !known.has(idOf(row)))].slice(-maxRows);
      shown.value = { ...page, rows };
      problem.value = null;
    } catch (thrown) {
      problem.value = problemOf(thrown);
    }
  };
  if (shown.value === null) return newest.problem.value === null ? <p class="soft">Reading …</p> : <ProblemText of={newest.problem.value} />;
  const { rows, next, total = -1 } = shown.value;
  const isKnown = (newest.data.value?.total ?? total) >= 0;
  return (
    <>
      <p class="news" role="status">
        {isKnown && <span>{shownCount(newest.data.value?.total ?? total)} in all. </span>}
        {news.value > 0 && (
          <button type="button" onClick={() => (shown.value = newest.data.value)}>
            Show {shownCount(news.value)}
            {news.value >= rows.length && next !== null ? " or more" : ""} new
          </button>
        )}
      </p>
      <ProblemText of={newest.problem.value ?? problem.value} />
      <Table {...table} idOf={idOf} rows={rows.map((row) => fresh.value.get(idOf(row)) ?? row)} total={total} isOver={isGone(rows, newest.data.value, idOf)} />
      {next !== null && (
        <button type="button" onClick={() => void more()}>
          Show more
        </button>
      )}
    </>
  );
}

/** How many rows of the newest page are not shown. */
function newsOf<R>(shown: Page<R> | null, newest: Page<R> | null, idOf: (row: R) => string): number {
  if (shown === null || newest === null) return 0;
  const known = new Set(shown.rows.map(idOf));
  return newest.rows.filter((row) => !known.has(idOf(row))).length;
}

/** A row that stood before the end of the newest page, and is not in it, is gone. */
function isGone<R>(rows: readonly R[], newest: Page<R> | null, idOf: (row: R) => string): (row: R) => boolean {
  if (newest === null) return () => false;
  const there = new Set(newest.rows.map(idOf));
  const last = newest.next === null ? rows.length : rows.findLastIndex((row) => there.has(idOf(row)));
  const gone = new Set(
    rows
      .slice(0, last)
      .filter((row) => !there.has(idOf(row)))
      .map(idOf),
  );
  return (row) => gone.has(idOf(row));
}
