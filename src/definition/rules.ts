/**
 * Rules between the values of one file. They read whatever of the document has the right shape, so that
 * their problems are reported along with those of the schema and not only after these are gone.
 */
import { isValidName } from '../core/names.js';
import { findRuleProblems, type RuleProblem, type RuleSubject } from '../core/rules.js';
import { parseVolume, runtimes, type Runtime } from '../core/spec.js';
import { checkVm, concernsVms } from '../core/vm-rules.js';
import type { PlacedFault } from './fault.js';
import { nearest } from '../core/nearest.js';
import type { FieldPath } from './positions.js';
import { quote } from './show.js';

type Table = Readonly<Record<string, unknown>>;

const isTable = (value: unknown): value is Table =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Keeps the places of a list: what is no text becomes one that no rule looks at. */
const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.map((item: unknown) => textOf(item) ?? '') : [];

/** Faults of a document between its values. */
export function findRuleFaults(document: unknown): readonly PlacedFault[] {
  if (!isTable(document)) return [];
  const components: readonly unknown[] = Array.isArray(document['components']) ? document['components'] : [];
  const faults: PlacedFault[] = [];
  const service = textOf(document['name']) ?? '';
  const named = new Map<string, number>();
  const subjects: RuleSubject[] = [];
  for (const [index, component] of components.entries()) {
    if (!isTable(component)) continue;
    faults.push(...findComponentFaults(component, ['components', index]));
    const name = textOf(component['name']);
    if (name === undefined || !isValidName(name)) continue;
    const first = named.get(name);
    if (first !== undefined) {
      faults.push(duplicateNameFault(name, index, first));
      continue;
    }
    named.set(name, index);
    const dependsOn = textsOf(component['depends_on']).map((wanted) => (isValidName(wanted) ? wanted : ''));
    subjects.push({
      service: isValidName(service) ? service : '(unnamed)',
      spec: {
        name,
        runtime: runtimeOf(component),
        ports: textsOf(component['ports']),
        volumes: textsOf(component['volumes']),
        dependsOn,
      },
    });
  }
  for (const problem of findRuleProblems(subjects)) {
    const index = named.get(problem.key.component);
    if (index !== undefined && problem.other?.component !== '')
      faults.push(placeRuleProblem(problem, index, [...named.keys()]));
  }
  return faults;
}

function duplicateNameFault(name: string, index: number, first: number): PlacedFault {
  return {
    path: ['components', index, 'name'],
    at: 'value',
    message: `${quote(name)} is already the name of components[${first}]`,
    suggestion: 'rename one of the two',
  };
}

/** A problem of the common rules at its path of the document. */
export function placeRuleProblem(problem: RuleProblem, index: number, names: readonly string[]): PlacedFault {
  const path: FieldPath = ['components', index, ...stepsOf(problem.field)];
  const near =
    problem.rule === 'dependency-missing' && problem.other
      ? nearest(
          problem.other.component,
          names.filter((name) => name !== problem.key.component),
        )
      : undefined;
  const suggestion = near === undefined ? problem.suggestion : `did you mean ${quote(near)}?`;
  return { path, at: 'value', message: problem.message, suggestion };
}

function findComponentFaults(component: Table, path: FieldPath): readonly PlacedFault[] {
  return [
    ...findImageFaults(component, path),
    ...findVmFaults(component, path),
    ...findVolumeFaults(component, path),
    ...findDependencyFaults(component, path),
    ...findHealthFaults(component, path),
    ...findProtoFaults(component, path),
  ];
}

function findImageFaults(component: Table, path: FieldPath): readonly PlacedFault[] {
  if (component['image'] !== undefined || component['build'] !== undefined) return [];
  return [
    {
      path,
      at: 'value',
      message: 'the component has neither image nor build',
      suggestion:
        'name an image, for example image = "localhost/shop-web:1.4", or build one: build = { context = "." }',
    },
  ];
}

