/** Checks OCI image references by the grammar of github.com/distribution/reference, and paths of disk images. */
import type { Fault } from './fault.js';
import { quote } from './show.js';
import { diskImageForm, diskImagePath, isDiskImage } from '../core/vm-rules.js';

const hostPattern =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[0-9a-fA-F:]+\])$/;
const pathPartPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,128}$/;
const maxNameLength = 255;
const maxDiskLength = 1_024;
const example = 'write it as host/path:tag, for example "localhost/shop-web:1.4"';

interface ReferenceParts {
  readonly host: string | undefined;
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** A disk on this host instead of an OCI image; whether the runtime can boot it is another question. */
function diskFault(text: string, fault: MakeFault): Fault | undefined {
  if (diskImagePath(text) !== undefined && /^[!-~]+$/.test(text) && text.length <= maxDiskLength) return undefined;
  return fault('names no disk image', diskImageForm);
}

function splitReference(text: string): ReferenceParts {
  const [beforeDigest = '', ...digestParts] = text.split('@');
  const digest = digestParts.length > 0 ? digestParts.join('@') : undefined;
  const lastSlash = beforeDigest.lastIndexOf('/');
  const colon = beforeDigest.indexOf(':', lastSlash + 1);
  const tag = colon < 0 ? undefined : beforeDigest.slice(colon + 1);
  const name = colon < 0 ? beforeDigest : beforeDigest.slice(0, colon);
  const [first = '', ...rest] = name.split('/');
  const firstIsHost =
    rest.length > 0 && (/[.:[]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  if (firstIsHost) return { host: first, path: rest.join('/'), tag, digest };
  return { host: undefined, path: name, tag, digest };
}

/** What is wrong with an image reference; undefined when it is one. */
export function imageFault(text: string): Fault | undefined {
  const fault = (message: string, suggestion = example): Fault => ({
    message: `${quote(text)} ${message}`,
    suggestion,
  });
  if (text === '') return { message: 'the image reference is empty', suggestion: example };
  if (/\s/.test(text)) return fault('has a blank in it, which no image reference can');
  if (isDiskImage(text)) return diskFault(text, fault);
  const scheme = /^[a-z+-]+:\/\//.exec(text)?.[0];
  if (scheme !== undefined) return fault(`begins with ${scheme}`, `leave it out: ${quote(text.slice(scheme.length))}`);
  const { host, path, tag, digest } = splitReference(text);
  const nameLength = (host === undefined ? 0 : host.length + 1) + path.length;
  const lowerCase = text.slice(0, nameLength).toLowerCase() + text.slice(nameLength);
  return (
    hostFault(host, fault) ??
    pathFault(path, `write it in lower case: ${quote(lowerCase)}`, fault) ??
    tagFault(tag, fault) ??
    digestFault(digest, fault) ??
    lengthFault(nameLength, fault)
  );
}

type MakeFault = (message: string, suggestion?: string) => Fault;

function hostFault(host: string | undefined, fault: MakeFault): Fault | undefined {
  if (host === undefined) return undefined;
  const [, name = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(host) ?? [];
  if (!hostPattern.test(name)) return fault(`has the host ${quote(host)}, which is not a host name`);
  if (port === undefined) return undefined;
  const isPort = /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535;
  return isPort ? undefined : fault(`has the port ${quote(port)}`, 'a port is a number from 1 to 65535');
}

function pathFault(path: string, lowerCase: string, fault: MakeFault): Fault | undefined {
  if (path === '') return fault('has no name after the host');
  for (const part of path.split('/')) {
    if (part === '') return fault('has an empty part between slashes');
    if (pathPartPattern.test(part)) continue;
    if (part !== part.toLowerCase()) return fault(`has upper-case letters in ${quote(part)}`, lowerCase);
    return fault(
      `has the part ${quote(part)}, which is not a name`,
      'a part has lower-case letters and digits, with single dots, dashes or underscores between them',
    );
  }
  return undefined;
}

function tagFault(tag: string | undefined, fault: MakeFault): Fault | undefined {
  if (tag === undefined || tagPattern.test(tag)) return undefined;
  if (tag === '') return fault('ends with a colon but names no tag', 'name a tag, or leave out the colon');
  return fault(
    `has the tag ${quote(tag)}`,
    'a tag has at most 128 letters, digits, dots, dashes and underscores, and begins with none of dot and dash',
  );
}

function digestFault(digest: string | undefined, fault: MakeFault): Fault | undefined {
  if (digest === undefined) return undefined;
  const [algorithm = '', hex = ''] = digest.split(':');
  const wrongLength = algorithm === 'sha256' && hex.length !== 64;
  if (digestPattern.test(digest) && !wrongLength) return undefined;
  return fault(`has the digest ${quote(digest)}`, 'a digest is sha256: and 64 hexadecimal digits');
}

function lengthFault(length: number, fault: MakeFault): Fault | undefined {
  if (length <= maxNameLength) return undefined;
  return fault(`has a name of ${length} characters`, `a name has at most ${maxNameLength} characters`);
}
