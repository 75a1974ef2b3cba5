/** The spec that last proved itself, as a status keeps it: JSON. */
import { componentDefaults, type ComponentSpec } from './spec.js';

/** Texts that are remembered; each is asked for several times by every decision of a roll-out. */
const maxRemembered = 1_024;
const remembered = new Map<string, ComponentSpec>();

/** Reads `ComponentStatus.goodSpec`, with defaults for fields that Berth did not have yet when it was written. */
export function readGoodSpec(text: string): ComponentSpec {
  const known = remembered.get(text);
  if (known !== undefined) return known;
  if (remembered.size >= maxRemembered) remembered.clear();
  const spec = Object.freeze({ ...componentDefaults, ...(JSON.parse(text) as ComponentSpec) });
  remembered.set(text, spec);
  return spec;
}
