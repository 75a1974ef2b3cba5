/** `berth edit` */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BerthClient, ExportResult, PlanResult, ReplaceOptions } from '../../api/client.js';
import { BerthError, isBerthError } from '../../core/errors.js';
import { showingConflict } from '../conflicts.js';
import { editorArgv } from '../editor.js';
import type { CommandRun, Invocation } from '../invocation.js';
import { printError } from '../output/errors.js';
import { formatPlan } from '../output/plan-text.js';

/** Opens a service in the editor, shows what the edit would do, and carries it out. */
export const run: CommandRun = async (invocation) => {
  const service = invocation.arg(0);
  const argv = editorArgv(invocation.deps.env);
  const client = await invocation.connect();
  const exported = await client.export(service);
  const folder = await mkdtemp(join(invocation.deps.env['TMPDIR'] ?? tmpdir(), 'berth-edit-'));
  const file = join(folder, `${service}.toml`);
  await writeFile(file, exported.text, { mode: 0o600 });
  let keep = true;
  try {
    const exit = await editAndApply(invocation, { client, exported, argv, file, service });
    keep = false;
    return exit;
  } finally {
    if (keep) invocation.remark(`your text is kept in ${file}`);
    else await rm(folder, { recursive: true, force: true });
  }
};

interface Edit {
  readonly client: BerthClient;
  readonly exported: ExportResult;
  readonly argv: readonly string[];
  readonly file: string;
  readonly service: string;
}

async function editAndApply(invocation: Invocation, edit: Edit): Promise<number> {
  const { client, exported, service } = edit;
  const edited = await editUntilValid(invocation, edit);
  if (edited === null) {
    invocation.print('nothing was edited');
    return 0;
  }
  const { planned, request } = edited;
  invocation.print(formatPlan(planned.plan, invocation.styles));
  if (!planned.plan.differs) return 0;
  if (invocation.deps.stdio.ask !== undefined && !(await invocation.confirm(`Change service ${service} so?`))) {
    invocation.print('nothing was changed');
    return 0;
  }
  const result = await showingConflict(invocation, () =>
    client.replace({ ...request, base: exported.base, ...invocation.note }),
  );
  invocation.print(`changed at revision ${result.revision}`);
  return 0;
}

/** Opens the editor again for as long as the text is wrong and somebody wants to go on; null: the text is as it was. */
async function editUntilValid(
  invocation: Invocation,
  { client, exported, argv, file, service }: Edit,
): Promise<{ readonly planned: PlanResult; readonly request: ReplaceOptions } | null> {
  const { deps } = invocation;
  for (;;) {
    const exit = await deps.runEditor([...argv, file]);
    if (exit !== 0) throw new BerthError('E_EDITOR', `${argv[0] ?? 'the editor'} ended with exit code ${exit}`);
    const text = await readFile(file, 'utf8');
    if (text === exported.text) return null;
    const request = { text, path: file, service, base: exported.base, force: false };
    try {
      return { planned: await client.planReplace(request), request };
    } catch (error) {
      const { ask } = deps.stdio;
      if (!isBerthError(error, 'E_DEFINITION') || ask === undefined) throw error;
      printError(error, deps, false);
      if (/^n/i.test((await ask('Edit it again? [Y/n] ')).trim())) throw error;
    }
  }
}
