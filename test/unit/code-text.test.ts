import { describe, expect, it } from "vitest";
import { tokensOf } from "../../src/catalog/code-text.ts";

const same = (a: string, b: string): boolean => JSON.stringify(tokensOf(a)) === JSON.stringify(tokensOf(b));

describe("what a function's source says", () => {
  it.each([
    ["white space", "(a) => ({ b: a })", "(a)=>({b:a})"],
    ["line breaks", "(a) => ({ b: a, c: 1 })", "(a) => ({\n  b: a,\n  c: 1,\n})"],
    ["a comment", "(a) => a.b / 2", "(a) => /* half, // of it */ a.b / 2 // told"],
    ["a comma at the end", "f(a, b)", "f(a, b,)"],
    ["a semicolon at the end", "{ return a }", "{ return a; }"],
    ["brackets about a parameter", "(a) => a", "a => a"],
    ["the kind of quotes", `a === 'it"s'`, `a === "it\\"s"`],
    ["an escape that is not needed", `a === 'it\\'s'`, `a === "it's"`],
    ["types that were stripped", "(data, event) => ({ ...data })", "(data          , event             ) => ({ ...data })"],
  ])("does not change with %s", (_what, a, b) => expect(same(a, b)).toBe(true));

  it.each([
    ["a blank inside a text", '"a b"', '"ab"'],
    ["two blanks inside a text", '"a  b"', '"a b"'],
    ["a blank inside a template", "`a ${b} c`", "`a ${b}c`"],
    ["a blank inside a regular expression", "/a b/.test(c)", "/ab/.test(c)"],
    ["what looks like a comment inside a text", '"a // b"', '"a"'],
    ["a slash in a class of a regular expression", "/[/] a/.test(b)", "/[/]a/.test(b)"],
    ["words that grow together", "typeof a", "typeofa"],
    ["signs that grow together", "a + +b", "a ++b"],
    ["a hole in a list", "[1,,]", "[1,]"],
    ["a line break after return", "{ return\n a }", "{ return a }"],
    ["a number", "a * 1.5", "a * 15"],
    ["a division", "a / b / c", "a / (b / c)"],
  ])("changes with %s", (_what, a, b) => expect(same(a, b)).toBe(false));
});
