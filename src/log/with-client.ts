import { RepriseError } from "../errors.ts";

const client = "@eventstore/db-client";

/**
 * Loads what talks to a log server. Its client, with gRPC and protobuf, is 40 of 97 packages and 17 of 57 MB: who has an embedded log neither installs it, nor
 * waits for it, nor holds it.
 *
 * @throws CONFIG_INVALID with the command that installs it, where it is not installed.
 */
export async function withClient<M>(adapter: () => Promise<M>): Promise<M> {
  try {
    return await adapter();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND" || !message.includes(`'${client}'`)) throw error;
    throw new RepriseError(
      "CONFIG_INVALID",
      `A log on a server needs the package ${client}, which is not installed. Install it beside Reprise: npm install ${client}`,
      {
        cause: error,
      },
    );
  }
}
