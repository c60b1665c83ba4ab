/** Characters that a reader does not see, or that move what is shown: control characters except line end and tab, marks of direction, halves of surrogate pairs. */
const unseen = /[^\P{Cc}\n\t]|(?!\u200c|\u200d|\u00ad)\p{Cf}|[\u2028\u2029]|\p{Cs}/gu;

/**
 * A text as a terminal or a log may show it. Invisible characters are written as JSON writes them (`\u001b`), so JSON stays the same JSON. The joiners
 * that some scripts and emoji need stay as they are.
 */
export function visible(text: string): string {
  return text.replace(unseen, (found) => Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, "0")}`).join(""));
}
