import assert from 'node:assert/strict';
import test from 'node:test';
import { getContrastRatio } from '@material-ui/core/styles/colorManipulator';
import { PALETTES, seriesStyle, seriesStyles } from './colors';
import { STATUS_COLORS } from './statusColors';

type Vector = number[];

/** Linear RGB as people with full dichromacy see it: Machado, Oliveira and Fernandes, 2009. */
const SIGHTS = {
  full: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** Björn Ottosson's OKLab. */
const TO_LMS = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
];
const TO_LAB = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
];

const times = (matrix: Vector[], vector: Vector) =>
  matrix.map(row => row.reduce((sum, each, at) => sum + each * vector[at], 0));

function linear(color: string): Vector {
  return [1, 3, 5].map(at => {
    const share = parseInt(color.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
}

function seen(color: string, sight: Vector[]): Vector {
  const rgb = times(sight, linear(color)).map(each =>
    Math.min(1, Math.max(0, each)),
  );
  return times(TO_LAB, times(TO_LMS, rgb).map(Math.cbrt));
}

// Backstage's papers: white, and Material UI's dark grey.
const PAPERS = { light: '#ffffff', dark: '#424242' };

for (const paper of ['light', 'dark'] as const) {
  test(`each color of the ${paper} palette has a contrast of 3 to its paper`, () => {
    for (const color of PALETTES[paper]) {
      const contrast = getContrastRatio(color, PAPERS[paper]);
      assert.ok(contrast >= 3, `${color}: ${contrast}`);
    }
  });

  test(`each color of a status has a contrast of 3 to ${paper} paper`, () => {
    for (const color of Object.values(STATUS_COLORS[paper])) {
      const contrast = getContrastRatio(color, PAPERS[paper]);
      assert.ok(contrast >= 3, `${color}: ${contrast}`);
    }
  });

  for (const [sight, matrix] of Object.entries(SIGHTS)) {
    test(`success and error stay apart on ${paper} paper with ${sight} sight`, () => {
      const { success, warning, error } = STATUS_COLORS[paper];
      for (const [one, other] of [
        [success, error],
        [warning, error],
      ]) {
        const [a, b] = [seen(one, matrix), seen(other, matrix)];
        const distance = Math.hypot(...a.map((each, i) => each - b[i]));
        assert.ok(distance >= 0.09, `${one} and ${other}: ${distance}`);
      }
    });

    test(`any two colors of the ${paper} palette differ with ${sight} sight`, () => {
      const colors = PALETTES[paper].map(color => seen(color, matrix));
      colors.forEach((a, at) =>
        colors.slice(0, at).forEach((b, other) => {
          const distance = Math.hypot(...a.map((each, i) => each - b[i]));
          assert.ok(
            distance >= (sight === 'tritanopia' ? 0.075 : 0.09),
            `${PALETTES[paper][at]} and ${PALETTES[paper][other]}: ${distance}`,
          );
        }),
      );
    });
  }
}

test('32 series differ in color or dash', () => {
  const styles = Array.from({ length: 32 }, (_, index) =>
    JSON.stringify(seriesStyle(index, 'light')),
  );
  assert.equal(new Set(styles).size, 32);
  assert.equal(seriesStyle(0, 'light').dash, undefined);
});

const colorsOf = (labels: Record<string, string>[], dimension?: string) =>
  seriesStyles(
    labels.map(each => ({ labels: each })),
    'light',
    dimension,
  ).map(({ color }) => color);

test('classes of HTTP statuses have the colors that they mean, whatever their order', () => {
  const { success, notice, warning, error } = STATUS_COLORS.light;
  assert.deepEqual(
    colorsOf([
      { code: '500', path: '/' },
      { code: '200', path: '/' },
      { code: '404', path: '/' },
      { code: '302', path: '/' },
      { code: '503', path: '/' },
    ]),
    [error, success, warning, notice, error],
  );
  assert.deepEqual(colorsOf([{ status: '5xx' }, { status: '2XX' }]), [
    error,
    success,
  ]);
  assert.deepEqual(colorsOf([{ kind: '5xx' }, { kind: '2xx' }], 'kind'), [
    error,
    success,
  ]);
  assert.deepEqual(colorsOf([{ outcome: 'failed' }, { outcome: 'success' }]), [
    error,
    success,
  ]);
});

test('series of one status class differ by their dashes', () => {
  const styles = seriesStyles(
    ['500', '502', '503'].map(code => ({ labels: { code } })),
    'light',
  );
  assert.equal(new Set(styles.map(({ dash }) => String(dash))).size, 3);
});

test('what is no status has the colors of the palette', () => {
  const [first, second] = PALETTES.light;
  for (const labels of [
    [{ code: '200' }, { code: 'queued' }],
    [{ code: '200' }, { path: '/' }],
    [{ port: '200' }, { port: '500' }],
    [{ pod: 'a' }, { pod: 'b' }],
  ] as Record<string, string>[][]) {
    assert.deepEqual(colorsOf(labels), [first, second]);
  }
});
