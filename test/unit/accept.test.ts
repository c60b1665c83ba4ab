import { expect, it } from "vitest";
import { preferredKind } from "../../src/http/accept.ts";

const json = "application/json";
const batch = "application/cloudevents-batch+json";

it.each([
  [undefined, json],
  ["", json],
  ["*/*", json],
  ["application/*", json],
  [batch, batch],
  ["Application/CloudEvents-Batch+JSON", batch],
  [`${batch}; charset=utf-8`, batch],
  [`${batch};q=0.1, text/html`, batch],
  [`${batch}, */*`, batch],
  [`${batch}, ${json}`, batch],
  [`${json}, ${batch}`, json],
  [`${batch};q=0.5, */*`, json],
  [`${batch};q=0.9, */*;q=0.8`, batch],
  [`${json};q=0.2, ${batch};q=0.3`, batch],
  [`${json};q=0.3 , ${batch} ; Q=0.2`, json],
  [`${batch};q=0, */*`, json],
  [`${batch};q=0`, json],
  [`${json};q=0, */*;q=0.1`, batch],
  [`${json};q=0`, json],
  ["*/*;q=0", json],
  ["text/html", json],
  ["text/html, application/*;q=0.5", json],
  [`${batch};q=2`, json],
  [`${batch};q=x`, json],
  [`${batch};q=`, json],
  [`${batch};q=1.000`, batch],
  [`${batch};v="a;q=0.1"`, batch],
  ["nonsense, ,;q=1,/", json],
  [",".repeat(16_000), json],
])("Accept: %s is answered with %s", (accept, kind) => {
  expect(preferredKind(accept, [json, batch])).toBe(kind);
});
