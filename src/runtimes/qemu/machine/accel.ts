/** Which accelerator works here: a KVM that opens proves nothing, a guest that ran under it does. */
import { join } from 'node:path';
import { z } from 'zod';
import { BerthError, isBerthError, messageOf } from '../../../core/errors.js';
import type { Chance, Clock } from '../../../core/ports/clock.js';
import { pause } from '../../host/pause.js';
import type { MachineHost } from '../../host/machine-host.js';
import { machineFiles, type MachineSpec, type QemuSettings } from '../contracts.js';
import { late, throwIfCancelled, within } from './deadline.js';
import { findMachine, isMachineAlive, killMachine } from './find.js';
import { launchMachine } from './launch.js';
import { uidOf } from './privileges.js';
import { bootDisk, probeWord } from './probe-guest.js';
import { findTools } from './tools.js';

export interface AcceleratorDeps {
  readonly host: MachineHost;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly settings: QemuSettings;
  /** `BERTH_HOME/vm`: the answer is kept there. */
  readonly folder: string;
}

export interface Acceleration {
  readonly accel: 'kvm' | 'tcg';
  /** How it is known, in words. */
  readonly detail: string;
}

const answerSchema = z.object({
  bootId: z.string(),
  qemu: z.string(),
  version: z.string(),
  accel: z.enum(['kvm', 'tcg']),
  detail: z.string(),
});
type Answer = z.infer<typeof answerSchema>;

const answerFile = 'accel.json';
const probeFolder = 'probe';
const diskFile = 'probe.img';
const lookEveryMs = 20;

function probeSpec(accel: 'kvm' | 'tcg', uuid: string): MachineSpec {
  return {
    ...{ name: `berth-probe-${accel}`, uuid, accel, machine: 'q35', memoryMb: 32, vcpus: 1, boot: { kind: 'bios' } },
    disks: [{ file: diskFile, serial: 'probe', format: 'raw', access: 'read-only' }],
    network: { kind: 'user', mac: '52:54:00:00:00:01', forwards: [] },
    report: 'debug-port',
  };
}

/** Ends a probe guest, of this agent or of one that was killed, and removes its folder. */
async function clearProbe(deps: AcceleratorDeps, folder: string): Promise<void> {
  const { host, clock, settings } = deps;
  const found = await findMachine(deps, folder);
  if (found.state === 'running' && (await killMachine(host, found.run))) {
    const untilMs = clock.monotonic() + settings.callDeadlineMs;
    while ((await isMachineAlive(host, found.run)) && clock.monotonic() < untilMs) await pause(clock, lookEveryMs);
  }
  await host.remove(folder);
}

async function hasSpoken(deps: AcceleratorDeps, folder: string, untilMs: number): Promise<boolean> {
  const { host, clock } = deps;
  for (;;) {
    const report = await host.readBytes(join(folder, machineFiles.report), 0, 64);
    if (report?.toString('latin1').startsWith(probeWord)) return true;
    const isUp = (await findMachine(deps, folder)).state === 'running';
    if (!isUp || clock.monotonic() >= untilMs) return false;
    await pause(clock, lookEveryMs);
  }
}

/** Boots the probe guest; null: it ran. Otherwise why it did not, in words. Leaves nothing behind. */
export async function probeAccelerator(deps: AcceleratorDeps, accel: 'kvm' | 'tcg'): Promise<string | null> {
  const { host, clock, settings } = deps;
  const folder = join(deps.folder, probeFolder);
  const untilMs = clock.monotonic() + settings.probeDeadlineMs;
  await clearProbe(deps, folder);
  try {
    await host.makeFolder(folder);
    await host.writeNew(join(folder, diskFile), bootDisk());
    const startDeadlineMs = Math.min(settings.startDeadlineMs, settings.probeDeadlineMs);
    const uid = uidOf(host.uid, settings.firstUid, probeFolder);
    const spec = probeSpec(accel, deps.chance.id());
    await launchMachine({ host, clock, settings: { ...settings, startDeadlineMs } }, { folder, spec, uid });
    if (await hasSpoken(deps, folder, untilMs)) return null;
    return `a probe guest did not run within ${settings.probeDeadlineMs} ms`;
  } catch (error) {
    if (isBerthError(error, 'E_RUNTIME_UNAVAILABLE', 'E_DISK_FULL')) throw error;
    return `a probe guest did not start: ${messageOf(error)}`;
  } finally {
    await clearProbe(deps, folder);
  }
}

