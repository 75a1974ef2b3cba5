/**
 * The rules across components, kept up to date by parts: an edit is checked against those it can clash
 * with, however many others there are.
 */
import { canonicalJson } from '../core/hash.js';
import { formatKey, type ComponentKey } from '../core/names.js';
import { findRuleProblems, type RuleProblem, type RuleSubject } from '../core/rules.js';
import { parsePort } from '../core/spec.js';

/** Subjects that share something: a host port, or a service. */
interface Scope {
  readonly members: Map<string, RuleSubject>;
  /** undefined: to be found anew. */
  problems: readonly RuleProblem[] | undefined;
}

const serviceScope = (service: string): string => `service ${service}`;

function portsByHostPort(subject: RuleSubject): ReadonlyMap<number, readonly string[]> {
  const byPort = new Map<number, string[]>();
  for (const text of subject.spec.ports) {
    const port = parsePort(text)?.hostPort;
    if (port !== undefined) byPort.set(port, [...(byPort.get(port) ?? []), text]);
  }
  return byPort;
}

/** The subject as each of its scopes needs it: with that port alone, or with its volumes and dependencies. */
function partsOf(subject: RuleSubject): ReadonlyMap<string, RuleSubject> {
  const parts = new Map<string, RuleSubject>();
  const { name, runtime, volumes, dependsOn } = subject.spec;
  parts.set(serviceScope(subject.service), { ...subject, spec: { name, runtime, ports: [], volumes, dependsOn } });
  for (const [port, ports] of portsByHostPort(subject)) {
    parts.set(`port ${port}`, { ...subject, spec: { name, runtime, ports, volumes: [], dependsOn: [] } });
  }
  return parts;
}

const whatRulesRead = ({ spec }: RuleSubject): string =>
  canonicalJson([spec.runtime, spec.ports, spec.volumes, spec.dependsOn]);

function sameForRules(a: RuleSubject, b: RuleSubject): boolean {
  return a.deleting === b.deleting && whatRulesRead(a) === whatRulesRead(b);
}

export class RuleIndex {
  readonly #scopes = new Map<string, Scope>();
  readonly #scopesOf = new Map<string, readonly string[]>();
  readonly #subjects = new Map<string, RuleSubject>();
  readonly #dirty = new Set<string>();

  /** Adds or replaces a component. */
  set(subject: RuleSubject): void {
    const key = formatKey({ service: subject.service, component: subject.spec.name });
    const parts = partsOf(subject);
    if (this.#keepsPeace(key, subject, parts)) return;
    this.#detach(key);
    for (const [name, part] of parts) {
      const scope = this.#scopes.get(name) ?? { members: new Map<string, RuleSubject>(), problems: undefined };
      this.#scopes.set(name, scope);
      scope.members.set(key, part);
      this.#changed(name, scope);
    }
    this.#scopesOf.set(key, [...parts.keys()]);
    this.#subjects.set(key, subject);
  }

  /** Takes a component out. */
  delete(key: ComponentKey): void {
    this.#detach(formatKey(key));
  }

  /** The keys (`service/component`) whose problems may have changed since this was last asked. */
  takeAffected(): ReadonlySet<string> {
    const affected = new Set<string>();
    for (const name of this.#dirty) for (const key of this.#scopes.get(name)?.members.keys() ?? []) affected.add(key);
    this.#dirty.clear();
    return affected;
  }

  /** The problems of which the component is one side, whether at fault or not. */
  involving(key: ComponentKey): readonly RuleProblem[] {
    const text = formatKey(key);
    return (this.#scopesOf.get(text) ?? [])
      .flatMap((name) => this.#problemsOf(name))
      .filter(({ key: culprit, other }) => formatKey(culprit) === text || (other && formatKey(other) === text));
  }

  /** The first problem the component is at fault for. */
  faultOf(key: ComponentKey): RuleProblem | undefined {
    const text = formatKey(key);
    for (const name of this.#scopesOf.get(text) ?? []) {
      const fault = this.#problemsOf(name).find((problem) => formatKey(problem.key) === text);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  /** The problems of dependencies and volumes within one service. */
  ofService(service: string): readonly RuleProblem[] {
    return this.#problemsOf(serviceScope(service));
  }

  clear(): void {
    this.#scopes.clear();
    this.#scopesOf.clear();
    this.#subjects.clear();
    this.#dirty.clear();
  }

  #problemsOf(name: string): readonly RuleProblem[] {
    const scope = this.#scopes.get(name);
    if (scope === undefined) return [];
    scope.problems ??= scope.members.size === 0 ? [] : findRuleProblems([...scope.members.values()]);
    return scope.problems;
  }

  /**
   * Most edits touch none of ports, volumes and dependencies: where nothing clashed nothing does now. Its new
   * generation is noted, for it decides who is at fault when something clashes one day.
   */
  #keepsPeace(key: string, subject: RuleSubject, parts: ReadonlyMap<string, RuleSubject>): boolean {
    const known = this.#subjects.get(key);
    if (known === undefined || !sameForRules(known, subject)) return false;
    for (const name of parts.keys()) if (this.#scopes.get(name)?.problems?.length !== 0) return false;
    for (const [name, part] of parts) this.#scopes.get(name)?.members.set(key, part);
    this.#subjects.set(key, subject);
    return true;
  }

  #changed(name: string, scope: Scope): void {
    scope.problems = undefined;
    this.#dirty.add(name);
  }

  #detach(key: string): void {
    for (const name of this.#scopesOf.get(key) ?? []) {
      const scope = this.#scopes.get(name);
      if (scope === undefined) continue;
      scope.members.delete(key);
      if (scope.members.size === 0) this.#scopes.delete(name);
      this.#changed(name, scope);
    }
    this.#scopesOf.delete(key);
    this.#subjects.delete(key);
  }
}
