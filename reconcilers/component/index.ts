/** The component reconciler: pure, driven by src/controller. */
export { decide } from './decide.js';
export { afterStep, type StepResult } from './outcome.js';
export {
  defaultReconcileSettings,
  type Decision,
  type EnvFileView,
  type ReconcileSettings,
  type Step,
  type World,
} from './types.js';
