/**
 * The configuration file of ops: keys and types as Go's JSON decoder takes them with DisallowUnknownFields. Source:
 * github.com/nanovms/ops types/config.go. Keys match whatever their case, as they do in Go.
 */
import { readFileSync } from 'node:fs';

const [text, flag, number, list, map] = ['string', 'bool', 'int', '[]string', 'map[string]string'];
const runConfig = {
  ...Object.fromEntries(
    [
      ...[
        'AtExit',
        'BridgeIPAddress',
        'BridgeName',
        'GPUType',
        'Gateway',
        'ImageName',
        'InstanceGroup',
        'InstanceName',
      ],
      ...['IPAddress', 'IPv6Address', 'Kernel', 'Memory', 'Mgmt', 'NetMask', 'TapName'],
    ].map((key) => [key, text]),
  ),
  ...Object.fromEntries(
    [
      ...['Accel', 'Bridged', 'CanIPForward', 'Debug', 'Vga', 'AttachVolumeOnInstanceCreate', 'Background'],
      ...['BackgroundDetach', 'QMP', 'ShowDebug', 'ShowErrors', 'ShowWarnings', 'JSON', 'Verbose'],
    ].map((key) => [key, flag]),
  ),
  ...Object.fromEntries(['CPUs', 'GPUs', 'GdbPort', 'VolumeSizeInGb', 'ThreadsPerCore'].map((key) => [key, number])),
  ...Object.fromEntries(['Mounts', 'Ports', 'UDPPorts'].map((key) => [key, list])),
};
const schema = {
  ...Object.fromEntries(
    [
      ...['BaseVolumeSz', 'Boot', 'UefiBoot', 'BuildDir', 'home', 'Kernel', 'KlibDir', 'NanosVersion', 'Program'],
      ...['ProgramPath', 'LocalFilesParentDirectory', 'TargetRoot', 'Version', 'Language', 'Description', 'VolumesDir'],
      ...['PackageBaseURL', 'PackageManifestURL'],
    ].map((key) => [key, text]),
  ),
  ...Object.fromEntries(
    ['DisableArgsCopy', 'Uefi', 'Force', 'NightlyBuild', 'RebootOnExit', 'TFSv4'].map((key) => [key, flag]),
  ),
  ...Object.fromEntries(
    ['Args', 'Debugflags', 'Dirs', 'Files', 'Klibs', 'NameServers', 'NoTrace'].map((key) => [key, list]),
  ),
  ...Object.fromEntries(['Env', 'MapDirs', 'Mounts', 'TargetConfig'].map((key) => [key, map])),
  ManifestPassthrough: 'manifest',
  CloudConfig: 'any',
  RunConfig: runConfig,
};

/** An error of the first reading, which ops does before it does anything else. */
function refuse(message) {
  const more = 'See more details at https://nanovms.gitbook.io/ops/configuration';
  throw Object.assign(new Error(`failed converting configuration file: ${message}\n${more}`), { isSchema: true });
}

/** @param {string | undefined} path */
export function readConfig(path) {
  let config = {};
  if (path !== undefined) {
    let content;
    try {
      content = readFileSync(path, 'utf8');
    } catch (error) {
      throw new Error(`error reading config: ${error.message}`);
    }
    try {
      config = JSON.parse(content);
    } catch (error) {
      refuse(error.message);
    }
  }
  const known = check(config, schema, '');
  return {
    ...known,
    RunConfig: known.RunConfig ?? {},
    Env: known.Env ?? {},
    Args: known.Args ?? [],
    Files: known.Files ?? [],
    Dirs: known.Dirs ?? [],
    MapDirs: known.MapDirs ?? {},
    ManifestPassthrough: known.ManifestPassthrough ?? {},
    NameServers: known.NameServers?.length ? known.NameServers : ['8.8.8.8'],
  };
}

function check(value, wanted, where) {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuse(`json: cannot unmarshal into ${where}`);
  const names = new Map(Object.keys(wanted).map((key) => [key.toLowerCase(), key]));
  const result = {};
  for (const [key, one] of Object.entries(value)) {
    const name = names.get(key.toLowerCase());
    if (name === undefined) refuse(`json: unknown field "${key}"`);
    const type = wanted[name];
    if (typeof type === 'object') result[name] = check(one, type, name);
    else if (fits(one, type)) result[name] = one;
    else refuse(`json: cannot unmarshal ${kindOf(one)} into Go struct field Config.${name} of type ${type}`);
  }
  return result;
}

const kindOf = (value) => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value);
const areStrings = (values) => values.every((value) => typeof value === 'string');

function fits(value, type) {
  const kind = kindOf(value);
  if (type === text) return kind === 'string';
  if (type === flag) return kind === 'boolean';
  if (type === number) return Number.isInteger(value);
  if (type === list) return kind === 'array' && areStrings(value);
  if (type === map) return kind === 'object' && areStrings(Object.values(value));
  return kind === 'object';
}
