/**
 * Rules that no single column can express: what two components may not share, and what one row may not
 * hold though its column's type allows it. Checked when a definition is read, when the registry is
 * written, and when it is loaded, for anybody can edit a row by SQL. Pure.
 */
import type { ErrorCode } from './errors.js';
import { formatKey, workloadName, type ComponentKey } from './names.js';
import {
  isCleanAbsolutePath,
  isVm,
  limits,
  parsePort,
  parseVolume,
  portsCollide,
  type ComponentSpec,
  type PortMapping,
} from './spec.js';
import { canShareVolume, checkVm, concernsVms, vmSubject, type Report } from './vm-rules.js';

/** What the rules need to know of a component. */
export interface RuleSubject {
  readonly service: string;
  readonly spec: Pick<ComponentSpec, 'name' | 'runtime' | 'ports' | 'volumes' | 'dependsOn'>;
  /** Of two that clash the later generation is at fault; absent: the later in the list. */
  readonly generation?: number;
  /** A component that is being deleted holds its workload name, and nothing else. */
  readonly deleting?: boolean;
}

export interface RuleProblem {
  readonly rule: 'value' | 'workload-name' | 'port' | 'volume' | 'dependency-missing' | 'dependency-cycle';
  /** The error that a refused write carries. */
  readonly code: ErrorCode;
  /** The component at fault. */
  readonly key: ComponentKey;
  /** The other one of a clash. */
  readonly other: ComponentKey | null;
  /** Within the component: `name`, `ports[0]`, `depends_on[1]` … */
  readonly field: string;
  /** One sentence. */
  readonly message: string;
  /** What would be right. */
  readonly suggestion: string;
}

const subjectKey = (subject: RuleSubject): ComponentKey => ({ service: subject.service, component: subject.spec.name });

/** Earlier generations first; the order of the list decides between equals (what is not written yet counts as new). */
function byAge(subjects: readonly RuleSubject[]): readonly RuleSubject[] {
  const age = (subject: RuleSubject): number => subject.generation ?? Number.MAX_SAFE_INTEGER;
  return [...subjects].sort((a, b) => age(a) - age(b));
}

function findNameProblems(subjects: readonly RuleSubject[]): readonly RuleProblem[] {
  const holders = new Map<string, ComponentKey>();
  const problems: RuleProblem[] = [];
  for (const subject of subjects) {
    const key = subjectKey(subject);
    const workload = workloadName(key.service, key.component);
    const holder = holders.get(workload);
    if (holder === undefined) holders.set(workload, key);
    else problems.push(nameProblem(key, holder, workload));
  }
  return problems;
}

function nameProblem(key: ComponentKey, holder: ComponentKey, workload: string): RuleProblem {
  const same = formatKey(key) === formatKey(holder);
  return {
    rule: 'workload-name',
    code: 'E_NAME_COLLISION',
    key,
    other: holder,
    field: 'name',
    message: same
      ? `${formatKey(key)} is declared twice`
      : `the workload of ${formatKey(key)} would be named "${workload}", which is the name of ${formatKey(holder)}'s`,
    suggestion: 'rename one of the two',
  };
}

interface PublishedPort {
  readonly key: ComponentKey;
  readonly text: string;
  readonly mapping: PortMapping;
}

function findPortProblems(subjects: readonly RuleSubject[]): readonly RuleProblem[] {
  const byHostPort = new Map<number, PublishedPort[]>();
  const problems: RuleProblem[] = [];
  for (const subject of subjects) {
    if (subject.deleting === true) continue;
    const key = subjectKey(subject);
    for (const [index, text] of subject.spec.ports.entries()) {
      const mapping = parsePort(text);
      if (mapping === undefined) continue;
      const bucket = byHostPort.get(mapping.hostPort) ?? [];
      byHostPort.set(mapping.hostPort, bucket);
      const holder = bucket.find((other) => portsCollide(other.mapping, mapping));
      if (holder === undefined) bucket.push({ key, text, mapping });
      else problems.push(portProblem(key, index, mapping, holder));
    }
  }
  return problems;
}

function portProblem(key: ComponentKey, index: number, mapping: PortMapping, holder: PublishedPort): RuleProblem {
  const same = formatKey(key) === formatKey(holder.key);
  const port = `host port ${mapping.hostPort}/${mapping.protocol}`;
  return {
    rule: 'port',
    code: 'E_PORT_COLLISION',
    key,
    other: holder.key,
    field: `ports[${index}]`,
    message: same
      ? `${formatKey(key)} publishes ${port} twice`
      : `${formatKey(key)} publishes ${port}, which ${formatKey(holder.key)} publishes already ("${holder.text}")`,
    suggestion: 'give one of them another host port',
  };
}

