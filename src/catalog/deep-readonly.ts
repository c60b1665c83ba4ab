/** `T` with every member readonly, all the way down: what a function is given to look at. Lists and tuples stay such; plain and branded values stay as they are. */
export type DeepReadonly<T> = unknown extends T
  ? T
  : T extends string | number | bigint | boolean | symbol | null | undefined
    ? T
    : { readonly [K in keyof T]: DeepReadonly<T[K]> };
