// dist/page: the page of the network test, as files that any web server can serve.

import { join } from 'node:path';
import { projectDirectory } from './paths.js';

/** What has light-dark() and nesting, and WebRTC as the test needs it. */
const BROWSERS = ['chrome123', 'edge123', 'firefox121', 'safari17.5'];

/** Needs dist/wasm. */
export async function buildPage() {
  const { build } = await import('vite');
  await build({
    configFile: false,
    root: join(projectDirectory, 'js/page'),
    // It may be served in any folder.
    base: './',
    publicDir: false,
    logLevel: 'warn',
    build: {
      outDir: join(projectDirectory, 'dist/page'),
      emptyOutDir: true,
      target: BROWSERS,
      cssTarget: BROWSERS,
      // A policy that allows data: nowhere but in images.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      license: false,
      rolldownOptions: {
        output: {
          entryFileNames: '[name]-[hash:8].js',
          chunkFileNames: '[name]-[hash:8].js',
          assetFileNames: '[name]-[hash:8][extname]',
        },
      },
    },
  });
}
