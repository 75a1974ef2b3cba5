/** A real agent with a few components, and a browser that is logged in to its dashboard. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { ensureTestImage } from './podman-image.js';
import { freePort, makeTestHome, type RunningAgent, type TestHome } from './test-home.js';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What no page may ever show. */
export const secret = 'hunter2-of-the-shop';

export interface Dashboard {
  readonly home: TestHome;
  /** Of the pages, with a slash at its end. */
  readonly url: string;
  /** The definition that was deployed. */
  readonly text: string;
  /** The agent that serves now. */
  agent(): RunningAgent;
  /** Starts another one; the former has ended. */
  startAgent(): Promise<void>;
  /** Pages that share a login, which is made first. What goes wrong in them is added to `complaints`. */
  open(options?: BrowserContextOptions): Promise<BrowserContext>;
  /** Errors of scripts, and refusals of the policy for content, in any page. */
  readonly complaints: string[];
  dispose(): Promise<void>;
}

export interface DashboardOptions {
  /** Environment variables, such as BERTH_RELIST_S. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Done with the folder of the home before an agent starts in it. */
  readonly prepare?: (home: TestHome) => Promise<unknown>;
}

/** Takes some seconds; `dispose` cleans all of it up. */
export async function makeDashboard({ settings = {}, prepare }: DashboardOptions = {}): Promise<Dashboard> {
  const port = await freePort();
  const [home, image, folder, browser] = await Promise.all([
    makeTestHome({ BERTH_RELIST_S: '3', BERTH_API_LISTEN: `127.0.0.1:${port}`, ...settings }),
    ensureTestImage(),
    mkdtemp(join(tmpdir(), 'bh-page-')),
    launch(),
  ]);
  await prepare?.(home);
  let agent = await home.startAgent();
  const text = definition(image.reference);
  await writeFile(join(folder, 'shop.toml'), text);
  const applied = await home.berth('apply', '-f', join(folder, 'shop.toml'), '-m', 'first');
  if (applied.exitCode !== 0) throw new Error(applied.stderr);
  const complaints: string[] = [];
  return {
    home,
    url: `http://127.0.0.1:${port}/`,
    text,
    complaints,
    agent: () => agent,
    startAgent: async () => {
      agent = await home.startAgent();
    },
    open: async (options = {}) => logIn(await browser.newContext(options), home, complaints),
    dispose: async () => {
      await browser.close();
      await home.dispose();
      await image.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Two that run, and one that ends again and again. */
function definition(image: string): string {
  const component = (name: string, more: string): string =>
    `[[components]]\nname = "${name}"\nimage = "${image}"\npull = "never"\nstop_timeout_s = 1\n${more}\n`;
  const end = 'command = ["/bin/sh", "-c", "echo no database; exit 3"]';
  const web = `memory_mb = 64\nenv = { DB_PASSWORD = "${secret}", LOG_LEVEL = "info" }\n`;
  return `name = "shop"\n\n${component('web', web)}${component('db', 'memory_mb = 32')}${component('broken', end)}`;
}

async function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: flags });
}

async function logIn(context: BrowserContext, home: TestHome, complaints: string[]): Promise<BrowserContext> {
  const link = await home.berth('login');
  if (link.exitCode !== 0) throw new Error(`no login link: ${link.stderr}`);
  context.setDefaultTimeout(15_000);
  context.on('weberror', (error) => complaints.push(error.error().message));
  context.on('console', (message) => {
    // That an agent is away for a while is no fault of the page.
    const isExpected = /Failed to load resource|ERR_CONNECTION|ERR_INCOMPLETE/.test(message.text());
    if (message.type() === 'error' && !isExpected) complaints.push(message.text());
  });
  const page = await context.newPage();
  await page.goto(link.stdout.trim());
  // The link leads on by itself; Chromium sometimes keeps a page that is closed just then.
  await page.locator('.live.live').waitFor();
  await page.close();
  return context;
}

/** A page of the dashboard that has taken over and is live. */
export async function pageAt(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await page.locator('.live.live').waitFor();
  return page;
}

/** The row of a component in the table. */
export function rowOf(page: Page, key: string) {
  return page.locator(`tr[data-key="${key}"]`);
}
