import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { requireAccess } from '../../../src/api/http/auth/index.js';
import { addToken, removeToken, rotateToken } from '../../../src/api/http/auth/token-file.js';
import type { Caller } from '../../../src/api/http/contract.js';
import { makeGate, request, type GateBench } from './support.js';

const origin = 'http://127.0.0.1:7600';

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'let in',
    (error: unknown) => (error as { code: string }).code,
  );
}

async function bearerOf(bench: GateBench): Promise<string> {
  return `Bearer ${(await bench.tokens()).tokens[0]!.token}`;
}

describe('addresses that are listened to', () => {
  test.each([
    ['127.0.0.1:7600', 'let in'],
    ['localhost:7600', 'let in'],
    ['LOCALHOST:7600', 'let in'],
    ['[::1]:7600', 'let in'],
    ['berth.example', 'let in'],
    ['berth.example:7600', 'let in'],
    ['other.example:8443', 'let in'],
    ['127.0.0.1', 'E_FORBIDDEN'],
    ['127.0.0.1:7601', 'E_FORBIDDEN'],
    ['evil.example:7600', 'E_FORBIDDEN'],
    ['127.0.0.1.evil.example:7600', 'E_FORBIDDEN'],
    ['berth.example.evil:7600', 'E_FORBIDDEN'],
    ['other.example', 'E_FORBIDDEN'],
    ['127.0.0.1:7600, evil.example', 'E_FORBIDDEN'],
    ['', 'E_FORBIDDEN'],
    [undefined, 'E_FORBIDDEN'],
  ])('Host %s: %s', async (host, outcome) => {
    const bench = await makeGate();
    bench.settings.allowedHosts = [' Berth.example ', 'other.example:8443', ''];
    const headers = { host, authorization: await bearerOf(bench) };
    expect(await codeOf(bench.gate.check(request('/v1/status', headers)))).toBe(outcome);
  });

  it('is none while the agent listens nowhere', async () => {
    const bench = await makeGate();
    bench.settings.boundUrl = null;
    expect(await codeOf(bench.gate.check(request('/healthz')))).toBe('E_FORBIDDEN');
  });

  test.each(['http://evil.example/v1/status', '*', '', 'v1/status'])('not the target %j', async (url) => {
    const bench = await makeGate();
    const headers = { authorization: await bearerOf(bench) };
    expect(await codeOf(bench.gate.check(request(url, headers)))).toBe('E_FORBIDDEN');
  });
});

describe('where a request comes from', () => {
  const bearer = true;
  test.each([
    ['a change with a token', 'POST', {}, bearer, 'let in'],
    ['a change of our page', 'POST', { origin }, !bearer, 'let in'],
    ['a change by a session that says nothing', 'POST', {}, !bearer, 'E_FORBIDDEN'],
    ['a change of another site', 'POST', { origin: 'http://evil.example' }, !bearer, 'E_FORBIDDEN'],
    ['a change of another site with a token', 'POST', { origin: 'http://evil.example' }, bearer, 'E_FORBIDDEN'],
    ['a change of another port', 'POST', { origin: 'http://127.0.0.1:3000' }, !bearer, 'E_FORBIDDEN'],
    ['a change of another name of ours', 'POST', { origin: 'http://localhost:7600' }, !bearer, 'E_FORBIDDEN'],
    ['a change of a sandboxed page', 'POST', { origin: 'null' }, !bearer, 'E_FORBIDDEN'],
    ['a read of another site', 'GET', { origin: 'http://evil.example' }, !bearer, 'E_FORBIDDEN'],
    ['a preflight of another site', 'OPTIONS', { origin: 'http://evil.example' }, !bearer, 'E_FORBIDDEN'],
    [
      'a script of another port',
      'GET',
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' },
      !bearer,
      'E_FORBIDDEN',
    ],
    [
      'a link of another site',
      'GET',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      !bearer,
      'let in',
    ],
    [
      'a frame of another site',
      'GET',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
      !bearer,
      'E_FORBIDDEN',
    ],
    [
      'a form of another site',
      'POST',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', origin },
      !bearer,
      'E_FORBIDDEN',
    ],
    ['our page behind TLS', 'POST', { origin: 'https://127.0.0.1:7600' }, !bearer, 'let in'],
  ])('%s', async (_name, method, headers, withBearer, outcome) => {
    const bench = await makeGate();
    const who = withBearer ? { authorization: await bearerOf(bench) } : { cookie: await logIn(bench) };
    const asked = request('/v1/services/shop/stop', { ...headers, ...who }, { method });
    expect(await codeOf(bench.gate.check(asked))).toBe(outcome);
  });

  test.each([
    ['application/json', 'let in'],
    ['application/json; charset=utf-8', 'let in'],
    ['Application/JSON', 'let in'],
    ['text/plain', 'E_FORBIDDEN'],
    ['application/x-www-form-urlencoded', 'E_FORBIDDEN'],
    ['multipart/form-data; boundary=x', 'E_FORBIDDEN'],
    ['application/json, text/plain', 'E_FORBIDDEN'],
    ['application/jsonx', 'E_FORBIDDEN'],
    [undefined, 'E_FORBIDDEN'],
  ])('a body of type %s: %s', async (type, outcome) => {
    const bench = await makeGate();
    const headers = { authorization: await bearerOf(bench), 'content-type': type, 'content-length': '2' };
    expect(await codeOf(bench.gate.check(request('/v1/plan', headers, { method: 'POST' })))).toBe(outcome);
    const socket = request('/v1/plan', { ...headers, authorization: undefined }, { method: 'POST', via: 'socket' });
    expect(await codeOf(bench.gate.check(socket))).toBe(outcome);
  });

  it('takes a form at the login alone, and a body without a type nowhere', async () => {
    const bench = await makeGate();
    const form = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '9', origin };
    const post = { method: 'POST' };
    expect(await bench.gate.check(request('/login', form, post))).toBeNull();
    const json = { ...form, 'content-type': 'application/json' };
    expect(await codeOf(bench.gate.check(request('/login', json, post)))).toBe('E_FORBIDDEN');
    const chunked = { 'transfer-encoding': 'chunked', authorization: await bearerOf(bench) };
    expect(await codeOf(bench.gate.check(request('/v1/plan', chunked, post)))).toBe('E_FORBIDDEN');
  });
});

