/** The safeguards of the core, each with the smallest edit that takes it out. `npm run mutate` shows that none is idle. */
import { controllerMutants } from './mutants/controller.mjs';
import { monitorMutants } from './mutants/monitor.mjs';
import { reconcilerMutants } from './mutants/reconciler.mjs';
import { registryMutants } from './mutants/registry.mjs';

/**
 * @typedef {object} Mutant
 * @property {string} name
 * @property {string} safeguard What is taken out, in words that follow on "without".
 * @property {string} file Path in the repository.
 * @property {string} find Text that is there exactly once.
 * @property {string} replace What stands in its place.
 * @property {readonly string[]} kills Scenarios (or `storm SEED`) that miss it, tried first.
 */

/** @type {readonly Mutant[]} */
export const mutants = [...controllerMutants, ...reconcilerMutants, ...registryMutants, ...monitorMutants];
