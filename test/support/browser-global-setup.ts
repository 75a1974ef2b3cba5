/** Before tests in a browser: the dashboard as it is now. */
import { ensureDashboard } from '../../scripts/lib/dashboard.mjs';
import { hash, listFiles } from '../../scripts/lib/setup.mjs';

export async function setup(): Promise<void> {
  await ensureDashboard((line: string) => process.stderr.write(`${line}\n`), { listFiles, hash });
}
