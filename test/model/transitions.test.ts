/** Every transition that the component machine declares is taken by the product's own planner, in directed and random worlds. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getAdjacencyMap, getShortestPaths } from 'xstate/graph';
import { componentMachine, kindOf, phaseOf, type TransitionKind } from '../../reconcilers/component/machine.js';
import { verbs, type Verb } from '../../reconcilers/component/types.js';
import { phases, type Phase } from '../../src/core/status.js';
import { ToyComponent } from '../support/toy-component.js';
import { programs, roughActs } from './component-lives.js';
import { histories } from './component-pasts.js';
import { phaseWays, verbWays } from './transition-worlds.js';

type Pair = `${Phase} ${Verb}`;

const pairOf = (phase: Phase, verb: Verb): Pair => `${phase} ${verb}`;

const events = verbs.map((type) => ({ type, step: null }));

/** One state of the machine as `xstate/graph` lists it; its own types say less. */
interface Node {
  readonly state: { readonly value: unknown; readonly can: (event: (typeof events)[number]) => boolean };
  readonly transitions: Readonly<
    Record<string, { readonly event: (typeof events)[number]; readonly state: { readonly value: unknown } }>
  >;
}

/** What the machine itself declares: every verb that a phase understands, with where it leads. */
function declared(): ReadonlyMap<Pair, Phase> {
  const pairs = new Map<Pair, Phase>();
  const nodes = Object.values(getAdjacencyMap(componentMachine, { events })) as readonly Node[];
  for (const { state, transitions } of nodes) {
    for (const { event, state: target } of Object.values(transitions)) {
      if (state.can(event)) pairs.set(pairOf(state.value as Phase, event.type), target.value as Phase);
    }
  }
  return pairs;
}

/** Counts turns of the machine, as components take them. */
class Tally {
  readonly counts = new Map<Pair, number>();

  add(toy: ToyComponent, from = 0): readonly Pair[] {
    const pairs = toy.turns.slice(from).map(([phase, verb]) => pairOf(phase, verb));
    for (const pair of pairs) this.counts.set(pair, (this.counts.get(pair) ?? 0) + 1);
    return pairs;
  }
}

/** Tries pasts, ways to a phase and ways to a verb until each pair of phase and verb was taken. */
function takeDirected(tally: Tally): void {
  const hopeless = new Set<string>();
  const taken = new Set<Pair>();
  for (const [order, way] of phaseWays.entries()) {
    for (const { verb, force } of verbWays) {
      for (const history of histories) {
        const past = `${String(order)} ${history.name}`;
        if (taken.has(pairOf(way.phase, verb)) || hopeless.has(past)) continue;
        const toy = history.make();
        way.lead(toy);
        if (toy.status.phase !== way.phase) {
          hopeless.add(past);
          continue;
        }
        force(toy);
        const from = toy.turns.length;
        toy.turn();
        for (const pair of tally.add(toy, from)) taken.add(pair);
      }
    }
  }
}

function takeAtRandom(tally: Tally, numRuns: number): void {
  fc.assert(
    fc.property(fc.array(roughActs, { maxLength: 60, size: 'max' }), (acting) => {
      const toy = new ToyComponent();
      toy.tags = { 'localhost/web:1': 'sha256:one', 'localhost/web:2': 'sha256:two' };
      toy.programs = programs;
      for (const { act } of acting) {
        act(toy);
        if (toy.purged) break;
      }
      tally.add(toy);
    }),
    { numRuns, ...(process.env['BERTH_SEED'] === undefined ? {} : { seed: Number(process.env['BERTH_SEED']) }) },
  );
}

/** Phases down, verbs across, how often each was taken; a dot where the machine declares nothing. */
function report(counts: ReadonlyMap<Pair, number>): string {
  const rows = phases.map((phase) =>
    verbs.map((verb) => (kindOf(phase, verb) === undefined ? '·' : String(counts.get(pairOf(phase, verb)) ?? 0))),
  );
  const kinds: readonly TransitionKind[] = ['usual', 'always', 'surprise'];
  const all = phases.flatMap((phase) => verbs.map((verb) => kindOf(phase, verb)));
  const sums = kinds.map((kind) => `${String(all.filter((item) => item === kind).length)} ${kind}`);
  const widths = verbs.map((verb, column) => Math.max(verb.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const print = (name: string, cells: readonly string[]): string =>
    [name.padEnd(10), ...cells.map((cell, column) => cell.padStart(widths[column] ?? 0))].join(' ');
  return [
    `transitions of the component machine taken by the planner (${sums.join(', ')}):`,
    print('', verbs),
    ...rows.map((row, index) => print(phases[index] ?? '', row)),
  ].join('\n');
}

describe('the component machine', () => {
  it('declares what its table says, and reaches every phase from the first', () => {
    const pairs = declared();
    for (const phase of phases) {
      for (const verb of verbs) {
        const target = kindOf(phase, verb) === undefined ? undefined : phaseOf[verb];
        expect(pairs.get(pairOf(phase, verb)), `${phase} ${verb}`).toBe(target);
      }
    }
    const reached = getShortestPaths(componentMachine, { events }).map(({ state }) => state.value);
    expect(new Set(reached)).toEqual(new Set(phases));
  });

  it('has each of its transitions taken by the planner', () => {
    const tally = new Tally();
    takeDirected(tally);
    takeAtRandom(tally, 600);
    process.stdout.write(`${report(tally.counts)}\n`);
    const missing = [...declared().keys()].filter((pair) => !tally.counts.has(pair));
    expect(missing, 'never taken').toEqual([]);
  });
});
