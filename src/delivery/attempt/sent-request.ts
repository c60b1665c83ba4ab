import type { Dispatcher } from "undici";

/** `dispatcher` for one request; `onSent` is told when the request goes out on a connection, and not while it waits for one. */
export function tellingWhenSent(dispatcher: Dispatcher, onSent: () => void): Dispatcher {
  const dispatch: Dispatcher["dispatch"] = (options, handler) => {
    const start = handler.onRequestStart?.bind(handler);
    handler.onRequestStart = (...about) => {
      onSent();
      start?.(...about);
    };
    return dispatcher.dispatch(options, handler);
  };
  // undici uses nothing else of the dispatcher for one request.
  return { dispatch } as Dispatcher;
}