/** The components of each service, without those that are being deleted. */
function byService(subjects: readonly RuleSubject[]): readonly (readonly RuleSubject[])[] {
  const services = new Map<string, RuleSubject[]>();
  for (const subject of subjects) {
    if (subject.deleting === true) continue;
    const members = services.get(subject.service) ?? [];
    services.set(subject.service, members);
    members.push(subject);
  }
  return [...services.values()];
}

function findServiceProblems(subjects: readonly RuleSubject[]): readonly RuleProblem[] {
  return byService(subjects).flatMap((members) => [
    ...findVolumeProblems(members),
    ...findMissing(members),
    ...findCycles(members),
  ]);
}

/** A volume of a virtual machine is a disk, and a disk has one user. */
function findVolumeProblems(members: readonly RuleSubject[]): readonly RuleProblem[] {
  const users = new Map<string, RuleSubject[]>();
  const problems: RuleProblem[] = [];
  if (!members.some((member) => isVm(member.spec.runtime))) return problems;
  for (const member of members) {
    for (const [index, text] of member.spec.volumes.entries()) {
      const mount = parseVolume(text);
      if (mount?.kind !== 'named') continue;
      const others = users.get(mount.source) ?? [];
      users.set(mount.source, others);
      if (others.includes(member)) continue;
      const other = others.find((user) => !canShareVolume(user.spec.runtime, member.spec.runtime));
      if (other !== undefined) problems.push(volumeProblem(member, index, mount.source, other));
      others.push(member);
    }
  }
  return problems;
}

function volumeProblem(member: RuleSubject, index: number, volume: string, other: RuleSubject): RuleProblem {
  const machine = isVm(member.spec.runtime) ? member : other;
  const key = subjectKey(member);
  return {
    rule: 'volume',
    code: 'E_DEFINITION',
    key,
    other: subjectKey(other),
    field: `volumes[${index}]`,
    message: `${formatKey(key)} mounts the volume "${volume}", which ${formatKey(subjectKey(other))} mounts already; a volume of a ${machine.spec.runtime} is a disk, and a disk has one user`,
    suggestion: 'give it a volume of its own, or run both as containers',
  };
}

function findMissing(members: readonly RuleSubject[]): readonly RuleProblem[] {
  const names = new Set(members.map((member) => member.spec.name));
  return members.flatMap((member) =>
    member.spec.dependsOn.flatMap((name, index): RuleProblem[] => {
      if (names.has(name)) return [];
      const key = subjectKey(member);
      const other = { service: member.service, component: name };
      const known = [...names].filter((candidate) => candidate !== member.spec.name).sort();
      return [
        {
          rule: 'dependency-missing',
          code: 'E_DEFINITION',
          key,
          other,
          field: `depends_on[${index}]`,
          message: `${formatKey(key)} depends on "${name}", and service "${member.service}" has no such component`,
          suggestion: known.length > 0 ? `name one of: ${known.join(', ')}` : 'remove it from depends_on',
        },
      ];
    }),
  );
}

/** Walks in order of age, so that the edge that closes a cycle belongs to its youngest member where possible. */
function findCycles(members: readonly RuleSubject[]): readonly RuleProblem[] {
  const byName = new Map(members.map((member) => [member.spec.name, member]));
  const placed = new Map<string, RuleSubject>();
  const problems: RuleProblem[] = [];
  for (const member of members) {
    placed.set(member.spec.name, member);
    if (member.spec.dependsOn.length === 0) continue;
    const path = findPathTo(member.spec.name, member, placed);
    if (path === undefined) continue;
    const key = subjectKey(member);
    const next = path[1] ?? member.spec.name;
    problems.push({
      rule: 'dependency-cycle',
      code: 'E_DEFINITION',
      key,
      other: { service: member.service, component: next },
      field: `depends_on[${byName.get(member.spec.name)?.spec.dependsOn.indexOf(next) ?? 0}]`,
      message: `the components depend on each other in a circle: ${path.join(' → ')}`,
      suggestion: 'remove one of these dependencies',
    });
    // Its edges are out of the graph now: one problem a circle, not one for everybody on it.
    placed.delete(member.spec.name);
  }
  return problems;
}

