/** How a token is printed. */
import type { Invocation } from '../invocation.js';

/** The one that an agent makes at its first start. */
export const defaultToken = 'default';

interface ShownToken {
  readonly name: string;
  readonly access: 'read' | 'write';
  readonly token: string;
  readonly createdAt: string;
}

/** The token alone on a line, so that it can go into a file. */
export function printToken(invocation: Invocation, shown: ShownToken): void {
  if (invocation.json) invocation.printJson(shown);
  else invocation.print(shown.token);
}
