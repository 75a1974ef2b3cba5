/** What is right for each field, in words: the suggestions of type and range problems. */
import { limits, pullPolicies, reconcileModes, restartPolicies, runtimes, updatePolicies } from '../core/spec.js';
import type { FieldPath } from './positions.js';
import { probeLimits } from './schema.js';

interface Range {
  readonly min: number;
  readonly max: number;
}

const choice = (values: readonly string[]): string => `one of ${values.map((value) => `"${value}"`).join(', ')}`;
const whole = (range: Range, unit: string, example: string): string =>
  `a whole number${unit} from ${range.min} to ${range.max}, for example ${example}`;
const seconds = (key: string): string =>
  `a number of seconds from ${probeLimits.seconds.min} to ${probeLimits.seconds.max}, for example ${key} = 5`;
const list = (example: string): string => `a list of texts, for example ${example}`;

const right: Readonly<Record<string, string>> = {
  '': 'name = "…" and one [[components]] for each program',
  name: 'a text, for example name = "shop"',
  node: 'a text, for example node = "local"',
  active: 'true or false',
  components: 'one [[components]] heading for each program, at least one',
  'components[]': 'a table below a [[components]] heading',
  'components[].name': 'a text, for example name = "web"',
  'components[].runtime': choice(runtimes),
  'components[].image': 'a text, for example image = "localhost/shop-web:1.4"',
  'components[].build': 'a table, for example build = { context = "." }',
  'components[].build.context': 'a folder, for example build = { context = "." }',
  'components[].build.file': 'a text, for example file = "Containerfile"',
  'components[].build.args': 'a table, for example args = { VERSION = "1.4" }',
  'components[].build.args.*': 'a text, a number, true or false',
  'components[].pull': choice(pullPolicies),
  'components[].update': choice(updatePolicies),
  'components[].memory_mb': whole(limits.memoryMb, ' of mebibytes', 'memory_mb = 128'),
  'components[].vcpus': `a number of cores from ${limits.vcpus.min} to ${limits.vcpus.max}, for example vcpus = 1`,
  'components[].command': list('command = ["--port", "8080"]'),
  'components[].env': 'a table, for example env = { LOG_LEVEL = "info" }',
  'components[].env.*': 'a text, a number, true or false',
  'components[].env_file': list('env_file = ["shop.env"]'),
  'components[].secret_file': list('secret_file = ["shop.secrets"]'),
  'components[].ports': list('ports = ["127.0.0.1:8080:80"]'),
  'components[].volumes': list('volumes = ["shop-data:/data"]'),
  'components[].files': list('files = ["/www"]'),
  'components[].user': 'a text, for example user = "1000:1000"',
  'components[].restart': choice(restartPolicies),
  'components[].ready_timeout_s': whole(limits.readyTimeoutS, ' of seconds', 'ready_timeout_s = 60'),
  'components[].log_limit_mb': whole(limits.logLimitMb, ' of mebibytes', 'log_limit_mb = 50'),
  'components[].stop_timeout_s': whole(limits.stopTimeoutS, ' of seconds', 'stop_timeout_s = 10'),
  'components[].reconcile': choice(reconcileModes),
  'components[].depends_on': list('depends_on = ["db"]'),
  'components[].health': 'a table, for example health = { http = "/healthz", port = 8080 }',
  'components[].health.http': 'a text, for example http = "/healthz"',
  'components[].health.tcp': 'true, or leave it out',
  'components[].health.log': 'a text, for example log = "ready to serve"',
  'components[].health.port': whole(probeLimits.port, '', 'port = 8080'),
  'components[].health.interval_s': seconds('interval_s'),
  'components[].health.timeout_s': seconds('timeout_s'),
  'components[].health.restart_after': whole(probeLimits.failures, '', 'restart_after = 3'),
};

/** Paths below these have keys of the user's own. */
const freeKeys = /^components\[\]\.(?:env|build\.args)\./;

/** What would be right at a path of the document. */
export function rightAt(path: FieldPath): string {
  const name = path
    .map((step) => (typeof step === 'number' ? '[]' : `.${step}`))
    .join('')
    .replace(/^\./, '');
  const known = right[name];
  if (known !== undefined) return known;
  if (freeKeys.test(name)) return 'a text, a number, true or false';
  return 'a text in quotes';
}
