/** Members of answers that several resources have. All shapes are strict, so that a test notices a member too many. */
import { z } from "zod";

export const count = z.int().min(0);

export const position = z.string().regex(/^\d+$/);

export const time = z.iso.datetime();

export const failure = z.strictObject({ type: z.string(), message: z.string() });

export const entity = z.strictObject({ type: z.string(), id: z.string() });

export const data = z.unknown();

export const skips = z.array(z.strictObject({ reason: z.string(), count }));

/** Only type and message: a stack belongs to an attempt's record. */
export function toFailure(error: { readonly type: string; readonly message: string } | null): { type: string; message: string } | null {
  return error && { type: error.type, message: error.message };
}
