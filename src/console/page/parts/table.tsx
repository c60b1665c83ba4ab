/** A table of many rows: a real one, of which those in sight stand in the page. */
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";

export interface Column<R> {
  readonly name: string;
  readonly cell: (row: R) => ComponentChildren;
  /** Left out where there is little room. */
  readonly wide?: boolean;
  readonly isNumber?: boolean;
  /** No name is shown: that of a box to tick. */
  readonly isMark?: boolean;
}

export interface TableProps<R> {
  readonly label: string;
  readonly columns: readonly Column<R>[];
  readonly rows: readonly R[];
  readonly idOf: (row: R) => string;
  /** How many there are, if more than are here; -1 when nobody knows. */
  readonly total?: number;
  /** A row that is over, and stays where it is until the list is read again. */
  readonly isOver?: (row: R) => boolean;
  readonly empty: ComponentChildren;
}

const rowPixels = 40;

export function Table<R>({ label, columns, rows, idOf, total = rows.length, isOver = () => false, empty }: TableProps<R>) {
  const scroller = useRef<HTMLElement>(null);
  const { items, before, after } = useVirtualRows(scroller, rows.length);
  if (rows.length === 0) return <div class="empty">{empty}</div>;
  const classOf = (column: Column<R>): string => [column.wide && "wide", column.isNumber && "number", column.isMark && "mark"].filter(Boolean).join(" ");
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
    <section class="table" ref={scroller} tabIndex={0} aria-label={`${label}, rows`} onKeyDown={moveFocus}>
      <table aria-rowcount={total === -1 ? -1 : total + 1} aria-label={label}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => (
              <th key={column.name} scope="col" class={classOf(column)}>
                {column.isMark ? <span class="unseen">{column.name}</span> : column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <Gap pixels={before} columns={columns.length} />}
          {items.map((index) => {
            const row = rows[index]!;
            return (
              <tr key={idOf(row)} aria-rowindex={index + 2} class={isOver(row) ? "over" : ""}>
                {columns.map((column) => (
                  <td key={column.name} class={classOf(column)}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          {after > 0 && <Gap pixels={after} columns={columns.length} />}
        </tbody>
      </table>
    </section>
  );
}

/** What stands for the rows that are out of sight. */
function Gap({ pixels, columns }: { readonly pixels: number; readonly columns: number }) {
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus
    <tr aria-hidden="true">
      <td colSpan={columns} style={{ height: `${pixels}px`, padding: 0, border: 0 }} />
    </tr>
  );
}

/** j, k and the arrows go from row to row, by the first link of each. */
function moveFocus(event: KeyboardEvent): void {
  const steps: Readonly<Record<string, number>> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
  const step = steps[event.key];
  if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  const table = event.currentTarget as HTMLElement;
  const links = [...table.querySelectorAll<HTMLElement>("tbody tr a:first-of-type")].filter(
    (link, index, all) => all.findIndex((each) => each.closest("tr") === link.closest("tr")) === index,
  );
  const row = (event.target as HTMLElement).closest("tr");
  const at = links.findIndex((link) => link.closest("tr") === row);
  const next = links[at === -1 ? 0 : at + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}

/** Which rows stand in the page, and how high what is left out would be. */
function useVirtualRows(scroller: { readonly current: HTMLElement | null }, count: number) {
  const [, draw] = useReducer<number, void>((times) => times + 1, 0);
  const rows = useRef<Virtualizer<HTMLElement, Element> | null>(null);
  rows.current ??= new Virtualizer<HTMLElement, Element>({
    ...{ count, overscan: 8, estimateSize: () => rowPixels, getScrollElement: () => scroller.current },
    ...{ observeElementRect, observeElementOffset, scrollToFn: elementScroll, initialRect: { width: 1000, height: 800 }, onChange: () => draw() },
  });
  rows.current.setOptions({ ...rows.current.options, count });
  useEffect(() => rows.current!._didMount(), []);
  useLayoutEffect(() => rows.current!._willUpdate());
  const items = rows.current.getVirtualItems();
  const [first, last] = [items[0], items.at(-1)];
  return {
    items: items.map(({ index }) => index),
    before: first?.start ?? 0,
    after: last === undefined ? 0 : rows.current.getTotalSize() - last.end,
  };
}
