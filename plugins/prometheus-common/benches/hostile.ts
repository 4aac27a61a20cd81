// Reading annotations that are made to be slow: 8 KiB beside 64 KiB of each. What grows with the
// length takes 8 times as long, or less where a limit comes first, and up to 14 where the garbage
// collector comes in; with its square, 64 times.
//
//   node --import tsx plugins/prometheus-common/benches/hostile.ts
import assert from 'node:assert/strict';
import { cpus } from 'node:os';
import type { Entity } from '@backstage/catalog-model';
import { HOSTILE_RULES } from '../../../__test__/support/hostileAnnotations';
import { MAX_ANNOTATION_LENGTH } from '../src/annotations/AnnotationError';
import { RULE_ANNOTATION } from '../src/annotations/names';
import { MAX_PANELS } from '../src/annotations/rules';
import { type Panels, panelsOf } from '../src/panels/panelsOf';

const LARGE = MAX_ANNOTATION_LENGTH - 100;
const SMALL = LARGE / 8;
const ROUNDS = 15;
/** Milliseconds. What is shorter than this is the clock's, or the garbage collector's. */
const NOISE = 1;

function read(text: string): Panels {
  const entity: Entity = {
    apiVersion: 'backstage.io/v1alpha1',
    kind: 'Component',
    metadata: {
      name: 'shop',
      annotations: { much: 'x'.repeat(50_000), [RULE_ANNOTATION]: text },
    },
  };
  return panelsOf(entity);
}

function least(text: string): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    const { panels, problems } = read(text);
    const time = performance.now() - start;
    assert.ok(panels.length <= MAX_PANELS && problems.length <= MAX_PANELS + 1);
    return time;
  });
  return Math.min(...times);
}

console.log(`${cpus()[0].model}, Node ${process.version}`);
for (const [what, textOf] of Object.entries(HOSTILE_RULES)) {
  const [small, large] = [least(textOf(SMALL)), least(textOf(LARGE))];
  const ratio = Math.max(large, NOISE) / Math.max(small, NOISE);
  const { panels, problems } = read(textOf(LARGE));
  console.log(
    [
      what.padEnd(34),
      `${small.toFixed(2).padStart(8)} ms`,
      `${large.toFixed(2).padStart(8)} ms`,
      `×${ratio.toFixed(1).padStart(5)}`,
      `${panels.length} graphs, ${problems.length} problems`,
    ].join('  '),
  );
  assert.ok(ratio < 24, `${what} grows ${ratio} times for 8 times the length`);
}
