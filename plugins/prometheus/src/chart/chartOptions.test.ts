import assert from 'node:assert/strict';
import test from 'node:test';
import { alpha, createTheme } from '@material-ui/core/styles';
import { chartOptions, type ChartSpec } from './chartOptions';
import { PALETTES, seriesStyle } from './colors';

function options(spec: Partial<ChartSpec> = {}) {
  const { theme = createTheme(), names = ['a', 'b'] } = spec;
  return chartOptions({
    theme,
    width: 600,
    height: 240,
    names,
    styles: names.map((_, index) => seriesStyle(index, theme.palette.type)),
    graphType: 'line',
    thresholds: [],
    isSelectable: true,
    plotData: () => ({ aligned: [[]], infinities: [] }),
    isShown: () => true,
    events: {
      onCursor: () => {},
      onSelect: () => {},
      onDoubleClick: () => {},
      onFocus: () => {},
    },
    ...spec,
  });
}

test('every series is one of the chart, hidden ones too', () => {
  const { series } = options({ isShown: index => index === 1 });
  assert.deepEqual(
    series.slice(1).map(({ label, show }) => [label, show]),
    [
      ['a', false],
      ['b', true],
    ],
  );
});

test('colors are those of the theme', () => {
  const dark = createTheme({ palette: { type: 'dark' } });
  assert.equal(options().series[1].stroke, PALETTES.light[0]);
  assert.equal(options({ theme: dark }).series[1].stroke, PALETTES.dark[0]);
});

test('a step has a path of its own, and a logarithmic axis is one', () => {
  assert.equal(options().series[1].paths, undefined);
  assert.equal(
    typeof options({ graphType: 'step' }).series[1].paths,
    'function',
  );
  const { y } = options({ scale: 'log' }).scales ?? {};
  assert.equal(y?.distr, 3);
  // A layer of a stack has not the height of its value there.
  assert.equal(
    options({ scale: 'log', graphType: 'stacked' }).scales?.y.distr,
    undefined,
  );
});

test('a line is not filled, an area is', () => {
  assert.equal(options().series[1].fill, undefined);
  assert.equal(
    options({ graphType: 'area' }).series[1].fill,
    alpha(PALETTES.light[0], 0.08),
  );
});

test('a drag selects only where there is something to zoom', () => {
  assert.equal(options().cursor?.drag?.x, true);
  assert.equal(options({ isSelectable: false }).cursor?.drag?.x, false);
  assert.equal(options().cursor?.drag?.setScale, false);
});

test('charts of one key share movements and nothing else', () => {
  assert.equal(options().cursor?.sync, undefined);
  const { sync } = options({ syncKey: 'page' }).cursor ?? {};
  assert.equal(sync?.key, 'page');
  const shares = (type: string) =>
    sync?.filters?.pub?.(type, {} as never, 0, 0, 0, 0, 0);
  assert.deepEqual(
    ['mousemove', 'mousedown', 'mouseup', 'dblclick'].filter(shares),
    ['mousemove'],
  );
});

test('many series do not dim one another, and share one point', () => {
  const names = Array.from({ length: 200 }, (_, index) => String(index));
  assert.equal(options({ names }).focus?.alpha, 1);
  assert.equal(options({ names }).cursor?.points?.one, true);
});
