import { expect, it } from "vitest";
import { withClient } from "../../src/log/with-client.ts";

const lack = (name: string) => Object.assign(new Error(`Cannot find package '${name}' imported from /app/reader.js`), { code: "ERR_MODULE_NOT_FOUND" });

it("says how to install the client of a log server where it is missing, and nothing of what else is", async () => {
  await expect(withClient(() => Promise.reject(lack("@eventstore/db-client")))).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringContaining("npm install @eventstore/db-client"),
  });
  const other = lack("google-protobuf");
  await expect(withClient(() => Promise.reject(other))).rejects.toBe(other);
  expect(await withClient(async () => 7)).toBe(7);
});
