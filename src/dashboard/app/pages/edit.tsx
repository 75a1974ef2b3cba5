/** The definition of a service, with the plan beside it as one types. */
import { useMemo, useRef, useState } from 'preact/hooks';
import type { ServiceBase } from '../../../core/plan-replace.js';
import type { Schema } from '../../model/completion.js';
import { linkTo } from '../../model/routes.js';
import { beginWriting, draftOf, taken, typed, type Writing } from '../../model/writing.js';
import { Refusal, type ServiceText } from '../api.js';
import { ApplyBar } from '../editor/apply-bar.js';
import { problemsOf, useCheck, type Checked } from '../editor/check.js';
import { CodeField, type Place } from '../editor/code-field.js';
import { DeleteService } from '../editor/delete-service.js';
import { MeanwhileNotice } from '../editor/meanwhile.js';
import { PlanPanel } from '../editor/plan-panel.js';
import { useAction } from '../parts/action.js';
import { Problem } from '../parts.js';
import { goTo } from '../route.js';
import { useScene } from '../scene.js';
import { useCell, useLoaded } from '../use.js';

const template = `name = "shop"

[[components]]
name = "web"
runtime = "container"
image = "localhost/shop-web:1"
ports = ["127.0.0.1:8090:8080"]
memory_mb = 64
`;

export function EditPage({ service }: { readonly service: string | null }) {
  const { api } = useScene();
  const { value, error, reload } = useLoaded(
    (signal) => (service === null ? Promise.resolve(null) : api.service(service, signal)),
    [service],
  );
  if (service === null) return <Editing service={null} found={null} onReload={reload} />;
  if (value === null) {
    return (
      <>
        <h1>{service}</h1>
        {error === null ? <p class="soft">Reading the definition…</p> : <Problem error={error} />}
      </>
    );
  }
  return <Editing service={service} found={value} onReload={reload} />;
}

interface EditingProps {
  readonly service: string | null;
  readonly found: ServiceText | null;
  readonly onReload: () => void;
}

/** What is being written. What nobody applied yet is kept when the page is left. */
function useWriting(service: string | null, found: ServiceText | null) {
  const { drafts } = useScene();
  const id = useRef(service ?? '');
  const [writing, setWriting] = useState<Writing>(() =>
    beginWriting(drafts.get(id.current), found ?? { text: template, base: null }),
  );
  const change = (next: (old: Writing) => Writing): void => {
    setWriting((old) => {
      const writing = next(old);
      const draft = draftOf(writing);
      if (draft === null) drafts.delete(id.current);
      else drafts.set(id.current, draft);
      return writing;
    });
  };
  return {
    writing,
    type: (text: string): void => {
      change((old) => typed(old, text));
    },
    /** `sent`: the text that made it so; null: what was typed is given up. */
    take: (theirs: ServiceText, sent: string | null): void => {
      drafts.delete(id.current);
      id.current = theirs.service;
      change((old) => taken(old, theirs, sent));
    },
  };
}

function Editing({ service, found, onReload }: EditingProps) {
  const { api } = useScene();
  const { writing, type, take } = useWriting(service, found);
  const [force, setForce] = useState(false);
  const [message, setMessage] = useState('');
  const [place, setPlace] = useState<Place | null>(null);
  const [round, setRound] = useState(0);
  const { value: schema } = useLoaded((signal) => api.schema(signal), []);
  const { text, base, given, clean } = writing;
  const checked = useCheck({ service, text, base, force }, round);
  const problems = useMemo(() => checked?.problems ?? [], [checked]);
  const other = useTaken(service, checked);
  const again = (): void => {
    setRound((count) => count + 1);
  };
  const takeTheirs = async (name: string, sent: string | null): Promise<void> => {
    take(await api.service(name), sent);
    setForce(false);
    onReload();
  };
  const isTaken = other !== null;
  const { save, isBusy } = useSave({ service, checked, force, message, base, text, again, takeTheirs, isTaken });
  return (
    <>
      <div class="page-head">
        <h1>{service ?? 'New service'}</h1>
        {service === null ? null : <DeleteService service={service} />}
      </div>
      {service === null ? null : (
        <MeanwhileNotice service={service} base={base} onAgain={again} onTake={() => void takeTheirs(service, null)} />
      )}
      {service === null || clean !== null ? null : (
        <OldNotice service={service} onTake={() => void takeTheirs(service, null)} />
      )}
      {other === null ? null : <TakenNotice service={other} />}
      <div class="editor block">
        <section class="editor-text" aria-label="Definition">
          <CodeField
            given={given}
            problems={problems}
            schema={schema as Schema | null}
            place={place}
            onChange={type}
            onSave={save}
          />
        </section>
        <section class="editor-plan" aria-labelledby="plan">
          <PlanPanel checked={checked} isCurrent={checked?.text === text} onPlace={setPlace} />
        </section>
      </div>
      <ApplyBar
        checked={checked}
        isCurrent={checked?.text === text && !isBusy && !isTaken}
        force={force}
        message={message}
        onForce={setForce}
        onMessage={setMessage}
        onApply={save}
      />
    </>
  );
}

/** The service of that name that there is already; null: the name is free, or an edit is meant. */
function useTaken(service: string | null, checked: Checked | null): string | null {
  const nodes = useCell(useScene().nodes);
  const name = checked?.service ?? null;
  return service === null && name !== null && nodes.has(name) ? name : null;
}

interface OldProps {
  readonly service: string;
  readonly onTake: () => void;
}

function OldNotice({ service, onTake }: OldProps) {
  return (
    <div class="notice" role="status">
      <span>
        This was written before <strong>{service}</strong> was changed. The plan shows what you would undo.
      </span>
      <button type="button" onClick={onTake}>
        Take theirs
      </button>
    </div>
  );
}

function TakenNotice({ service }: { readonly service: string }) {
  return (
    <div class="notice" role="status">
      <span>There is a service {service} already. Give the new one another name.</span>
      <a class="button" href={linkTo({ page: 'edit', service })}>
        Edit {service}
      </a>
    </div>
  );
}

interface SaveArguments {
  readonly service: string | null;
  readonly checked: Checked | null;
  readonly text: string;
  readonly base: ServiceBase | null;
  readonly force: boolean;
  readonly message: string;
  readonly again: () => void;
  readonly takeTheirs: (service: string, sent: string) => Promise<void>;
  readonly isTaken: boolean;
}

/** Applies what was written. A conflict shows itself in the plan, which is then asked for again. */
function useSave(options: SaveArguments) {
  const { service, checked, text, base, force, message, again, takeTheirs, isTaken } = options;
  const { api } = useScene();
  const { run, isBusy } = useAction();
  const save = (): void => {
    const name = checked?.service ?? service;
    if (name === null || checked?.text !== text || isTaken) return;
    const apply = async (): Promise<void> => {
      try {
        await api.save(name, { text, base, force, message });
      } catch (error) {
        const isConflict = error instanceof Refusal && (error.status === 409 || error.status === 412);
        if (isConflict || problemsOf(error).length > 0) again();
        throw error;
      }
      await takeTheirs(name, text);
      if (service === null) goTo({ page: 'edit', service: name });
    };
    run(`${name} is applied`, apply);
  };
  return { save, isBusy };
}
