/** How a console's WebSocket ends. Pure. */

/** Codes of RFC 6455. */
export const closeCodes = {
  /** The machine has ended, or whoever typed has left. */
  ended: 1_000,
  /** The agent ends; the machine goes on. */
  agentEnds: 1_001,
  /** Whoever types may not any more. */
  notAllowed: 1_008,
  /** A message is too long. */
  tooLong: 1_009,
  /** The console failed. */
  failed: 1_011,
} as const;

/** A frame that closes holds so many bytes of text. */
const mostReasonBytes = 123;

/** The beginning of a reason, as long as there is room for. */
export function reasonText(reason: string): string {
  let text = reason;
  while (new TextEncoder().encode(text).length > mostReasonBytes) text = text.slice(0, -1);
  return text;
}
