import { defineConfig } from "vitest/config";

if (Number(process.versions.node.split(".")[0]) < 24)
  throw new Error(`The tests need Node 24; this is ${process.version}. Start them through npm: npm test, npx vitest.`);

export default defineConfig({
  ssr: { resolve: { conditions: ["@reprise/source"] } },
  test: { include: ["test/**/*.test.ts"], reporters: ["default", "./test/support/closing-line.ts"], maxWorkers: 2, testTimeout: 30_000, hookTimeout: 30_000 },
});
