/** One bad definition file with every problem that it must be told, from top to bottom. */
export interface BadDefinition {
  readonly title: string;
  readonly text: string;
  /** `line:column field | message | suggestion`; a dash for the file as a whole. */
  readonly problems: readonly string[];
}