async function logIn(bench: GateBench): Promise<string> {
  const form = new URLSearchParams({ token: (await bench.tokens()).tokens[0]!.token }).toString();
  const reply = await bench.gate.login(request('/login', {}, { method: 'POST' }), form);
  expect(reply.status).toBe(303);
  return reply.headers['set-cookie']!.split(';')[0]!;
}

describe('who asks', () => {
  it('is nobody for the open paths alone, exactly as they come', async () => {
    const { gate } = await makeGate();
    for (const url of ['/healthz', '/healthz?x=1', '/login', '/login?code=x', '/logout']) {
      expect(await gate.check(request(url))).toBeNull();
    }
    for (const url of [
      '/',
      '/healthz/',
      '//healthz',
      '/healthz/../v1/status',
      '/login%2F',
      '/LOGIN',
      '/readyz',
      '/metrics',
    ]) {
      expect(await codeOf(gate.check(request(url)))).toBe('E_UNAUTHENTICATED');
    }
  });

  it('is a token by its name and what it may', async () => {
    const bench = await makeGate();
    const authorization = await bearerOf(bench);
    expect(await bench.gate.check(request('/v1/status', { authorization }))).toEqual({
      via: 'token',
      name: 'default',
      access: 'write',
      actor: 'token:default',
    });
    expect(await codeOf(bench.gate.check(request('/', { authorization: authorization.toLowerCase() })))).not.toBe(
      'let in',
    );
  });

  it('never lets a guess in', async () => {
    const bench = await makeGate();
    const right = await bearerOf(bench);
    const guess = fc.oneof(
      fc.string(),
      fc.string().map((text) => `Bearer ${text}`),
      fc.nat(right.length - 1).map((length) => right.slice(0, length)),
      fc.constantFrom(`${right}x`, `${right} x`, right.replace('Bearer', 'Basic'), right.slice(7), `${right},${right}`),
    );
    await fc.assert(
      fc.asyncProperty(guess, async (authorization) => {
        fc.pre(authorization.trim() !== right);
        const code = await codeOf(bench.gate.check(request('/v1/status', { authorization })));
        expect(['E_UNAUTHENTICATED', 'E_TOO_MANY']).toContain(code);
      }),
    );
  });

  it('is whoever may open the socket, as it says, and no browser', async () => {
    const { gate } = await makeGate();
    const socket = { via: 'socket', address: null } as const;
    const caller = await gate.check(request('/v1/status', { 'x-berth-actor': 'cli:eva', host: 'localhost' }, socket));
    expect(caller).toEqual({ via: 'socket', name: 'eva', access: 'write', actor: 'cli:eva' });
    const actors = [
      undefined,
      'agent',
      'token:default',
      'cli:',
      'cli:\u0000\n ',
      `cli:${'x'.repeat(500)}`,
      'cli:j%C3%BCrgen',
    ];
    const told = [];
    for (const actor of actors) {
      told.push((await gate.check(request('/v1/status', { 'x-berth-actor': actor }, socket)))?.actor);
    }
    expect(told).toEqual([...Array.from({ length: 5 }, () => 'cli:unknown'), `cli:${'x'.repeat(64)}`, 'cli:jürgen']);
    for (const header of ['origin', 'cookie', 'sec-fetch-site']) {
      expect(await codeOf(gate.check(request('/v1/status', { [header]: 'x' }, socket)))).toBe('E_FORBIDDEN');
    }
  });

  it('believes x-berth-actor on the socket alone', async () => {
    const bench = await makeGate();
    const headers = { authorization: await bearerOf(bench), 'x-berth-actor': 'cli:root' };
    expect((await bench.gate.check(request('/v1/status', headers)))?.actor).toBe('token:default');
  });

  it('may write with a token for writing alone', () => {
    const reader: Caller = { via: 'token', name: 'r', access: 'read', actor: 'token:r' };
    expect(requireAccess(reader, 'read')).toBe(reader);
    expect(() => requireAccess(reader, 'write')).toThrow('may read');
    expect(requireAccess({ ...reader, access: 'write' }, 'write').name).toBe('r');
    expect(() => requireAccess(null, 'read')).toThrow('needs a token');
  });
});

