import { ErrorType, isCommandError } from "@eventstore/db-client";
import { isRepriseError, RepriseError } from "../../errors.ts";

/** The server has not answered in time. It may have done what was asked. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
}

export function isServerError(error: unknown, ...types: readonly ErrorType[]): boolean {
  return error instanceof Error && isCommandError(error) && types.includes(error.type);
}

/** True for failures that may pass by themselves; an append may have been stored all the same. */
export function mayPass(error: unknown): boolean {
  if (error instanceof NoAnswerError) return true;
  if (!(error instanceof Error)) return false;
  if (isNoPlace(error)) return false;
  if (isCommandError(error)) return passing.has(error.type);
  return !isRepriseError(error); // of the channel, or of a discovery that found no node
}

/** The server's texts for a read or subscription that begins where no record begins. The client has no type for either. */
function isNoPlace(error: unknown): boolean {
  return error instanceof Error && /ReadAllResult: InvalidPosition|from an invalid position/.test(error.message);
}

const passing = new Set<ErrorType>([
  ErrorType.UNAVAILABLE,
  ErrorType.CANCELLED,
  ErrorType.TIMEOUT,
  ErrorType.DEADLINE_EXCEEDED,
  ErrorType.NOT_LEADER,
  ErrorType.UNKNOWN,
]);

/** The seconds after which a caller may try again. */
const retryAfterMs = 1000;

/**
 * Translates the server's answer into Reprise's words. The client's own text is kept only as the cause, because some of its errors have none.
 *
 * @param doing names the act, as in "Appending to shop.order-1".
 */
export function fromServerError(error: unknown, doing: string): RepriseError {
  if (isRepriseError(error)) return error;
  const refuse = (why: string) => new RepriseError("LOG_UNAVAILABLE", `${doing} failed: ${why}`, { cause: error, retryAfterMs });
  if (isNoPlace(error)) return new RepriseError("LOG_BEHIND_CHECKPOINT", `${doing} failed: the log has no event at this position.`, { cause: error });
  if (isServerError(error, ErrorType.STREAM_DELETED))
    return new RepriseError("REQUEST_INVALID", `${doing} failed: another program has deleted this stream for good.`, { cause: error });
  if (isServerError(error, ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED))
    return new RepriseError("APPEND_TOO_LARGE", `${doing} failed: the server takes less in one append.`, { cause: error });
  if (isAccessError(error)) return refuse("the server does not accept these credentials, or does not allow it.");
  if (isServerError(error, ErrorType.NOT_LEADER)) return refuse("the cluster has no leader yet.");
  if (error instanceof NoAnswerError) return refuse("the server has not answered in time.");
  const type = error instanceof Error && isCommandError(error) ? ` (${error.type})` : "";
  return refuse(`the server cannot be reached or is not ready${type}.`);
}

/** Refused credentials are a fault of the configuration when the log opens. Later, somebody may restore them. */
export function fromOpenError(error: unknown, doing: string): RepriseError {
  if (isAccessError(isRepriseError(error) ? error.cause : error))
    return new RepriseError("CONFIG_INVALID", `${doing} failed: the server does not accept these credentials, or does not allow it.`, { cause: error });
  return fromServerError(error, doing);
}

function isAccessError(error: unknown): boolean {
  return isServerError(error, ErrorType.ACCESS_DENIED);
}
