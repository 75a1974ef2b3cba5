/** The dashboard as the agent serves it: the overview and the bundled files, all read once. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { DoctorCheck, StatusReport } from '../../api/views.js';
import { renderOverview } from './overview.js';

/** One file of the dashboard. */
export interface Asset {
  readonly body: Buffer;
  /** Content-Type. */
  readonly type: string;
  /** Its name bears a hash of its content: it never changes. */
  readonly immutable: boolean;
}

/** What the server needs of the dashboard. */
export interface DashboardPages {
  /** The whole document, as HTML, with what runs out. */
  overview(report: StatusReport, outlook?: readonly DoctorCheck[]): string;
  /** By the path of the address, such as `/assets/main-1a2b.js`; undefined: there is no such file. */
  asset(path: string): Asset | undefined;
}

export interface PagesOptions {
  /** Where the dashboard was built to: `dist/dashboard`. Without it there is the table alone. */
  readonly folder: string;
  readonly version: string;
  /** What the home is called. */
  readonly home: string;
}

interface ManifestEntry {
  readonly file: string;
  readonly isEntry?: boolean;
  readonly css?: readonly string[];
}

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Reads all files at once: a dashboard that is built anew later is not mixed with this one. */
export function loadPages({ folder, version, home }: PagesOptions): DashboardPages {
  const manifest = readManifest(folder);
  const assets = readAssets(join(folder, 'assets'));
  const entry = Object.values(manifest).find(({ isEntry }) => isEntry === true);
  const icon = Object.values(manifest).find(({ file }) => file.endsWith('.svg'))?.file;
  const facts = {
    version,
    home,
    scripts: entry === undefined ? [] : [`/${entry.file}`],
    styles: (entry?.css ?? []).map((file) => `/${file}`),
    icon: icon === undefined ? null : `/${icon}`,
  };
  return {
    overview: (report, outlook) => renderOverview(report, facts, outlook),
    asset: (path) => assets.get(path),
  };
}

function readManifest(folder: string): Readonly<Record<string, ManifestEntry>> {
  try {
    return JSON.parse(readFileSync(join(folder, '.vite', 'manifest.json'), 'utf8')) as Record<string, ManifestEntry>;
  } catch {
    // It was not built: the agent serves without it.
    return {};
  }
}

function readAssets(folder: string): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  for (const name of listFiles(folder)) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    assets.set(`/assets/${name}`, { body: readFileSync(join(folder, name)), type, immutable: true });
  }
  return assets;
}

function listFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
