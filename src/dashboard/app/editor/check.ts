/** What a text would change, asked for as it is typed. */
import { useEffect, useState } from 'preact/hooks';
import type { PlanResult } from '../../../api/client.js';
import type { ServiceBase } from '../../../core/plan-replace.js';
import type { DefinitionProblem } from '../../../core/ports/definition.js';
import { Refusal, type Api } from '../api.js';
import { useScene } from '../scene.js';
import { useRested } from '../use.js';

export interface Checked {
  /** Of which text this is said. */
  readonly text: string;
  /** The service that it declares; null: not known. */
  readonly service: string | null;
  readonly problems: readonly DefinitionProblem[];
  readonly plan: PlanResult | null;
  /** What else went wrong. */
  readonly error: Error | null;
}

export interface Draft {
  /** null: a new one. */
  readonly service: string | null;
  readonly text: string;
  readonly base: ServiceBase | null;
  readonly force: boolean;
}

const restMs = 200;

/** `round` asks again without a change of the text. */
export function useCheck(draft: Draft, round: number): Checked | null {
  const { api } = useScene();
  const text = useRested(draft.text, restMs);
  const [checked, setChecked] = useState<Checked | null>(null);
  useEffect(() => {
    const control = new AbortController();
    check(api, { ...draft, text }, control.signal).then(
      (result) => {
        if (!control.signal.aborted) setChecked(result);
      },
      () => undefined, // It was overtaken.
    );
    return () => {
      control.abort();
    };
  }, [draft.service, text, draft.base, draft.force, round]);
  return checked;
}

async function check(api: Api, draft: Draft, signal: AbortSignal): Promise<Checked> {
  const { text, base, force } = draft;
  const said = { text, service: draft.service, problems: [], plan: null, error: null };
  try {
    const service = draft.service ?? (await nameIn(api, text, signal));
    return { ...said, service, plan: await api.plan(service, { text, base, force }, signal) };
  } catch (error) {
    if (signal.aborted) throw error;
    const problems = problemsOf(error);
    if (problems.length > 0) return { ...said, problems };
    return { ...said, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** The service that a text declares; throws what is wrong with it. */
async function nameIn(api: Api, text: string, signal: AbortSignal): Promise<string> {
  const { problems, spec } = await api.parse(text, 'new.toml', signal);
  if (spec !== null) return spec.name;
  throw new Refusal(422, { code: 'E_DEFINITION', detail: 'the definition has errors', details: { problems } });
}

/** What a refusal says of single lines. */
export function problemsOf(error: unknown): readonly DefinitionProblem[] {
  const problems = error instanceof Refusal ? error.details['problems'] : undefined;
  return Array.isArray(problems) ? (problems as readonly DefinitionProblem[]) : [];
}
