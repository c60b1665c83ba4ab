/** Data of an event: text and nothing else, cut where nobody reads on. */
import diff from "microdiff";
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { ExactNumber, printJson } from "../base/exact-json.ts";
import { plural, shownText } from "../base/shown-text.ts";

const maxCharacters = 16 * 1024;
/** The browser lays out what is in sight: a text of 4 MiB in one piece holds it for seconds. */
const pieceCharacters = 16 * 1024;
const maxDifferences = 200;

export function Payload({ value, label }: { readonly value: unknown; readonly label: string }) {
  const [all, showAll] = useState(false);
  const { pieces, whole } = useMemo(() => {
    const printed = printJson(value, all ? Number.POSITIVE_INFINITY : maxCharacters);
    return { pieces: piecesOf(shownText(printed.text)), whole: printed.whole };
  }, [value, all]);
  return (
    <div class="payload">
      <Scrolls label={label}>
        {pieces.map((piece, index) => (
          // What stands alone has the height that it has.
          <span key={index} class={pieces.length > 1 ? "piece" : ""}>
            {piece}
          </span>
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
