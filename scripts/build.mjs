/** `npm run build`: compiles and bundles, if anything changed since the last time. */
import { setUp } from './lib/setup.mjs';

try {
  await setUp();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
