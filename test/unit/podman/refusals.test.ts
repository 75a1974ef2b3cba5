import { describe, expect, it } from 'vitest';
import { codeOf, errorOfRefusal, portOf, readRefusal } from '../../../src/runtimes/podman/refusals.js';

const refusal = (message: string, cause = '', status = 500): ReturnType<typeof readRefusal> =>
  readRefusal(status, JSON.stringify({ message, cause, response: status }));

/** Podman's own words, as versions 4.3 to 5 say them. */
const cases = [
  ['E_PORT_TAKEN', 'cannot listen on the TCP port: listen tcp4 127.0.0.1:18080: bind: address already in use'],
  ['E_PORT_TAKEN', 'rootlessport listen tcp 0.0.0.0:8080: bind: address already in use'],
  [
    'E_NAME_TAKEN',
    'creating container storage: the container name "web" is already in use by 469e1d2a. You have to remove that container to be able to reuse that name: that name is already in use',
  ],
  [
    'E_NAME_TAKEN',
    'renaming container 469e: name web already in use, cannot rename container: container already exists',
  ],
  ['E_IMAGE_MISSING', '004cdaaf335f: image not known'],
  ['E_WORKLOAD_MISSING', 'no container with name or ID "nope" found: no such container'],
  ['E_VOLUME_SOURCE', 'statfs /srv/nothing: no such file or directory'],
  ['E_DISK_FULL', 'writing blob: write /var/tmp/x: no space left on device'],
  [
    'E_DRIVER_FAILED',
    'runc: runc create failed: unable to start container process: exec: "/nope": stat /nope: no such file or directory: OCI runtime attempted to invoke a command that was not found',
  ],
  ['E_DRIVER_FAILED', 'unable to find user nobodyx: no matching entries in passwd file'],
] as const;

describe('refusals of podman', () => {
  it.each(cases)('%s: %s', (code, message) => {
    expect(codeOf(refusal(message))).toBe(code);
  });

  it('keep podman’s words, and name the port', () => {
    const [, message] = cases[0];
    const error = errorOfRefusal(refusal(message, 'address already in use'), 'start shop-web');
    expect(error).toMatchObject({ code: 'E_PORT_TAKEN', details: { port: 18_080, podman: message } });
    expect(error.message).toContain('port 18080');
    expect(error.message).toContain(message);
  });

  it('suggest what helps on hosts that lack a right', () => {
    const message =
      'runc: error setting rlimits for ready process: error setting rlimit type 7: operation not permitted';
    expect(errorOfRefusal(refusal(message), 'start shop-web').suggestion).toContain('ulimits');
  });

  it('are readable whatever they are', () => {
    expect(readRefusal(502, '')).toEqual({ status: 502, cause: '', message: 'HTTP status 502' });
    expect(readRefusal(500, 'plain text').message).toBe('plain text');
    expect(readRefusal(500, '[]').message).toBe('[]');
  });

  it('name ports of IPv6 addresses too', () => {
    expect(portOf('listen tcp [::1]:8443: bind: address already in use')).toBe(8443);
    expect(portOf('nothing of the kind')).toBeUndefined();
  });
});
