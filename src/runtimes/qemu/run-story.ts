/** Reads how a run went off what it left in its VM's folder: the guest's report, and both ends of its console. */
import { join } from 'node:path';
import { machineFiles, userNetwork } from './contracts.js';
import { parseReport } from './guest/index.js';
import { storyOfNanos, storyOfReport, type RunStory } from './judge.js';
import type { MachineDeps } from './machine/index.js';
import type { VmRecord } from './record.js';
import type { VmStore } from './store.js';
import { readConsole, readExitCode } from './unikernel/console.js';

export interface StoryPlace {
  readonly deps: MachineDeps;
  readonly store: VmStore;
}

/** How much of either end of what a run wrote on its console is read to learn how it went. */
const endBytes = 64 * 1024;
const reportBytes = 64 * 1024;

/** The latest run, as far as it went. `asked`: Berth asked its program to end. */
export async function readStory(place: StoryPlace, record: VmRecord, asked: boolean): Promise<RunStory> {
  const { deps, store } = place;
  const folder = store.machine(record.id);
  const report = await deps.host.readBytes(join(folder, machineFiles.report), 0, reportBytes);
  const isNanos = record.boot.kind === 'bios';
  const isSilent = report === undefined || report.length === 0;
  const consoleText = isNanos || isSilent ? await consoleEnds(place, record) : '';
  if (!isNanos) return storyOfReport(parseReport(report?.toString('utf8') ?? ''), consoleText);
  const news = readConsole(consoleText).filter(
    (item) => item.kind === 'failed' || item.address === userNetwork.address,
  );
  return storyOfNanos(news, readExitCode(report ?? Buffer.alloc(0)), asked);
}

/**
 * The beginning and the end of what this run wrote on its console: that the network is up stands among the first lines,
 * however much the program writes before anybody looks, and why it ended among the last.
 */
async function consoleEnds({ deps, store }: StoryPlace, record: VmRecord): Promise<string> {
  const path = join(store.machine(record.id), machineFiles.consoleLog);
  const size = (await deps.host.fileState(path))?.bytes ?? 0;
  const began = (await store.begun(record.id))?.consoleBytes ?? 0;
  // A log that was cut since holds nothing of an earlier run, or little.
  const from = began <= size ? began : 0;
  const tailFrom = Math.max(from + endBytes, size - endBytes);
  const ends = [
    await deps.host.readBytes(path, from, endBytes),
    tailFrom < size ? await deps.host.readBytes(path, tailFrom, endBytes) : undefined,
  ];
  const texts = ends.map((bytes) => bytes?.toString('utf8') ?? '');
  // Without a gap between them they are one text.
  return texts.join(tailFrom > from + endBytes ? '\n' : '');
}
