/** Says when somebody else changed the service that is being edited. */
import { useState } from 'preact/hooks';
import type { ServiceBase } from '../../../core/plan-replace.js';
import { useScene } from '../scene.js';
import { useCell, useChange } from '../use.js';

interface Props {
  readonly service: string;
  /** What was seen before it was edited. */
  readonly base: ServiceBase | null;
  readonly onAgain: () => void;
  readonly onTake: () => void;
}

export function MeanwhileNotice({ service, base, onAgain, onTake }: Props) {
  const { board } = useScene();
  const revision = useCell(board.definition(service));
  const [by, setBy] = useState<string | null>(null);
  useChange(revision, () => {
    if (base === null || revision <= newestIn(base)) return;
    const edit = board.editOf(service);
    // After a gap nobody knows whether it was changed, which the plan then tells.
    if (edit?.revision === revision) setBy(edit.actor);
    onAgain();
  });
  useChange(base, () => {
    setBy(null);
  });
  if (by === null) return null;
  return (
    <div class="notice" role="status">
      <span>
        <strong>{service}</strong> was changed meanwhile by {by}. The plan shows what you would undo.
      </span>
      <button type="button" onClick={onTake}>
        Take theirs
      </button>
    </div>
  );
}

function newestIn({ revision, generations }: ServiceBase): number {
  return Math.max(revision, ...Object.values(generations));
}
