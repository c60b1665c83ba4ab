/** Texts that stand in headers and in chains of agents. */

/** 1 to 256 characters on one line, without half of a surrogate pair, which would be stored as something else. */
export const markPattern = /^[^\p{Cc}\p{Cs}]{1,256}$/u;
/** An agent of a call chain is a mark without a comma, because webhooks get the chain as one text, joined by commas. */
const agentPattern = /^[^\p{Cc}\p{Cs},]{1,256}$/u;
/** W3C Trace Context. */
export const traceparentPattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** Agents of one chain. */
export const maxCallChain = 32;

export const isMark = (text: string): boolean => markPattern.test(text);
export const isAgent = (text: string): boolean => agentPattern.test(text);
export const isTraceparent = (text: string): boolean => traceparentPattern.test(text);
