/** Which of the watched files are to be handed over, and which are wrong. Pure but for the notes it keeps. */
import type { Definition, DefinitionProblem } from '../core/ports/definition.js';
import type { CheckedText } from './check.js';
import { declaredTwice } from './load.js';

/** What the watcher knows of one file. */
export interface TrackedFile {
  readonly path: string;
  /** Stamp at the last look; undefined before the first. */
  seen: string | undefined;
  /** Monotonic milliseconds since when it bears that stamp. */
  seenAtMs: number;
  /** Since when it is gone. */
  goneAtMs?: number;
  /** The stamp whose content was checked. */
  checkedStamp?: string | undefined;
  checked?: CheckedText;
  /** Hash of the content that was last handed over. */
  handedOver: string | undefined;
  /** The service that this file was last handed over for. */
  service?: string;
}

export interface DeliveryPlan {
  readonly handOver: readonly { readonly file: TrackedFile; readonly definition: Definition }[];
  /** Of every checked file that is not handed over; an empty list where nothing is wrong. */
  readonly problems: readonly { readonly path: string; readonly problems: readonly DefinitionProblem[] }[];
}

/** The service that a file stands for: what it declares, or while it is broken what it declared. */
const serviceOf = (file: TrackedFile): string | undefined => file.checked?.definition?.spec.name ?? file.service;

function groupByService(files: readonly TrackedFile[]): ReadonlyMap<string, readonly TrackedFile[]> {
  const groups = new Map<string, TrackedFile[]>();
  for (const file of files) {
    const service = serviceOf(file);
    if (service === undefined) continue;
    const group = groups.get(service);
    if (group) group.push(file);
    else groups.set(service, [file]);
  }
  return groups;
}

/** Another file that has the better right to a service: the one that fed it before, or any where none did. */
function rivalOf(file: TrackedFile, group: readonly TrackedFile[]): TrackedFile | undefined {
  if (group.length < 2) return undefined;
  const service = serviceOf(file);
  const holder = group.find((each) => each.service === service);
  if (holder === file) return undefined;
  return holder ?? group.find((each) => each !== file);
}

/** Looks at all files at once, for two of them may declare one service. */
export function planDelivery(files: readonly TrackedFile[]): DeliveryPlan {
  for (const file of files) {
    const definition = file.checked?.definition;
    if (definition && definition.contentHash === file.handedOver) file.service = definition.spec.name;
  }
  const groups = groupByService(files);
  const handOver: { file: TrackedFile; definition: Definition }[] = [];
  const problems: { path: string; problems: readonly DefinitionProblem[] }[] = [];
  for (const file of files) {
    if (file.checked === undefined) continue;
    const { definition, locate } = file.checked;
    if (definition === undefined) {
      problems.push({ path: file.path, problems: file.checked.problems });
      continue;
    }
    const rival = rivalOf(file, groups.get(definition.spec.name) ?? []);
    if (rival) problems.push({ path: file.path, problems: [locate(declaredTwice(definition.spec.name, rival.path))] });
    else if (definition.contentHash === file.handedOver) problems.push({ path: file.path, problems: [] });
    else handOver.push({ file, definition });
  }
  return { handOver, problems };
}
