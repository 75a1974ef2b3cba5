/**
 * Before tests that need real containers: the example image, and the proof that a container runs here.
 * Where none can, everything fails at once with Podman's own reason.
 */
import { ensureCompiled } from '../../scripts/lib/setup.mjs';
import { probeContainers } from '../../scripts/lib/podman.mjs';

export async function setup(): Promise<void> {
  await ensureCompiled((line: string) => process.stderr.write(`${line}\n`));
  const podman = await probeContainers();
  if (!podman.ok) throw new Error(`integration tests need containers: ${podman.reason}`);
}