/** The names from `start` back to `target` along dependencies among `placed`; undefined when there is no way. */
function findPathTo(
  target: string,
  start: RuleSubject,
  placed: ReadonlyMap<string, RuleSubject>,
): readonly string[] | undefined {
  const seen = new Set<string>();
  const stack: { readonly subject: RuleSubject; readonly path: readonly string[] }[] = [
    { subject: start, path: [start.spec.name] },
  ];
  for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
    for (const name of step.subject.spec.dependsOn) {
      if (name === target) return [...step.path, name];
      const next = placed.get(name);
      if (next === undefined || seen.has(name)) continue;
      seen.add(name);
      stack.push({ subject: next, path: [...step.path, name] });
    }
  }
  return undefined;
}

/**
 * Every breach of a rule across components: one workload name twice, one host port twice, a volume of a
 * virtual machine that another component mounts, a dependency that is missing or goes round in a circle. Give it all components of the home, for ports and names
 * know no services. At fault is the later one, so that what ran before is left alone.
 */
export function findRuleProblems(subjects: readonly RuleSubject[]): readonly RuleProblem[] {
  const ordered = byAge(subjects);
  return [...findNameProblems(ordered), ...findPortProblems(ordered), ...findServiceProblems(ordered)];
}

function checkPorts(ports: readonly string[], report: Report): void {
  for (const [index, text] of ports.entries()) {
    if (parsePort(text) !== undefined) continue;
    const right = 'write [host-ip:]host-port:port[/udp], ports from 1 to 65535';
    report(`ports[${index}]`, `"${text}" is no port mapping`, right);
  }
}

const volumeForm =
  'write name:/path[:options] or /host/path:/path[:ro], without .. in it; options are ro, rw and, for a name, size_mb=N';

function checkVolumes(volumes: readonly string[], report: Report): void {
  const targets = new Set<string>();
  for (const [index, text] of volumes.entries()) {
    const field = `volumes[${index}]`;
    const target = parseVolume(text)?.target;
    if (target === undefined) {
      report(field, `"${text}" is no volume`, volumeForm);
    } else if (targets.has(target)) {
      report(field, `two volumes are mounted at "${target}"`, 'give one of them another path');
    } else targets.add(target);
  }
}

const envNamePattern = /^[^=\0]+$/;

function checkEnv(env: Readonly<Record<string, string>>, report: Report): void {
  for (const [name, value] of Object.entries(env)) {
    if (!envNamePattern.test(name)) report('env', `"${name}" is no name of a variable`, 'use a name without "=" in it');
    if (value.includes('\0')) report(`env.${name}`, `the value of ${name} has a zero byte in it`, 'remove it');
    if (value.length > limits.textLength) {
      report(`env.${name}`, `the value of ${name} is too long`, `use at most ${limits.textLength} characters`);
    }
  }
}

function checkPaths(field: string, paths: readonly string[], report: Report): void {
  for (const [index, path] of paths.entries()) {
    if (!path.startsWith('/'))
      report(`${field}[${index}]`, `"${path}" is no absolute path`, 'write the whole path, from /');
  }
}

function checkInsidePaths(paths: readonly string[], report: Report): void {
  for (const [index, path] of paths.entries()) {
    if (isCleanAbsolutePath(path)) continue;
    const right = 'write the whole path inside the image, from /, without "." and ".."';
    report(`files[${index}]`, `"${path}" is no path of an image`, right);
  }
}

/**
 * What one component's own values break, though their types are right: ports and volumes that cannot be
 * read, two volumes at one place, environment names that no program could see, relative paths, and what
 * its runtime cannot do.
 */
export function findValueProblems(service: string, spec: ComponentSpec): readonly RuleProblem[] {
  const key = { service, component: spec.name };
  const problems: RuleProblem[] = [];
  const report: Report = (field, message, suggestion) => {
    problems.push({ rule: 'value', code: 'E_DEFINITION', key, other: null, field, message, suggestion });
  };
  checkPorts(spec.ports, report);
  checkVolumes(spec.volumes, report);
  checkEnv(spec.env, report);
  checkPaths('env_file', spec.envFile, report);
  checkPaths('secret_file', spec.secretFile, report);
  checkInsidePaths(spec.files, report);
  if (concernsVms(spec.runtime, spec.image)) checkVm(vmSubject(spec), report);
  return problems;
}
