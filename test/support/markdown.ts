/** Text below each heading of `level`, up to the next heading of that level. Lines in code blocks are no headings. */
export function sections(markdown: string, level: number): Map<string, string> {
  const found = new Map<string, string>();
  let heading: string | undefined;
  let inCode = false;
  for (const line of markdown.split("\n")) {
    if (line.startsWith("```")) inCode = !inCode;
    const mark = `${"#".repeat(level)} `;
    if (!inCode && line.startsWith(mark)) {
      heading = line.slice(mark.length).trim();
      if (found.has(heading)) throw new Error(`Two headings "${heading}".`);
      found.set(heading, "");
    } else if (heading !== undefined) found.set(heading, `${found.get(heading) ?? ""}${line}\n`);
  }
  return found;
}

/** The headings of a page, of levels 1 to 3. */
export function headings(markdown: string): readonly string[] {
  return [1, 2, 3].flatMap((level) => [...sections(markdown, level).keys()]);
}

/** GitHub's anchor of a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_\- ]/gu, "")
    .replaceAll(" ", "-");
}
