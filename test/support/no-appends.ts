/** For calls whose handlers append nothing. */
const none = (): Promise<never> => Promise.reject(new Error("nothing is appended here"));
export const noAppend = none;
export const noAppends = { append: none, rehearse: none };
