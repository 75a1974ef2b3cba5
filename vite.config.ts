import { defineConfig } from 'vite';

/** The dashboard: src/dashboard/app/ becomes dist/dashboard/, with a manifest from which the agent learns the names. */
export default defineConfig({
  root: 'src/dashboard/app',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../../../dist/dashboard',
    emptyOutDir: true,
    manifest: true,
    target: 'es2022',
    // Nothing may come as a data: address, which the policy of the pages refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { input: 'src/dashboard/app/main.tsx' },
  },
});
