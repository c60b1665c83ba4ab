import { describe, expect, it } from "vitest";
import { visibleOn } from "../../src/cli/terminal.ts";
import { visible } from "../../src/event/visible.ts";

describe("what nobody would see", () => {
  it.each([
    ["\u001b[31mred", "\\u001b[31mred"],
    ["\u009b2J", "\\u009b2J"],
    ["a\u007fb\u0000", "a\\u007fb\\u0000"],
    ["\r", "\\u000d"],
    ["\u202egnp.exe", "\\u202egnp.exe"],
    ["\u2066\u2069\u061c\u200e\u200f", "\\u2066\\u2069\\u061c\\u200e\\u200f"],
    ["\u2028\u2029\ufeff\u200b\u2060", "\\u2028\\u2029\\ufeff\\u200b\\u2060"],
    ["\u{e0041}", "\\udb40\\udc41"],
    ["\ud800x", "\\ud800x"],
    ["line\n\tnext", "line\n\tnext"],
    ["Zoë 👨‍👩‍👧 नमस्ते", "Zoë 👨‍👩‍👧 नमस्ते"],
  ])("%j is written as %j", (text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  it("leaves JSON the same JSON", () => {
    const value = { "\u009b\u202e": "\u007f\u2028\ud800\u{e0001}\u001b" };
    expect(JSON.parse(visible(JSON.stringify(value)))).toEqual(value);
  });

  it("never reaches a terminal; only Reprise's own sequence that draws a line again does", async () => {
    let seen = "";
    const note = (text: string) => void (seen += text);
    const terminal = visibleOn({
      ...{ out: note, err: note, interactive: true, columns: 80, input: async function* () {} },
      ask: async (question) => {
        note(question);
        return "";
      },
    });
    terminal.out("\u001b[2J\n");
    terminal.err("\u009b\u202e\n");
    await terminal.ask("discard \u001b]0;x\u0007?");
    expect(seen).toBe("\\u001b[2J\n\\u009b\\u202e\ndiscard \\u001b]0;x\\u0007?");
    seen = "";
    terminal.err("\rcopy \u001b[2J [##] \u001b[K");
    expect(seen).toBe("\rcopy \\u001b[2J [##] \u001b[K");
  });
});