/** What the runtime cannot do, at its place of the document. */
function findVmFaults(component: Table, path: FieldPath): readonly PlacedFault[] {
  const image = textOf(component['image']) ?? null;
  if (!concernsVms(runtimeOf(component), image)) return [];
  const faults: PlacedFault[] = [];
  const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);
  checkVm(
    {
      runtime: runtimeOf(component),
      image,
      memoryMb: number(component['memory_mb']),
      vcpus: number(component['vcpus']),
      ports: textsOf(component['ports']),
      volumes: textsOf(component['volumes']),
      given: new Set(Object.keys(component).filter((key) => saysSomething(key, component[key]))),
    },
    (field, message, suggestion) => {
      faults.push({ path: [...path, ...stepsOf(field)], at: 'value', message, suggestion });
    },
  );
  return faults;
}

const runtimeOf = (component: Table): Runtime =>
  runtimes.find((candidate) => candidate === component['runtime']) ?? 'container';

/** An empty list or table is as good as none, but for `command`, where it means no arguments. */
const saysSomething = (key: string, value: unknown): boolean =>
  key === 'command' || value === null || typeof value !== 'object' || Object.keys(value).length > 0;

/** `ports[1]` as steps of a path. */
function stepsOf(field: string): FieldPath {
  const [, key = '', item] = /^(\w+)(?:\[(\d+)\])?$/.exec(field) ?? [];
  return [key, ...(item === undefined ? [] : [Number(item)])];
}

function findVolumeFaults(component: Table, path: FieldPath): readonly PlacedFault[] {
  const faults: PlacedFault[] = [];
  const targets = new Map<string, number>();
  for (const [index, text] of textsOf(component['volumes']).entries()) {
    const target = parseVolume(text)?.target;
    if (target === undefined) continue;
    const first = targets.get(target);
    if (first === undefined) targets.set(target, index);
    else {
      faults.push({
        path: [...path, 'volumes', index],
        at: 'value',
        message: `volumes[${first}] is mounted at ${quote(target)} already`,
        suggestion: 'give one of them another path inside',
      });
    }
  }
  return faults;
}

function findDependencyFaults(component: Table, path: FieldPath): readonly PlacedFault[] {
  const names = textsOf(component['depends_on']);
  return names.flatMap((name, index): readonly PlacedFault[] => {
    if (name === '' || names.indexOf(name) === index) return [];
    return [
      {
        path: [...path, 'depends_on', index],
        at: 'value',
        message: `${quote(name)} is named twice`,
        suggestion: 'name it once',
      },
    ];
  });
}

function findHealthFaults(component: Table, path: FieldPath): readonly PlacedFault[] {
  const health = component['health'];
  if (!isTable(health)) return [];
  const kinds = ['http', 'tcp', 'log'].filter((kind) => health[kind] !== undefined);
  const healthPath = [...path, 'health'];
  const right = 'choose one, for example http = "/healthz"';
  if (kinds.length === 0) {
    return [{ path: healthPath, at: 'value', message: 'health names none of http, tcp and log', suggestion: right }];
  }
  if (kinds.length > 1) {
    const message = `health names ${kinds.join(' and ')}, but a component has one probe`;
    return [{ path: [...healthPath, kinds[1] ?? ''], at: 'key', message, suggestion: right }];
  }
  if (kinds[0] === 'log' || health['port'] !== undefined) return [];
  const message = `health probes by ${kinds[0]} but has no port`;
  return [{ path: healthPath, at: 'value', message, suggestion: 'name the port inside, for example port = 8080' }];
}

/** The one key that a JavaScript object cannot safely hold. */
function findProtoFaults(component: Table, path: FieldPath): readonly PlacedFault[] {
  const build = component['build'];
  const maps: readonly (readonly [FieldPath, unknown])[] = [
    [[...path, 'env'], component['env']],
    [[...path, 'build', 'args'], isTable(build) ? build['args'] : undefined],
  ];
  return maps.flatMap(([mapPath, map]): readonly PlacedFault[] => {
    if (!isTable(map) || !Object.hasOwn(map, '__proto__')) return [];
    return [
      {
        path: [...mapPath, '__proto__'],
        at: 'key',
        message: '__proto__ is a name that Berth refuses',
        suggestion: 'choose another name',
      },
    ];
  });
}
