/** `turn` reads the machine's definition; XState itself says what that definition means. */
import { expect, it } from 'vitest';
import { transition } from 'xstate';
import { componentMachine, kindOf, turn } from '../../../reconcilers/component/machine.js';
import { verbs, type Step } from '../../../reconcilers/component/types.js';
import { phases } from '../../../src/core/status.js';

const step: Step = { kind: 'remove', nativeId: 'x' };

it('takes each verb in each phase as XState does, and performs the step where it does', () => {
  const moves = phases.flatMap((from) => verbs.map((type) => ({ from, type })));
  const expected = moves.map(({ from, type }) => {
    const irregular = kindOf(from, type) === undefined;
    const snapshot = componentMachine.resolveState({ value: irregular ? 'pending' : from, context: {} });
    const [next, actions] = transition(componentMachine, snapshot, { type, step });
    const performs = actions.some((action) => action.type === 'perform');
    return { phase: next.value, step: performs ? step : null, irregular };
  });
  expect(moves.map(({ from, type }) => turn(from, { type, step }))).toEqual(expected);
  expect(expected.filter((move) => move.step !== null).length).toBeGreaterThan(50);
});
