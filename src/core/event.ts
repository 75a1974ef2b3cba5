/** Events: what happened, in words; kept by a stated retention and followed by `berth events`. */

export const severities = ['info', 'warning', 'error'] as const;
export type Severity = (typeof severities)[number];

/** What happened, in one word: stable, for programs. docs/events.md explains each. */
export const eventReasons = [
  'DriftDetected',
  'DriftHealed',
  'ImageResolved',
  'ImageFollowed',
  'SpecChanged',
  'Created',
  'Started',
  'Exited',
  'Restarted',
  'BackOff',
  'Completed',
  'Stopped',
  'Resumed',
  'LimitsUpdated',
  'Renamed',
  'Removed',
  'RolledOut',
  'PutBack',
  'Contested',
  'StepFailed',
  'Blocked',
  'Invalid',
  'Unknown',
  'SeenAgain',
  'Deleted',
  'VolumeDeleted',
  'VolumeMoved',
  'OrphanCollected',
  'OrphanFound',
  'DefinitionRefused',
] as const;
export type EventReason = (typeof eventReasons)[number];

/** An event as its author makes it. The registry adds revision, time and actor. */
export interface NewEvent {
  /** null: of the home or a driver, not of one component. */
  readonly service: string | null;
  readonly component: string | null;
  readonly severity: Severity;
  readonly reason: EventReason;
  /** One sentence for people. Never holds a secret. */
  readonly message: string;
  /** Facts for programs; JSON values only. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** An event as it is read. */
export interface BerthEvent extends Omit<NewEvent, 'reason'> {
  /** As it was written, perhaps by an earlier Berth with other reasons. */
  readonly reason: string;
  /** The registry's revision at which it was written; unique and rising. */
  readonly revision: number;
  readonly atMs: number;
  /** `agent`, `cli:NAME`, `watch:PATH`, `sql`. */
  readonly actor: string;
}
