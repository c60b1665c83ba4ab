import { usage } from "../../exit.ts";

export function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw usage(`${flag} is ${JSON.stringify(text)}: it must be a number.`);
  return value;
}
