/** `node bundle/build.ts dist`: what the package runs. Its types are written by the compiler, its page by `src/console/build.ts`. */
import { bundle, insideOf } from "./bundle.ts";

await bundle(process.argv[2]!, insideOf);
