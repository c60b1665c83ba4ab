/** Data of an event: text and nothing else, cut where nobody reads on. */
import diff from "microdiff";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { ExactNumber, printJson } from "../base/exact-json.ts";
import { plural, shownText } from "../base/shown-text.ts";

const maxCharacters = 16 * 1024;
/** The browser lays out what is in sight: a text of 4 MiB in one piece holds it for seconds. */
const pieceCharacters = 16 * 1024;
const piecesAtOnce = 16;
const maxDifferences = 200;

export function Payload({ value, label }: { readonly value: unknown; readonly label: string }) {
  const [all, showAll] = useState(false);
  const { pieces, whole } = useMemo(() => {
    const { text, whole } = printJson(value, all ? Number.POSITIVE_INFINITY : maxCharacters);
    return { pieces: piecesOf(text), whole };
  }, [value, all]);
  const here = useGrowing(pieces.length);
  return (
    <div class="payload">
      <Scrolls label={label}>
        {pieces.slice(0, here).map((piece, index) => (
          <Piece key={index} text={piece} isAlone={pieces.length === 1} />
        ))}
      </Scrolls>
      {!whole && (
        <p>
          Cut at 16 KB.{" "}
          <button type="button" onClick={() => showAll(true)}>
            Show all
          </button>
        </p>
      )}
    </div>
  );
}

/** Of many pieces some at a time: the page can be used meanwhile. */
function useGrowing(count: number): number {
  const [here, setHere] = useState(piecesAtOnce);
  useEffect(() => {
    if (here >= count) return;
    const timer = setTimeout(() => setHere(here + piecesAtOnce));
    return () => clearTimeout(timer);
  }, [here, count]);
  return here;
}

function Piece({ text, isAlone }: { readonly text: string; readonly isAlone: boolean }) {
  const shown = useMemo(() => shownText(text), [text]);
  // What stands alone has the height that it has.
  return <span class={isAlone ? "" : "piece"}>{shown}</span>;
}

/** Text with its own line ends, in a window of its own. */
export function Scrolls({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
    <section class="scrolls" tabIndex={0} aria-label={label}>
      <pre>{children}</pre>
    </section>
  );
}

function piecesOf(text: string): readonly string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length; ) {
    // Each stands on lines of its own, so it ends where a line does, if one does.
    const lineEnd = text.indexOf("\n", start + pieceCharacters);
    const end = lineEnd === -1 || lineEnd > start + 2 * pieceCharacters ? start + pieceCharacters : lineEnd + 1;
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

export interface Difference {
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** What changed from one payload to the other. */
export function differencesOf(before: unknown, after: unknown): readonly Difference[] {
  return diff({ data: plain(before) }, { data: plain(after) }, { cyclesFix: false }).map((each) => ({
    path: each.path.slice(1).join(".") || "(all of it)",
    ...("oldValue" in each ? { before: each.oldValue } : {}),
    ...("value" in each ? { after: each.value } : {}),
  }));
}

/** The same, told a moment later: of large payloads that takes a while, and the page shows them meanwhile. Null until then. */
export function useDifferences(before: unknown, after: unknown, isAsked: boolean): readonly Difference[] | null {
  const [found, setFound] = useState<readonly Difference[] | null>(null);
  useEffect(() => {
    if (!isAsked) return;
    const timer = setTimeout(() => setFound(differencesOf(before, after)));
    return () => clearTimeout(timer);
  }, [before, after, isAsked]);
  return found;
}

/** Numbers with all their digits are compared by them. */
function plain(value: unknown): unknown {
  if (value instanceof ExactNumber) return value.digits;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

export function Differences({ of, none = "No difference." }: { readonly of: readonly Difference[]; readonly none?: string }) {
  if (of.length === 0) return <p class="soft">{none}</p>;
  return (
    <ul class="differences">
      {of.slice(0, maxDifferences).map((each) => (
        <li key={each.path}>
          <code>{shownText(each.path)}</code>
          {"before" in each && <del>{shortOf(each.before)}</del>}
          {"after" in each && <ins>{shortOf(each.after)}</ins>}
        </li>
      ))}
      {of.length > maxDifferences && <li>and {plural(of.length - maxDifferences, "more difference")}</li>}
    </ul>
  );
}

function shortOf(value: unknown): string {
  const { text, whole } = printJson(value, 300);
  return shownText(text.replace(/\s+/g, " ")) + (whole ? "" : "…");
}
