/** What the guest's init wrote of its program. Pure. */
import type { GuestReport } from '../contracts.js';

/**
 * Reads a report file: one JSON object a line. A last line without its end is still being written and is left out, and
 * so is whatever is not a report: the program inside may be root and write what it likes.
 */
export function parseReport(text: string): readonly GuestReport[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map(parseLine).filter((report) => report !== undefined);
}

const longestMessage = 1_000;

function parseLine(line: string): GuestReport | undefined {
  const value = parseJson(line);
  if (typeof value !== 'object' || value === null) return undefined;
  const { event, code, message } = value as { event?: unknown; code?: unknown; message?: unknown };
  if (event === 'started') return { event };
  if (event === 'exited' && isExitCode(code)) return { event, code };
  if (event === 'failed' && typeof message === 'string') return { event, message: message.slice(0, longestMessage) };
  return undefined;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isExitCode(code: unknown): code is number {
  return typeof code === 'number' && Number.isInteger(code) && code >= 0 && code <= 255;
}
