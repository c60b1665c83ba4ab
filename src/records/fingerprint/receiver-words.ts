/** What a webhook's receiver said in its answer. Pure; anything may stand in an answer. */

/** Members in which services say what went wrong, the likeliest to be short and always the same first. */
const members = ["code", "type", "title", "error", "message", "detail", "errors"] as const;
const maxDepth = 3;
/** Of an answer, as much as is ever kept of one. */
const maxHeadChars = 4096;
const maxWordsChars = 2000;
/** In an answer that was cut, and so is no JSON any more. */
const cutMember = /"(code|type|title|error|message|detail)"\s*:\s*"([^"\\]*)/g;

/** The words of an answer's head: of JSON what its usual members say, of a page its text. */
export function receiverWords(head: string): string {
  const text = head.slice(0, maxHeadChars).trim();
  if (!/^[{[]/.test(text)) return text.replaceAll(/<[^<>]*>/g, " ").slice(0, maxWordsChars);
  try {
    return wordsOf(JSON.parse(text), 0).join(" ").slice(0, maxWordsChars);
  } catch {
    return Array.from(text.matchAll(cutMember), ([, , words]) => words)
      .join(" ")
      .slice(0, maxWordsChars);
  }
}

function wordsOf(value: unknown, depth: number): readonly string[] {
  if (typeof value === "string" || typeof value === "number") return depth === 0 ? [] : [String(value)];
  if (typeof value !== "object" || value === null || depth > maxDepth) return [];
  if (Array.isArray(value)) return wordsOf(value[0], depth + 1); // of a list of faults the first one: how many there are differs
  const known = value as Readonly<Record<string, unknown>>;
  return members.flatMap((name) => (Object.hasOwn(known, name) ? wordsOf(known[name], depth + 1) : []));
}