describe('wrong tokens', () => {
  it('are slowed down by their address, while the right one is let in at any time', async () => {
    const bench = await makeGate();
    const wrong = (address: string) =>
      codeOf(bench.gate.check(request('/v1/status', { authorization: 'Bearer nonsense' }, { address })));
    const codes = [];
    for (let count = 0; count < 12; count += 1) codes.push(await wrong('10.0.0.1'));
    expect(codes).toEqual([...Array<string>(10).fill('E_UNAUTHENTICATED'), 'E_TOO_MANY', 'E_TOO_MANY']);
    expect(await wrong('10.0.0.2')).toBe('E_UNAUTHENTICATED');
    const right = request('/v1/status', { authorization: await bearerOf(bench) }, { address: '10.0.0.1' });
    expect(await codeOf(bench.gate.check(right))).toBe('let in');
    bench.clock.atMs += 6_000;
    expect([await wrong('10.0.0.1'), await wrong('10.0.0.1')]).toEqual(['E_UNAUTHENTICATED', 'E_TOO_MANY']);
    expect(bench.logged.join()).not.toContain('nonsense');
    expect(bench.logged.length).toBeLessThan(15);
  });

  it('from ever new addresses take no more memory', async () => {
    const bench = await makeGate();
    for (let count = 0; count < 3_000; count += 1) {
      const asked = request(
        '/v1/status',
        { authorization: 'Bearer x' },
        { address: `10.0.${count >> 8}.${count & 255}` },
      );
      expect(await codeOf(bench.gate.check(asked))).toBe('E_UNAUTHENTICATED');
    }
  });
});

