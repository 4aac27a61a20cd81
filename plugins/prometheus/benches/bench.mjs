// Our chart beside Recharts, which other Prometheus plugins draw with: the same lines in the same
// Chromium, in turns. Fails if either does not draw every point, or a target is missed.
import assert from 'node:assert/strict';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const ROUNDS = 7;
const MOVES = 30;
/** Of Recharts' time to draw. */
const MAX_SHARE = 1 / 5;
/** A frame at 60 Hz, and a tenth for timers. */
const MAX_FRAME = (1000 / 60) * 1.1;

const here = fileURLToPath(new URL('.', import.meta.url));
const modules = path.resolve(here, '../../../node_modules');
const common = {
  bundle: true,
  write: false,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  minify: true,
  define: { 'process.env.NODE_ENV': '"production"' },
};

const {
  outputFiles: [{ text: script }],
} = await build({
  ...common,
  entryPoints: [path.join(here, 'page.jsx')],
  // One React for both.
  alias: {
    react: path.join(modules, 'react'),
    'react-dom': path.join(modules, 'react-dom'),
  },
});
const {
  outputFiles: [{ contents: chunk }],
} = await build({
  ...common,
  entryPoints: [path.join(here, '../src/chart/TimeSeriesChart.tsx')],
  external: ['react', 'react-dom', '@material-ui/*', '@nativestage/*'],
});

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-background-networking'],
});
const page = await browser.newPage({ viewport: { width: 976, height: 900 } });
await page.setContent('<div id="root"></div>');
await page.addScriptTag({ content: script, type: 'module' });
await page.waitForFunction(() => 'bench' in globalThis);

const names = ['ours', 'recharts'];
for (const name of names) {
  const [points, expected] = await page.evaluate(
    async each => [
      await globalThis.bench.points(each),
      globalThis.bench.expected,
    ],
    name,
  );
  await page.evaluate(() => globalThis.bench.clear());
  assert.equal(points, expected, `points drawn by ${name}`);
}

const draws = { ours: [], recharts: [] };
const frames = { ours: [], recharts: [] };
for (let round = 0; round < ROUNDS; round++) {
  for (const name of names) {
    draws[name].push(
      await page.evaluate(each => globalThis.bench.draw(each), name),
    );
    frames[name].push(
      ...(await page.evaluate(moves => globalThis.bench.hover(moves), MOVES)),
    );
    assert.ok(
      await page.evaluate(() => globalThis.bench.hasTooltip()),
      `${name} shows a tooltip`,
    );
    await page.evaluate(() => globalThis.bench.clear());
  }
}
console.log(
  `${os.cpus()[0].model}, ${os.cpus().length} cores, Chromium ${browser.version()}, Node ${process.version}`,
);
await browser.close();

console.table(
  Object.fromEntries(
    names.map(name => [
      name,
      {
        'draw, ms': round(median(draws[name])),
        'hover frame, ms': round(median(frames[name])),
      },
    ]),
  ),
);
console.log(
  `the chart with uPlot, minified: ${chunk.length} bytes, gzip ${gzipSync(chunk).length}`,
);

const share = median(draws.ours) / median(draws.recharts);
assert.ok(share <= MAX_SHARE, `drawing takes ${share} of Recharts' time`);
const frame = median(frames.ours);
assert.ok(frame <= MAX_FRAME, `a frame takes ${frame} ms while hovering`);

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function round(value) {
  return Math.round(value * 10) / 10;
}
