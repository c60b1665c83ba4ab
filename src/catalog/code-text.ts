/** The meaning of a function's source, apart from its looks: comments, layout, optional commas and the kind of quotes are left out. */
import { createHash } from "node:crypto";

/**
 * Of a function's text; two texts have the same one when they differ only in what a formatter or a comment changes. White space inside texts, templates and
 * regular expressions counts.
 *
 * @returns SHA-256, 16 hexadecimal characters; null when it is no function.
 */
export function codeFingerprint(fn: unknown): string | null {
  return typeof fn === "function"
    ? createHash("sha256")
        .update(tokensOf(String(fn)).join("\n"))
        .digest("hex")
        .slice(0, 16)
    : null;
}

/** Ends with what may stand before a division; after anything else `/` begins a regular expression. */
const endsValue = /^(?:[\w$"'`)\]}].*|.*[\w$"'`)\]}])$/s;
const beforeExpression = new Set(["return", "typeof", "case", "in", "of", "do", "else", "delete", "void", "instanceof", "new", "throw", "yield", "await"]);
const endsAtLineBreak = new Set(["return", "break", "continue", "throw", "yield"]);
const operators = /^(?:=>|\.\.\.|\?\?=|\*\*=|\|\|=|&&=|>>>=|===|!==|>>>|<<=|>>=|\?\.|\?\?|\*\*|\+\+|--|&&|\|\||[=!<>+\-*/%&|^]=|<<|>>|.)/su;

/** The tokens that carry meaning, in order. Exported for its test. */
export function tokensOf(source: string): readonly string[] {
  const tokens: string[] = [];
  let at = 0;
  const take = (text: string): void => {
    at += text.length;
    push(tokens, text);
  };
  while (at < source.length) {
    const rest = source.slice(at, at + 4096);
    const blank = /^(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/.exec(source.slice(at))?.[0];
    if (blank !== undefined) {
      at += blank.length;
      if (blank.includes("\n") && endsAtLineBreak.has(tokens.at(-1) ?? "")) tokens.push(";");
      continue;
    }
    const sign = source[at]!;
    if (sign === '"' || sign === "'") {
      const text = textAt(source, at, sign);
      at += text.length;
      tokens.push(quoted(text));
    } else if (sign === "`") {
      const text = templateAt(source, at);
      at += text.length;
      tokens.push(text);
    } else if (sign === "/" && beginsRegex(tokens.at(-1))) {
      take(/^\/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[])+\/[a-z]*/s.exec(source.slice(at))?.[0] ?? sign);
    } else {
      const word = /^(?:[\p{L}\p{N}_$#@\\]|\.(?=\d))(?:[\p{L}\p{N}_$]|(?<=\d)\.(?=\d|\b))*/u.exec(rest)?.[0];
      take(word ?? operators.exec(rest)![0]);
    }
  }
  return tokens;
}

/** Leaves out optional signs: a comma or semicolon before a closing bracket, and round brackets about a single parameter. */
function push(tokens: string[], token: string): void {
  const last = tokens.at(-1);
  const closes = token === ")" || token === "]" || token === "}";
  if (closes && last === "," && !(token === "]" && (tokens.at(-2) === "," || tokens.at(-2) === "["))) tokens.pop();
  else if (token === "}" && last === ";") tokens.pop();
  else if (token === "=>" && last === ")" && tokens.at(-3) === "(" && /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(tokens.at(-2) ?? ""))
    tokens.splice(-3, 3, tokens.at(-2)!);
  tokens.push(token);
}

function beginsRegex(before: string | undefined): boolean {
  return before === undefined || beforeExpression.has(before) || !endsValue.test(before);
}

function textAt(source: string, from: number, quote: string): string {
  let at = from + 1;
  while (at < source.length && source[at] !== quote) at += source[at] === "\\" ? 2 : 1;
  return source.slice(from, at + 1);
}

/** With the code inside `${…}` as it stands. */
function templateAt(source: string, from: number): string {
  let at = from + 1;
  while (at < source.length && source[at] !== "`") {
    if (source[at] === "\\") at += 2;
    else if (source.startsWith("${", at)) {
      let open = 1;
      for (at += 2; at < source.length && open > 0; ) {
        const sign = source[at]!;
        if (sign === '"' || sign === "'") at += textAt(source, at, sign).length;
        else if (sign === "`") at += templateAt(source, at).length;
        else {
          open += sign === "{" ? 1 : sign === "}" ? -1 : 0;
          at++;
        }
      }
    } else at++;
  }
  return source.slice(from, at + 1);
}

/** The same text in double quotes, with no escape that it does not need. */
function quoted(text: string): string {
  return `"${text.slice(1, -1).replace(/\\([\s\S])|(")/g, (whole, escaped: string | undefined, quote: string | undefined) => (quote !== undefined ? '\\"' : escaped === "'" ? "'" : whole))}"`;
}