describe('sessions', () => {
  it('are what the page’s own token may, and outlive the agent', async () => {
    const bench = await makeGate();
    const cookie = await logIn(bench);
    const caller = { via: 'session', name: 'default', access: 'write', actor: 'page:default' };
    expect(await bench.gate.check(request('/v1/status', { cookie: `other=1; ${cookie}; x=y` }))).toEqual(caller);
    const { createGate } = await import('../../../src/api/http/auth/index.js');
    const restarted = createGate({
      tokens: bench.store,
      clock: bench.clock,
      randomBytes,
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
      allowedHosts: () => [],
      boundUrl: () => origin,
    });
    expect(await restarted.check(request('/v1/status', { cookie }))).toEqual(caller);
  });

  it('end after 30 days, with their token, and with the key', async () => {
    const bench = await makeGate();
    const cookie = await logIn(bench);
    const code = () => codeOf(bench.gate.check(request('/v1/status', { cookie })));
    expect(await code()).toBe('let in');
    bench.clock.atMs += 30 * 86_400_000 - 1;
    expect(await code()).toBe('let in');
    bench.clock.atMs += 1;
    expect(await code()).toBe('E_UNAUTHENTICATED');
    bench.clock.atMs -= 86_400_000;
    const before = await bench.tokens();
    await bench.store.update((file) => rotateToken(file, 'default', randomBytes, bench.clock.now()));
    expect(await code()).toBe('E_UNAUTHENTICATED');
    await bench.store.update(() => before);
    expect(await code()).toBe('let in');
    await bench.store.update((file) => removeToken(file, 'default'));
    expect(await code()).toBe('E_UNAUTHENTICATED');
    await bench.store.update(() => ({ ...before, sessionKey: 'x'.repeat(43) }));
    expect(await code()).toBe('E_UNAUTHENTICATED');
  });

  it('cannot be made up from another, and a stale one is no attempt', async () => {
    const bench = await makeGate();
    await bench.store.update((file) => addToken(file, { name: 'reader', access: 'read' }, randomBytes, 0));
    const cookie = await logIn(bench);
    const [name = '', value = ''] = cookie.split('=');
    const [version = '', , expires = '', mac = ''] = value.split('.');
    const reader = Buffer.from('reader').toString('base64url');
    const owner = Buffer.from('default').toString('base64url');
    const forged = [
      `${version}.${reader}.${expires}.${mac}`,
      `${version}.${owner}.${Number(expires) + 1}.${mac}`,
      `${version}.${owner}.${expires}.${mac.slice(1)}`,
      `${version}.${owner}.${expires}.`,
      `2.${owner}.${expires}.${mac}`,
      `${version}.${owner}.${expires}`,
      '',
    ];
    for (let round = 0; round < 3; round += 1) {
      for (const text of forged) {
        expect(await codeOf(bench.gate.check(request('/', { cookie: `${name}=${text}` })))).toBe('E_UNAUTHENTICATED');
      }
    }
    expect(value).not.toContain((await bench.tokens()).tokens[0]!.token);
  });

  it('bear what keeps scripts and other sites from them', async () => {
    const bench = await makeGate();
    const form = new URLSearchParams({ token: `  ${(await bench.tokens()).tokens[0]!.token}\n` }).toString();
    const { headers } = await bench.gate.login(request('/login', {}, { method: 'POST' }), form);
    expect(headers['set-cookie']).toMatch(
      /^berth-[0-9a-f]{8}=.*; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    expect(headers['location']).toBe('/');
    const out = await bench.gate.logout();
    expect(out.headers['set-cookie']).toMatch(/^berth-[0-9a-f]{8}=; Max-Age=0; Path=\/; HttpOnly; SameSite=Strict$/);
  });
});

describe('logging in', () => {
  const socketCaller: Caller = { via: 'socket', name: 'eva', access: 'write', actor: 'cli:eva' };
  const codeUrl = (url: string): string => url.slice(origin.length);

  it('by a link works once, within ten minutes', async () => {
    const bench = await makeGate();
    const link = await bench.gate.createLoginLink(socketCaller, null);
    expect(link.url).toMatch(/^http:\/\/127\.0\.0\.1:7600\/login\?code=[A-Za-z0-9_-]{32}$/);
    expect(Date.parse(link.expiresAt)).toBe(bench.clock.now() + 600_000);
    const ahead = await bench.gate.loginPage(request(codeUrl(link.url), { 'sec-purpose': 'prefetch;prerender' }));
    expect(ahead.status).toBe(503);
    const first = await bench.gate.loginPage(request(codeUrl(link.url)));
    expect(first.status).toBe(200);
    const cookie = first.headers['set-cookie']!.split(';')[0]!;
    expect((await bench.gate.check(request('/', { cookie })))?.actor).toBe('page:default');
    const second = await bench.gate.loginPage(request(codeUrl(link.url)));
    expect([second.status, second.headers['set-cookie']]).toEqual([401, undefined]);
    expect(String(second.body)).toContain('used before');
    const late = await bench.gate.createLoginLink(socketCaller, null);
    bench.clock.atMs += 600_000;
    expect((await bench.gate.loginPage(request(codeUrl(late.url)))).status).toBe(401);
    expect(bench.logged.join()).not.toContain(codeUrl(link.url).slice(-32));
  });

  it('by a link that is used up leads on whoever is logged in, and nobody else', async () => {
    const bench = await makeGate();
    const link = codeUrl((await bench.gate.createLoginLink(socketCaller, null)).url);
    const first = await bench.gate.loginPage(request(link));
    const cookie = first.headers['set-cookie']!.split(';')[0]!;
    const again = await bench.gate.loginPage(request(link, { cookie }));
    expect([again.status, again.headers['location'], again.headers['set-cookie']]).toEqual([303, '/', undefined]);
    // Each other last letter, those too that base64 reads as the same bytes.
    const letters = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');
    const forged = letters.map((letter) => cookie.slice(0, -1) + letter).filter((one) => one !== cookie);
    expect(forged).toHaveLength(63);
    for (const one of forged) {
      expect(await codeOf(bench.gate.check(request('/', { cookie: one })))).toBe('E_UNAUTHENTICATED');
    }
    for (const headers of [{}, { cookie: forged[0] }]) {
      expect((await bench.gate.loginPage(request(link, headers))).status).toBe(401);
    }
    // Leading on is no guess, and as many times as one likes.
    for (let count = 0; count < 30; count += 1) await bench.gate.loginPage(request(link, { cookie }));
    expect((await bench.gate.loginPage(request(link, { cookie }))).status).toBe(303);
    await bench.store.update((file) => rotateToken(file, 'default', randomBytes, 0));
    expect((await bench.gate.loginPage(request(link, { cookie }))).status).toBe(401);
  });

  it('by a link is not begun by who only looks at its head', async () => {
    const bench = await makeGate();
    const link = codeUrl((await bench.gate.createLoginLink(socketCaller, null)).url);
    const head = await bench.gate.loginPage(request(link, {}, { method: 'HEAD' }));
    expect([head.status, head.headers['set-cookie']]).toEqual([503, undefined]);
    expect((await bench.gate.loginPage(request(link))).status).toBe(200);
  });

  it('by a link is void when its token is another by now', async () => {
    const bench = await makeGate();
    const link = await bench.gate.createLoginLink(socketCaller, null);
    await bench.store.update((file) => rotateToken(file, 'default', randomBytes, 0));
    expect((await bench.gate.loginPage(request(codeUrl(link.url)))).status).toBe(401);
  });

  it('is for the token that is named, or the caller’s own, and never by a reader', async () => {
    const bench = await makeGate();
    await bench.store.update((file) => addToken(file, { name: 'view', access: 'read' }, randomBytes, 0));
    const link = await bench.gate.createLoginLink(socketCaller, 'view');
    const page = await bench.gate.loginPage(request(codeUrl(link.url)));
    const cookie = page.headers['set-cookie']!.split(';')[0]!;
    expect((await bench.gate.check(request('/', { cookie })))?.access).toBe('read');
    const reader: Caller = { via: 'token', name: 'view', access: 'read', actor: 'token:view' };
    expect(await codeOf(bench.gate.createLoginLink(reader, null))).toBe('E_FORBIDDEN');
    expect(await codeOf(bench.gate.createLoginLink(socketCaller, 'veiw'))).toBe('E_NOT_FOUND');
    bench.settings.boundUrl = null;
    expect(await codeOf(bench.gate.createLoginLink(socketCaller, null))).toBe('E_NOT_SUPPORTED');
  });

  it('by a thousand links keeps the last hundred', async () => {
    const bench = await makeGate();
    const links = [];
    for (let count = 0; count < 1_000; count += 1) links.push(await bench.gate.createLoginLink(socketCaller, null));
    expect((await bench.gate.loginPage(request(codeUrl(links[0]!.url)))).status).toBe(401);
    expect((await bench.gate.loginPage(request(codeUrl(links[999]!.url)))).status).toBe(200);
  });

  it('by the form says what was wrong, and slows down', async () => {
    const bench = await makeGate();
    const post = () => bench.gate.login(request('/login', {}, { method: 'POST' }), 'token=%3Cscript%3E');
    expect((await post()).status).toBe(401);
    for (let count = 0; count < 9; count += 1) await post();
    const last = await post();
    expect([last.status, last.headers['retry-after']]).toEqual([429, '6']);
    expect(String(last.body)).not.toContain('<script');
  });

  it('needs no script, and loads nothing', async () => {
    const { gate } = await makeGate();
    const page = await gate.loginPage(request('/login'));
    const html = String(page.body);
    expect(html).toContain('<form method="post" action="/login">');
    expect(html).not.toMatch(/<script|<link|<img|\ssrc=|\son\w+=|\sstyle=/);
    expect(page.headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'$/,
    );
  });

  it('is where a person is sent who is not logged in, and no program', async () => {
    const { gate } = await makeGate();
    const accept = 'text/html,application/xhtml+xml';
    const refusal = await gate.check(request('/')).catch((error: unknown) => error);
    expect(gate.pageInstead(request('/', { accept }), refusal)).toMatchObject({
      status: 303,
      headers: { location: '/login' },
    });
    expect(gate.pageInstead(request('/', { accept: 'application/json' }), refusal)).toBeNull();
    expect(gate.pageInstead(request('/', { accept, authorization: 'Bearer x' }), refusal)).toBeNull();
    expect(gate.pageInstead(request('/', { accept }, { method: 'POST' }), refusal)).toBeNull();
    expect(gate.pageInstead(request('/', { accept }), new Error('x'))).toBeNull();
  });
});
