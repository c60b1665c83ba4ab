import { visible } from "../../event/visible.ts";

/** A text as one word of a command line, whatever it holds, for the shells that know single quotes. Null: no command line can show it as it is. */
export function shellWord(text: string): string | null {
  if (/^[\w.@%+=:,/-]+$/.test(text) && !text.startsWith("-")) return text;
  return visible(text) !== text || /[\n\t]/.test(text) ? null : `'${text.replaceAll("'", "'\\''")}'`;
}
