import type { Json } from "../../event/event.ts";
import { NoPayload, type Plan } from "./plan.ts";
import type { Shape } from "./shape.ts";
import { textOf } from "./text-of.ts";

const maxTextLength = 40;

const formats: Readonly<Record<string, readonly string[]>> = {
  email: ["ada@example.org", "Grace.Hopper+desk@mail.example.com"],
  "date-time": ["2026-01-31T12:30:45.678Z", "2024-02-29T00:00:00Z"],
  date: ["2026-01-31", "2024-02-29"],
  time: ["12:30:45", "00:00:00.001"],
  duration: ["P1DT2H", "P3W"],
  uuid: ["0198c0de-0000-7000-8000-000000000001", "b6c3f5de-9f4e-4d0c-8a55-0a4f7a3b1c2d"],
  uri: ["https://example.org/a?b=1", "http://127.0.0.1:8080/"],
  ipv4: ["192.0.2.1", "10.0.0.255"],
  ipv6: ["2001:db8::1", "::1"],
  cidrv4: ["192.0.2.0/24", "10.0.0.0/8"],
  cidrv6: ["2001:db8::/32", "::1/128"],
  hostname: ["example.org", "a.b-c.example"],
};

export function makeText(shape: Shape, { pick, size }: Plan, name: string): Json {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern, format } = shape;
  const fits = (text: string) => text.length >= minLength && text.length <= maxLength && (pattern === undefined || new RegExp(pattern).test(text));
  const known = format === undefined ? undefined : formats[format];
  if (known !== undefined) {
    const text = known[pick % known.length]!;
    if (fits(text)) return text;
  }
  if (pattern !== undefined) {
    for (const each of [size, "usual", "largest", "smallest"] as const) {
      const text = textOf(pattern, { pick, size: each });
      if (text !== undefined && fits(text)) return text;
    }
    throw new NoPayload();
  }
  if (format !== undefined && known === undefined) throw new NoPayload();
  if (size === "smallest") return "s".repeat(minLength);
  if (size === "largest") return "L".repeat(Math.max(minLength, Math.min(maxLength, maxTextLength)));
  const word = pick === 0 ? name : `${name}-${pick + 1}`;
  return word.padEnd(minLength, "-").slice(0, Math.min(maxLength, Number.MAX_SAFE_INTEGER));
}

export function makeNumber(shape: Shape, { pick, size }: Plan): Json {
  const whole = shape.type === "integer";
  const unit = shape.multipleOf ?? (whole ? 1 : 0.01);
  // zod gives every integer the bounds of a safe one: those are none.
  const low = bound(shape.minimum) ?? (shape.exclusiveMinimum === undefined ? undefined : shape.exclusiveMinimum + unit);
  const high = bound(shape.maximum) ?? (shape.exclusiveMaximum === undefined ? undefined : shape.exclusiveMaximum - unit);
  const wished = {
    smallest: low ?? Math.min(whole ? -7 : -7.25, high ?? 0),
    // This number is not exact in binary, so it makes a difference whether a step rounds it up, down or to the nearest.
    usual: (whole ? 42 : 19.99) + pick * (whole ? 3 : 2.35),
    largest: high ?? Math.max(whole ? 1_234_567 : 1_234_567.89, low ?? 0),
  }[size];
  const inside = Math.min(Math.max(wished, low ?? wished), high ?? wished);
  if (shape.multipleOf === undefined) return whole ? Math.round(inside) : Number(inside.toFixed(6));
  const up = Math.ceil(inside / unit) * unit;
  return Number((high !== undefined && up > high ? Math.floor(inside / unit) * unit : up).toFixed(6));
}

function bound(limit: number | undefined): number | undefined {
  return limit === undefined || Math.abs(limit) >= Number.MAX_SAFE_INTEGER ? undefined : limit;
}
