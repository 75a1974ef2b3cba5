/**
 * The import boundaries of docs/architecture.md. `only` says what a folder may import;
 * everything else is a violation. test/unit/repo/boundaries.test.ts plants violations of each kind.
 */
const here = '^(src|reconcilers)/';

/** @param {string} name @param {string} comment @param {string} from @param {string} allowed */
const only = (name, comment, from, allowed) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { pathNot: allowed },
});

const packages = '^node_modules/';
const shells = ['registry', 'definition', 'network', 'monitor', 'usage', 'runtimes/[^/]+'];

/** npm packages and Node's own modules are free in a shell; other folders of the project are not. */
const shellRules = shells.map((folder) => ({
  name: `shell-${folder.replace('/[^/]+', '')}`,
  comment:
    'A shell imports core and itself, never another shell (drivers share src/runtimes/host); src/agent/compose.ts brings them together.',
  severity: 'error',
  from: { path: `^src/(${folder})/` },
  to: {
    path: here,
    pathNot: ['^src/core/', '^src/$1/', ...(folder.startsWith('runtimes') ? ['^src/runtimes/host/'] : [])],
  },
}));

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Two files that need each other are one file, or lack a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolvable',
      comment: 'An import that resolves to nothing fails at run time.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-dev-package',
      comment: 'A package that only development has is missing where Berth runs.',
      severity: 'error',
      // The dashboard's app is bundled with what it imports.
      from: { path: here, pathNot: '^src/dashboard/app/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    only('core-is-pure', 'core imports nothing but core: no packages, no Node modules.', '^src/core/', '^src/core/'),
    only(
      'reconcilers-are-pure',
      'reconcilers decide: they import core, each other and xstate.',
      '^reconcilers/',
      `^src/core/|^reconcilers/|${packages}xstate/`,
    ),
    ...shellRules,
    {
      name: 'api-knows-core',
      comment: 'The client interface speaks in terms of core.',
      severity: 'error',
      from: { path: '^src/api/' },
      to: { path: here, pathNot: ['^src/core/', '^src/api/'] },
    },
    {
      name: 'cli-knows-the-api',
      comment: 'The command line knows the client interface, and what stands behind it not.',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: { path: here, pathNot: ['^src/core/', '^src/api/', '^src/cli/'] },
    },
    {
      name: 'dashboard-knows-types',
      comment: 'The dashboard speaks with the agent over HTTP: of the rest it knows the types of core and api.',
      severity: 'error',
      from: { path: '^src/dashboard/' },
      to: { path: here, pathNot: ['^src/dashboard/'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'dashboard-knows-the-api',
      comment: 'What stands behind the API is nothing that a page knows, not even its types.',
      severity: 'error',
      from: { path: '^src/dashboard/' },
      to: { path: here, pathNot: ['^src/(core|api|dashboard)/'] },
    },
    {
      name: 'dashboard-runs-in-two-places',
      comment: 'The agent has no document and no bundler: it knows nothing of the app. The model runs in both.',
      severity: 'error',
      from: { path: '^src/dashboard/(server|model)/' },
      to: { path: '^src/dashboard/app/' },
    },
    {
      name: 'nothing-imports-the-dashboard',
      comment: 'The server is given its pages.',
      severity: 'error',
      from: { path: here, pathNot: '^src/dashboard/|^src/agent/compose-api\\.ts$' },
      to: { path: '^src/dashboard/' },
    },
    {
      name: 'controller-drives-reconcilers',
      comment: 'The controller acts on what reconcilers decide; it reaches the shells through the interfaces of core.',
      severity: 'error',
      from: { path: '^src/controller/' },
      to: { path: here, pathNot: ['^src/core/', '^src/controller/', '^reconcilers/'] },
    },
    {
      name: 'agent-composes-in-one-file',
      comment:
        'Only src/agent/compose.ts, and compose-drivers.ts and compose-api.ts for it, bring the shells together.',
      severity: 'error',
      from: { path: '^src/agent/', pathNot: '^src/agent/compose(-drivers|-api)?\\.ts$' },
      to: { path: here, pathNot: ['^src/core/', '^src/agent/'] },
    },
    {
      name: 'simulation-composes-the-core',
      comment:
        'The simulation puts the real core on a simulated host: no faces, no real runtimes, no agent of the host.',
      severity: 'error',
      from: { path: '^src/simulation/' },
      to: {
        path: here,
        pathNot: ['^src/(core|controller|monitor|registry|simulation)/', '^src/runtimes/simulated/', '^reconcilers/'],
      },
    },
    {
      name: 'nothing-imports-the-simulation',
      comment: 'What serves users never depends on what tries it.',
      severity: 'error',
      from: { path: here, pathNot: '^src/simulation/|^src/agent/compose\\.ts$' },
      to: { path: '^src/simulation/' },
    },
    {
      name: 'nothing-imports-the-composer',
      comment: 'compose.ts and main.ts stand at the top.',
      severity: 'error',
      from: { path: here, pathNot: '^src/main\\.ts$' },
      to: { path: '^src/main\\.ts$|^src/agent/compose\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
