import { describe, expect, it } from "vitest";
import { makePrinter, type Printer, unlessZero } from "../../examples/order-desk/print.ts";

function printed(colour: boolean, tell: (print: Printer) => void): string {
  let text = "";
  tell(makePrinter((more) => (text += more), { colour }));
  return text;
}

const table = (print: Printer) =>
  print.table(
    [{ head: "agent" }, { head: "waiting", figures: true, style: unlessZero("red") }],
    [
      ["intake", 0],
      ["confirmation", 12],
    ],
  );

describe("the demo's printer", () => {
  it("lines figures up on the right, and leaves no blanks at line ends", () => {
    expect(printed(false, table)).toBe("\n    agent          waiting\n    intake               0\n    confirmation        12\n");
  });

  it("prints the same text with colour as without", () => {
    const tell = (print: Printer) => {
      print.title("Title", ["a", "b"]);
      print.act("First");
      print.act("Second");
      print.verdicts([
        { promise: "held", figure: "1 of 1", violations: [] },
        { promise: "not held", figure: "0 of 9", violations: ["a", "b", "c", "d", "e", "f", "g"] },
      ]);
      print.close(false, "over");
      table(print);
    };
    const plain = printed(false, tell);
    const coloured = printed(true, tell);
    const esc = String.fromCharCode(27);
    expect(plain).not.toContain(esc);
    expect(coloured).toContain(esc);
    expect(coloured.replaceAll(new RegExp(`${esc}\\[[0-9]+m`, "g"), "").replaceAll(/ +$/gm, "")).toBe(plain.replaceAll(/ +$/gm, ""));
  });

  it("marks a promise that held, one that did not, and shows five of its violations", () => {
    const violations = Array.from({ length: 7 }, (_, index) => `violation ${index + 1}`);
    const text = printed(false, (print) =>
      print.verdicts([
        { promise: "kept", figure: "3 calls", violations: [] },
        { promise: "broken", figure: "4 calls", violations },
      ]),
    );
    expect(text).toContain("✓ kept     3 calls");
    expect(text).toContain("✗ broken   4 calls");
    expect(text).toContain("violation 5");
    expect(text).not.toContain("violation 6");
    expect(text).toContain("and 2 more");
  });
});
