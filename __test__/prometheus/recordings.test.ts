import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually';
import {
  ask,
  readRecording,
  type RecordedAnswer,
  RECORDINGS,
  startServers,
  writeRecording,
} from '../support/recordings';
import {
  ALERTMANAGER,
  VICTORIA_METRICS,
  VMALERT,
  without,
} from '../support/tools';

// METRICS_RECORD=1 writes them anew.
const isRecording = process.env.METRICS_RECORD === '1';

test(
  'the real servers still answer in the shape that was recorded',
  { skip: without(VICTORIA_METRICS, VMALERT, ALERTMANAGER.server) },
  async t => {
    const urls = await startServers(t);
    const isReady = async () => {
      const rules = await ask(urls.vmalert, {
        name: '',
        server: 'vmalert',
        path: '/api/v1/rules',
      });
      const text = JSON.stringify(rules.body);
      for (const word of ['firing', 'pending', 'cannot compile regex']) {
        assert.ok(text.includes(word), text);
      }
      const sent = await ask(urls.alertmanager, {
        name: '',
        server: 'alertmanager',
        path: '/api/v2/alerts',
      });
      assert.match(JSON.stringify(sent.body), /"silencedBy":\["/);
    };
    await eventually(isReady);
    for (const recording of RECORDINGS) {
      await t.test(recording.name, async () => {
        const answer = await ask(urls[recording.server], recording);
        if (isRecording) {
          writeRecording(recording, answer);
        }
        assert.deepEqual(
          shapeOfAnswer(answer),
          shapeOfAnswer(readRecording(recording)),
        );
      });
    }
  },
);

function shapeOfAnswer({ body, ...rest }: RecordedAnswer): object {
  return { ...rest, body: shapeOf(body) };
}

/** The types of a value's parts; of a list, those that its items have. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) {
    const shapes = value.map(item => JSON.stringify(shapeOf(item)));
    return [...new Set(shapes)].sort();
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, item]) => [key, shapeOf(item)]),
    );
  }
  return value === null ? 'null' : typeof value;
}
