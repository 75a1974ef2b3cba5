/** A stretch of the feed as messages: put into words once, and sorted out for each filter once. */

/** One message as it is sent. */
export interface Message {
  readonly revision: number;
  /** null: of the home or a driver. */
  readonly service: string | null;
  readonly text: string;
}

/** Everything that is told between two revisions, in order. */
export class Batch {
  /** What was told before it: up to this revision, that one included. */
  readonly from: number;
  /** Whoever has this batch has everything up to this revision, that one included. */
  readonly to: number;
  readonly messages: readonly Message[];
  /** Characters in all. */
  readonly length: number;
  readonly #texts = new Map<string | null, string>();

  constructor(from: number, to: number, messages: readonly Message[]) {
    this.from = from;
    this.to = to;
    this.messages = messages;
    this.length = messages.reduce((sum, { text }) => sum + text.length, 0);
  }

  /** What a reader gets who wants one service, or everything (null), and knows all up to revision `after`. */
  textFor(service: string | null, after: number): string {
    if (after > this.from) return textOf(this.messages, service, after);
    let text = this.#texts.get(service);
    if (text === undefined) {
      text = textOf(this.messages, service, this.from);
      this.#texts.set(service, text);
    }
    return text;
  }
}

function textOf(messages: readonly Message[], service: string | null, after: number): string {
  return messages
    .filter((message) => message.revision > after && (service === null || message.service === service))
    .map((message) => message.text)
    .join('');
}
