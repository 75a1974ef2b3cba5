/** Feeds a watched folder of definitions into the registry. Nothing is ever removed because a file is gone. */
import { messageOf } from '../core/errors.js';
import type { NewEvent } from '../core/event.js';
import { planApply } from '../core/plan-apply.js';
import type { Definition, DefinitionProblem } from '../core/ports/definition.js';
import type { Log } from '../core/ports/log.js';
import type { Registry } from '../core/ports/registry.js';

/** What the watcher of a folder is told to do with what it finds. */
export interface DefinitionFeed {
  /** Hashes of contents that fed the registry in an earlier life, by absolute path. */
  readonly known: ReadonlyMap<string, string>;
  readonly onChange: (definition: Definition) => Promise<void>;
  readonly onProblem: (path: string, problems: readonly DefinitionProblem[]) => void;
  readonly onRemoved: (path: string) => void;
}

/** The hands of a folder watcher. */
export async function definitionFeed(registry: Registry, log: Log): Promise<DefinitionFeed> {
  return {
    known: new Map((await registry.sources()).map((source) => [source.path, source.contentHash])),
    onChange: (definition) => takeDefinition(registry, log, definition),
    onProblem: (path, problems) => {
      const words = problems.map(describeProblem);
      if (words.length === 0) log.info({ path }, 'the definition is right again');
      else {
        log.warn({ path, problems: words }, 'the definition has problems and changes nothing');
        void report(registry, log, path, null, `changes nothing: ${words.join('; ')}`);
      }
    },
    onRemoved: (path) => {
      log.warn({ path }, 'the definition is gone; what it declared stays until it is deleted');
    },
  };
}

/** Takes one changed file in. A conflict is reported and changes nothing. */
async function takeDefinition(registry: Registry, log: Log, definition: Definition): Promise<void> {
  const { path, spec } = definition;
  const plan = planApply({
    definitions: [definition],
    records: { services: await registry.services(), components: await registry.components() },
    sources: await registry.sources(),
    prune: false,
    force: false,
    scope: { explicit: false, folder: null, files: [path] },
  });
  const refusal = plan.conflicts[0]?.message ?? plan.breaches[0]?.message ?? plan.problems[0]?.message;
  if (refusal !== undefined) {
    log.warn({ path, service: spec.name }, refusal);
    await report(registry, log, path, spec.name, `was not applied: ${refusal}. See: berth plan -f ${path}`);
    return;
  }
  if (plan.changes.length === 0) return;
  await registry.change(plan.changes, contextOf(path));
  log.info({ path, service: spec.name }, 'the definition is applied');
}

async function report(registry: Registry, log: Log, path: string, service: string | null, what: string): Promise<void> {
  const event: NewEvent = {
    service,
    component: null,
    severity: 'warning',
    reason: 'DefinitionRefused',
    message: `${path} ${what}`,
  };
  try {
    await registry.addEvents([event], contextOf(path));
  } catch (error) {
    log.warn({ path, err: messageOf(error) }, 'the problem cannot be kept as an event');
  }
}

function contextOf(path: string) {
  return { actor: `watch:${path}`, request: null, message: null };
}

function describeProblem(problem: DefinitionProblem): string {
  return `line ${problem.line}, column ${problem.column}: ${problem.message}`;
}
