/** What the sampler knows that the registry does not have yet. */
import type { ComponentKey } from '../names.js';
import type { UsageBucket, UsageNow } from '../usage.js';

/** Reading it costs no call. */
export interface UsageView {
  /** The newest look at a component; undefined: it does not run, or its driver gave no figures. */
  now(key: ComponentKey): UsageNow | undefined;
  /** The step that is not over yet, and those that are about to be written. */
  unwritten(key: ComponentKey): readonly UsageBucket[];
  /** The newest look at each component that runs. */
  all(): readonly (UsageNow & { readonly key: ComponentKey })[];
}
