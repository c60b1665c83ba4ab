/**
 * A list that is read by cursor: at most 500 rows are here at a time. What is new is counted and not put in, so that no row moves under a pointer; a row that
 * is gone stays where it is, marked. A list that is followed puts in what is new by itself while nobody points at it.
 */
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Problem } from "../base/api.ts";
import { useLive } from "../base/live.ts";
import { shownCount } from "../base/shown-text.ts";
import { goneOf, newsOf, type Page } from "./news.ts";
import { ProblemText, problemOf } from "./problem.tsx";
import { Table, type TableProps } from "./table.tsx";

export const maxRows = 500;

interface Shown<R> extends Page<R> {
  /** So many rows before the first were here. */
  readonly passed: number;
}

interface ListProps<R> extends Omit<TableProps<R>, "rows" | "total" | "passed" | "isOver"> {
  /** What is asked for; another key begins anew. */
  readonly of: string;
  readonly load: (cursor: string | undefined) => Promise<Page<R>>;
  /** Where a row stands in the list: the one with the larger number comes first. Without it the order changes. */
  readonly orderOf?: (row: R) => number;
  readonly isFollowed?: boolean;
  /** Of a row: it changes without anybody telling. */
  readonly isRunning?: (row: R) => boolean;
}

/** So many pages without a row are read in one go: a filter that the service has to look for may have nothing in the first ones. */
const maxEmptyPages = 20;

export function List<R>({ of, load: loadPage, orderOf, isFollowed = false, isRunning, ...table }: ListProps<R>) {
  const { idOf } = table;
  const shown = useSignal<Shown<R> | null>(null);
  const problem = useSignal<Problem | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const key = useRef(of);
  if (key.current !== of) {
    key.current = of;
    shown.value = null;
  }
  const load = (cursor: string | undefined) => withRows(loadPage, cursor);
  const newest = useLive(
    of,
    async () => {
      const page = await load(undefined);
      if (key.current === of) shown.value ??= { ...page, passed: 0 };
      return page;
    },
    { isEager: ({ rows }) => isRunning !== undefined && rows.some(isRunning) },
  );
  const news = useComputed(() => newsOf(shown.value, newest.data.value, idOf, orderOf));
  const fresh = useComputed(() => new Map((newest.data.value?.rows ?? []).map((row) => [idOf(row), row])));
  const toNewest = (): void => {
    shown.value = newest.data.value && { ...newest.data.value, passed: 0 };
    const rows = place.current?.querySelector(".table");
    if (rows) rows.scrollTop = 0;
  };
  useSignalEffect(() => {
    if (newest.data.value !== null && isFollowed && !isLookedAt(place.current)) toNewest();
  });
  const more = async (): Promise<void> => {
    const from = shown.value!;
    try {
      const page = await load(from.next!);
      if (shown.value !== from) return;
      shown.value = joined(from, page, idOf);
      problem.value = null;
    } catch (thrown) {
      problem.value = problemOf(thrown);
    }
  };
  if (shown.value === null) return newest.problem.value === null ? <p class="soft">Reading …</p> : <ProblemText of={newest.problem.value} />;
  const { rows, next, passed } = shown.value;
  const total = newest.data.value?.total ?? shown.value.total ?? -1;
  return (
    <div ref={place}>
      <News {...{ shown: shown.value, total, toNewest }} count={news.value} isMore={news.value >= (newest.data.value?.rows.length ?? 0) && next !== null} />
      <ProblemText of={newest.problem.value ?? problem.value} />
      <Table
        {...{ ...table, passed, total: total === -1 && next === null ? passed + rows.length : total }}
        rows={rows.map((row) => fresh.value.get(idOf(row)) ?? row)}
        isOver={goneOf(rows, newest.data.value, idOf, orderOf)}
      />
      {next !== null && (
        <button type="button" class="more" onClick={() => void more()}>
          Show more
        </button>
      )}
    </div>
  );
}

interface NewsProps {
  readonly shown: Shown<unknown>;
  readonly total: number;
  /** Of rows that are new, and whether there may be more. */
  readonly count: number;
  readonly isMore: boolean;
  readonly toNewest: () => void;
}

function News({ shown: { rows, passed }, total, count, isMore, toNewest }: NewsProps) {
  return (
    <p class="news" role="status">
      {total >= 0 && <span>{shownCount(total)} in all</span>}
      {passed > 0 && <span>rows {`${shownCount(passed + 1)} to ${shownCount(passed + rows.length)} are shown`}</span>}
      {(count > 0 || passed > 0) && (
        <button type="button" class="small" onClick={toNewest}>
          {count > 0 ? `Show ${shownCount(count)}${isMore ? " or more" : ""} new` : "Back to the first"}
        </button>
      )}
    </p>
  );
}

/** Rows of which somebody has one under the pointer, in focus or marked, or has scrolled away from the first. */
function isLookedAt(place: HTMLElement | null): boolean {
  const rows = place?.querySelector(".table");
  if (!rows) return false;
  const marked = getSelection();
  return (
    rows.matches(":hover") || rows.contains(document.activeElement) || rows.scrollTop > 0 || (marked?.type === "Range" && rows.contains(marked.anchorNode))
  );
}

async function withRows<R>(load: (cursor: string | undefined) => Promise<Page<R>>, cursor: string | undefined): Promise<Page<R>> {
  let page = await load(cursor);
  for (let pages = 0; page.rows.length === 0 && page.next !== null && pages < maxEmptyPages; pages++) page = await load(page.next);
  return page;
}

/** The next page behind what is shown; the first rows leave when there are too many. */
function joined<R>(shown: Shown<R>, page: Page<R>, idOf: (row: R) => string): Shown<R> {
  const known = new Set(shown.rows.map(idOf));
  const rows = [...shown.rows, ...page.rows.filter((row) => !known.has(idOf(row)))];
  const leaving = Math.max(0, rows.length - maxRows);
  return { ...page, rows: rows.slice(leaving), passed: shown.passed + leaving };
}
