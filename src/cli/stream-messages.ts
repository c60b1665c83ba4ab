/** Reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), as far as `GET /events/stream` uses them. */

export interface StreamMessage {
  readonly event: string;
  readonly id: string;
  /** As sent: JSON on one line. */
  readonly data: string;
}

/** The longest block: one event with its data has less than a megabyte, and what a step made of it is not much longer. */
const maxBlockCharacters = 64 * 1024 * 1024;

/**
 * @param onId told of each id, also of those that come without a message: a reader comes back with the last one.
 * @throws as the body does, when the connection breaks.
 */
export async function* messagesIn(body: AsyncIterable<Uint8Array>, onId: (id: string) => void): AsyncGenerator<StreamMessage, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
    rest = blocks.pop()!;
    if (rest.length > maxBlockCharacters) throw new Error("A message of the stream has no end.");
    for (const block of blocks) {
      const { id, event, data } = fieldsOf(block);
      if (id !== undefined) onId(id);
      if (data !== undefined) yield { event: event ?? "message", id: id ?? "", data };
    }
  }
}

function fieldsOf(block: string): { readonly id?: string; readonly event?: string; readonly data?: string } {
  const fields: Record<string, string> = {};
  for (const line of block.split("\n")) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name !== undefined) fields[name] = value!;
  }
  return fields;
}
