/** Applies what was written, with a word of why. */
import type { Checked } from './check.js';

interface Props {
  readonly checked: Checked | null;
  /** The plan speaks of what is in the field now. */
  readonly isCurrent: boolean;
  readonly force: boolean;
  readonly message: string;
  readonly onForce: (force: boolean) => void;
  readonly onMessage: (message: string) => void;
  readonly onApply: () => void;
}

export function ApplyBar({ checked, isCurrent, force, message, onForce, onMessage, onApply }: Props) {
  const plan = checked?.plan?.plan ?? null;
  const hasConflicts = (plan?.conflicts.length ?? 0) > 0;
  const isSound = plan !== null && plan.problems.length === 0 && plan.breaches.length === 0;
  const mayApply = isCurrent && isSound && plan.differs && (!hasConflicts || force);
  return (
    <form
      class="apply-bar"
      onSubmit={(event) => {
        event.preventDefault();
        if (mayApply) onApply();
      }}
    >
      <input
        type="text"
        placeholder="Why? Kept in the history"
        aria-label="Why it is changed"
        maxLength={200}
        value={message}
        onInput={(event) => {
          onMessage(event.currentTarget.value);
        }}
      />
      {hasConflicts || force ? (
        <label>
          <input
            type="checkbox"
            checked={force}
            onChange={(event) => {
              onForce(event.currentTarget.checked);
            }}
          />{' '}
          Overwrite what was changed meanwhile
        </label>
      ) : null}
      <button class="primary" disabled={!mayApply}>
        Apply
      </button>
    </form>
  );
}