/** Asks once for a boot of this host and a version of QEMU, and keeps the answer beside the VMs. */
export class Accelerators {
  readonly #deps: AcceleratorDeps;
  /** Which QEMU the answer is for, and the answer, possibly still under way. */
  #known: { readonly key: string; readonly answer: Promise<Acceleration> } | null = null;

  constructor(deps: AcceleratorDeps) {
    this.#deps = deps;
  }

  /** E_RUNTIME_UNAVAILABLE without QEMU; E_DRIVER_TIMEOUT when cancelled, though the probe goes on. */
  async choose(signal: AbortSignal): Promise<'kvm' | 'tcg'> {
    return (await this.explain(signal)).accel;
  }

  /** What `choose` answers, and why. */
  async explain(signal: AbortSignal): Promise<Acceleration> {
    throwIfCancelled(signal);
    const { settings, clock, host } = this.#deps;
    if (settings.accel !== 'auto') return { accel: settings.accel, detail: 'by the setting' };
    const { qemu } = await findTools(host, settings.qemu);
    const file = await host.fileState(qemu);
    const key = `${qemu} ${file?.inode} ${file?.bytes}`;
    if (this.#known?.key !== key) {
      const answer = this.#ask(qemu);
      this.#known = { key, answer };
      // What failed is asked again.
      answer.catch(() => {
        if (this.#known?.answer === answer) this.#known = null;
      });
    }
    const deadlineMs = settings.probeDeadlineMs + settings.startDeadlineMs + settings.callDeadlineMs;
    const answer = await within(clock, this.#known.answer, deadlineMs, signal);
    if (answer !== late) return answer;
    throw new BerthError('E_DRIVER_TIMEOUT', `it was not found out within ${deadlineMs} ms whether KVM works`);
  }

  async #ask(qemu: string): Promise<Acceleration> {
    const { host, settings, folder } = this.#deps;
    const [bootId, version] = await Promise.all([
      host.readText('/proc/sys/kernel/random/boot_id').then((text) => text?.trim() ?? ''),
      qemuVersion(host, qemu, settings.callDeadlineMs),
    ]);
    const kept = await this.#kept();
    if (kept?.bootId === bootId && kept.qemu === qemu && kept.version === version) return kept;
    const found = await this.#probe();
    await host.makeFolder(folder);
    const answer: Answer = { bootId, qemu, version, ...found };
    await host.replaceText(join(folder, answerFile), `${JSON.stringify(answer)}\n`);
    return found;
  }

  async #kept(): Promise<Answer | undefined> {
    const text = await this.#deps.host.readText(join(this.#deps.folder, answerFile));
    try {
      return text === undefined ? undefined : answerSchema.parse(JSON.parse(text));
    } catch {
      return undefined;
    }
  }

  async #probe(): Promise<Acceleration> {
    if (!(await this.#deps.host.exists('/dev/kvm'))) return { accel: 'tcg', detail: 'there is no /dev/kvm' };
    const why = await probeAccelerator(this.#deps, 'kvm');
    if (why === null) return { accel: 'kvm', detail: 'a probe guest ran under KVM' };
    return { accel: 'tcg', detail: `KVM does not work here: ${why}` };
  }
}

/** The first line of `qemu --version`; E_RUNTIME_UNAVAILABLE when it says nothing of the kind. */
export async function qemuVersion(host: MachineHost, qemu: string, timeoutMs: number): Promise<string> {
  const { exitCode, output } = await host.run([qemu, '--version'], { timeoutMs });
  const line = output.split('\n')[0] ?? '';
  if (exitCode === 0 && line.startsWith('QEMU emulator version')) return line;
  throw new BerthError('E_RUNTIME_UNAVAILABLE', `${qemu} is no QEMU that works: ${line}`);
}
