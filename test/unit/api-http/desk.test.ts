/** Whoever asks may go at any time: what is done for them ends, also when they went before it began. */
import { EventEmitter } from 'node:events';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { expect, test } from 'vitest';
import { FrontDesk } from '../../../src/api/http/desk.js';
import { apiLimits } from '../../../src/api/http/limits.js';
import type { RouteDeps } from '../../../src/api/http/parts.js';

/** A request as it is after its token was looked up, and how its connection ends. */
function ask(destroyed: boolean) {
  const raw = Object.assign(new EventEmitter(), { destroyed });
  const desk = new FrontDesk({ limits: apiLimits } as RouteDeps, () => 'tcp');
  const { signal } = desk.askerOf({} as FastifyRequest, { raw } as unknown as FastifyReply);
  return { desk, raw, signal };
}

test('the signal of one who went while the token was looked up has fired', () => {
  // Nothing closes any more: it has closed already.
  expect(ask(true).signal.aborted).toBe(true);
});

test('the signal of one who goes later fires then, and that of one who stays when the agent ends', () => {
  const leaving = ask(false);
  expect(leaving.signal.aborted).toBe(false);
  leaving.raw.emit('close');
  expect(leaving.signal.aborted).toBe(true);
  const staying = ask(false);
  staying.desk.end();
  expect(staying.signal.aborted).toBe(true);
});
