/**
 * Which values of an environment are secret, how they are masked wherever Berth shows them, and how a masked value
 * that comes back is taken for what it stands for. Pure. docs/security.md has it in words.
 *
 * A value is secret when its key says so (`DB_PASSWORD`), or when it says so itself (a URL with a password in it, a
 * private key). What comes by `secret_file` never reaches the registry at all.
 */
import type { ComponentSpec } from './spec.js';

/** What stands for a secret. Eight, whatever the length: the length is nobody's business. */
export const maskText = '••••••••';

type Env = Readonly<Record<string, string>>;

/** Says secret wherever it stands in a key, separators or not. */
const strongWords =
  /passw(?:or)?d|passphrase|passcode|secret|token|credential|apikey|privatekey|accesskey|authkey|signingkey|encryptionkey/;
/** Say secret as a word of their own. */
const weakWords = new Set(['key', 'keys', 'pass', 'pwd', 'pw', 'auth', 'cred', 'creds', 'dsn', 'jwt', 'psk', 'salt']);
const publicWords = new Set(['public', 'pub']);

const urlWithPassword = /([a-z][a-z0-9+.-]{0,30}:\/\/[^\s/:@"']*:)([^\s"'/]+)(?=@)/gi;
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^-]*-----END [A-Z ]*PRIVATE KEY-----)?/;

/** Shorter ones are not looked for in the middle of sentences: too much else would be struck out. */
const leastScrubbed = 4;

/** Whether a key of an environment says that its value is secret. */
export function isSecretKey(key: string): boolean {
  // Every shell calls its working directory so.
  if (key === 'PWD' || key === 'OLDPWD') return false;
  const lower = key.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
  if (strongWords.test(lower.replaceAll(/[^a-z0-9]/g, ''))) return true;
  const words = lower.split(/[^a-z0-9]+/);
  return words.some((word) => weakWords.has(word)) && !words.some((word) => publicWords.has(word));
}

/** Whether a value is to be masked. An empty one hides nothing; the path of a file is not what is in it. */
export function isSecret(key: string, value: string): boolean {
  if (value === '') return false;
  if (privateKey.test(value) || holdsUrlPassword(value)) return true;
  return isSecretKey(key) && !(/(?:file|path|dir)$/i.test(key) && value.startsWith('/'));
}

function holdsUrlPassword(text: string): boolean {
  return text.includes('://') && text.search(urlWithPassword) >= 0;
}

/** The environment with its secrets masked; the same object when there are none. */
export function maskEnv(env: Env): Env {
  const entries = Object.entries(env);
  if (!entries.some(([key, value]) => isSecret(key, value))) return env;
  return Object.fromEntries(entries.map(([key, value]) => [key, isSecret(key, value) ? maskText : value]));
}

/** The spec with the secrets of its environment and its build arguments masked; the same object when there are none. */
export function maskSpec(spec: ComponentSpec): ComponentSpec {
  const env = maskEnv(spec.env);
  const before = spec.build?.args;
  const args = before === undefined ? undefined : maskEnv(before);
  if (env === spec.env && args === before) return spec;
  return { ...spec, env, build: withArgs(spec.build, args) };
}

function withArgs(build: ComponentSpec['build'], args: Env | undefined): ComponentSpec['build'] {
  return build === null || args === undefined ? build : { ...build, args };
}

/** A masked value that stands for nothing: there is no stored one to put in its place. */
export interface LostSecret {
  /** `env.KEY`, `build.args.KEY`. */
  readonly field: string;
}

/**
 * The spec with what is masked put back from what is stored; undefined: there is no such component. A mask within a
 * longer value, or one that nothing is stored for, is lost: whoever writes it must write the value. `blind`: whatever is
 * secret, or was, is put back too, so that a comparison tells nothing of whether a guess was right.
 */
export function restoreSpec(
  spec: ComponentSpec,
  stored: ComponentSpec | undefined,
  blind = false,
): { readonly spec: ComponentSpec; readonly lost: readonly LostSecret[] } {
  const lost: LostSecret[] = [];
  const env = blindly(restoreEnv(spec.env, stored?.env, 'env', lost), stored?.env, blind);
  const before = spec.build?.args;
  const args =
    before === undefined
      ? undefined
      : blindly(restoreEnv(before, stored?.build?.args, 'build.args', lost), stored?.build?.args, blind);
  if (env === spec.env && args === before) return { spec, lost };
  return { spec: { ...spec, env, build: withArgs(spec.build, args) }, lost };
}

function restoreEnv(env: Env, stored: Env | undefined, field: string, lost: LostSecret[]): Env {
  const entries = Object.entries(env);
  if (!entries.some(([, value]) => value.includes(maskText))) return env;
  return Object.fromEntries(
    entries.map(([key, value]) => {
      const known = stored !== undefined && Object.hasOwn(stored, key) ? stored[key] : undefined;
      if (!value.includes(maskText) || value === known) return [key, value];
      if (value === maskText && known !== undefined) return [key, known];
      lost.push({ field: `${field}.${key}` });
      return [key, value];
    }),
  );
}

function blindly(env: Env, stored: Env | undefined, blind: boolean): Env {
  if (!blind || stored === undefined) return env;
  return Object.fromEntries(
    Object.entries(env).map(([key, value]) => {
      const known = Object.hasOwn(stored, key) ? stored[key] : undefined;
      return [key, known !== undefined && (isSecret(key, value) || isSecret(key, known)) ? known : value];
    }),
  );
}

/** The secret values that a spec holds. */
export function secretsOf(spec: ComponentSpec): readonly string[] {
  const known = secretsOfSpec.get(spec);
  if (known !== undefined) return known;
  const secrets = [...secretsIn(spec.env), ...secretsIn(spec.build?.args ?? {})];
  secretsOfSpec.set(spec, secrets);
  return secrets;
}

/** Specs never change, and every view of a component asks for its secrets. */
const secretsOfSpec = new WeakMap<ComponentSpec, readonly string[]>();

function secretsIn(env: Env): readonly string[] {
  return Object.entries(env).flatMap(([key, value]) => (isSecret(key, value) ? [value] : []));
}

/**
 * The secret values that a workload is made with: those of its definition, and with a secret file whatever no
 * definition shows.
 */
export function secretsOfWorkload(spec: ComponentSpec, env: Env): readonly string[] {
  const hidden = spec.secretFile.length > 0;
  return Object.entries(env).flatMap(([key, value]) =>
    isSecret(key, value) || (hidden && !Object.hasOwn(spec.env, key)) ? [value] : [],
  );
}

/** Text with these secrets masked, as they are and as JSON writes them, and with the password of every URL. */
export function scrub(text: string, secrets: readonly string[]): string {
  let clean = text;
  if (secrets.length > 0) {
    const spellings = secrets.filter((secret) => secret.length >= leastScrubbed).flatMap(spellingsOf);
    // Longest first: one may be part of another.
    spellings.sort((a, b) => b.length - a.length);
    for (const spelling of spellings) if (clean.includes(spelling)) clean = clean.replaceAll(spelling, () => maskText);
  }
  clean = clean.replace(privateKey, maskText);
  return holdsUrlPassword(clean) ? clean.replaceAll(urlWithPassword, `$1${maskText}`) : clean;
}

function spellingsOf(secret: string): readonly string[] {
  const quoted = JSON.stringify(secret).slice(1, -1);
  return quoted === secret ? [secret] : [secret, quoted];
}
