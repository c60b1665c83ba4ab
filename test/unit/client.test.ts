/** The command line's client: what it is given may hold a key, and no message shows that. */
import { describe, expect, it } from "vitest";
import { makeClient } from "../../src/cli/client.ts";

const messageOf = async (base: string, key?: string): Promise<string> => {
  try {
    await makeClient(base, key).get("/handlers");
  } catch (error) {
    return (error as Error).message;
  }
  return "no error";
};

describe("a key that cannot be sent", () => {
  it.each(["rpr_hunter2\r", "rpr_hunter2\nx", "rpr_hunter2 ", "\u00e9rpr_hunter2", "rpr_hunter2\u20ac", "rpr_hunter2\u0000"])(
    "is refused and not shown: %j",
    async (key) => {
      const message = await messageOf("http://127.0.0.1:1", key);
      expect(message).toContain("--key (REPRISE_KEY) holds");
      expect(message).not.toContain("hunter2");
    },
  );

  it.each(["http://user:rpr_hunter2@127.0.0.1:1", "http://rpr_hunter2@127.0.0.1:1", "ftp://rpr_hunter2@host", "rpr_hunter2@host"])(
    "is refused in an address: %s",
    async (base) => {
      const message = await messageOf(base);
      expect(message).toContain("--url holds credentials");
      expect(message).not.toContain("hunter2");
    },
  );
});
