/** Characters that a reader does not see, or that move what he sees: controls but for the line's end and the tab, marks of direction, halves of surrogate pairs. */
const unseen = /[^\P{Cc}\n\t]|(?!\u200c|\u200d|\u00ad)\p{Cf}|[\u2028\u2029]|\p{Cs}/gu;

/**
 * A text as a terminal or a log may show it: what nobody would see is written as JSON writes it, `\u001b`. So JSON stays the same JSON. The joiners that
 * scripts and emoji are spelt with stay.
 */
export function visible(text: string): string {
  return text.replace(unseen, (found) => Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, "0")}`).join(""));
}
