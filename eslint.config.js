import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Processes are started with execa and argv arrays; a set-up script, which runs before any package is there, may not. */
const noChildProcess = {
  paths: ['child_process', 'node:child_process'].map((name) => ({
    name,
    message: 'Start processes with execa: an argv array and a deadline.',
  })),
};

const size = {
  // Each ?., ?? and && counts: a flat list of cases may have some more than the usual 15.
  complexity: ['error', 15],
  'max-depth': ['error', 4],
  'max-params': ['error', 5],
};

/** What would make a decision depend on more than its arguments. */
const impure = [
  ...['setTimeout', 'setInterval', 'setImmediate', 'process', 'fetch', 'performance', 'crypto', 'console'].map(
    (name) => ({ name, message: 'core and reconcilers are pure: take it as an argument.' }),
  ),
];

export default defineConfig(
  globalIgnores(['dist/', 'node_modules/', 'bench/results/', '.berth/', '.ci/artifacts/']),
  {
    linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' },
  },
  {
    files: ['**/*.ts', '**/*.tsx', 'scripts/**/*.mjs'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...size,
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-imports': ['error', noChildProcess],
      'no-implicit-coercion': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // An interface of promises is met by functions that need not wait for anything.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      // `void` also says of an argument that it is not needed.
    },
  },
  {
    // What runs in a browser has types of its own.
    files: ['src/dashboard/app/**/*.ts', 'src/dashboard/app/**/*.tsx'],
    languageOptions: { parserOptions: { projectService: false, project: ['tsconfig.dashboard.json'] } },
  },
  {
    files: ['src/**/*.ts', 'src/**/*.tsx', 'reconcilers/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 350, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['src/core/**/*.ts', 'reconcilers/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...impure],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'The time is an argument.' },
        { object: 'Math', property: 'random', message: 'Randomness is an argument.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'The time is an argument.' },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 600, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'MemberExpression[object.name=/^(it|test|describe|suite|bench)$/][property.name=/^(skip|only|todo|skipIf|fails)$/]',
          message: 'A test that does not run proves nothing.',
        },
      ],
    },
  },
  {
    files: ['bench/**/*.ts', 'scripts/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['scripts/**/*.mjs'],
    rules: { 'no-console': 'off', 'no-restricted-imports': 'off' },
  },
);
