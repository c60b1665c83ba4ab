/** Which rows of a long table stand in the page, and how high what is left out would be. */
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core";
import { useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";

/** As the style sheet has it. */
export const rowPixels = 40;

export function useVirtualRows(scroller: { readonly current: HTMLElement | null }, count: number) {
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
