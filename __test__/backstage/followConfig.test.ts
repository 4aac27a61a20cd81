import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { ConfigReader, type Config } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import { followConfig, LIVE } from '../../dist/backstage/followConfig';
import type { MetricsUpdate } from '@nativestage/metrics/sdk';
import { type Logger, setLogger } from '@nativestage/metrics/sdk';

/** A configuration that can change, as Backstage's does when its files do. */
class ChangingConfig {
  private listeners = new Set<() => void>();
  private now: JsonObject = {};

  get config(): Config {
    return {
      getOptional: (key: string) =>
        new ConfigReader({ backend: { metrics: this.now } }).getOptional(key),
      subscribe: (listener: () => void) => {
        this.listeners.add(listener);
        return { unsubscribe: () => this.listeners.delete(listener) };
      },
    } as unknown as Config;
  }

  change(metrics: JsonObject): void {
    this.now = metrics;
    this.listeners.forEach(listener => listener());
  }
}

function follow(live = LIVE as readonly (keyof MetricsUpdate)[]) {
  const lines: string[] = [];
  const line = (level: string) => (message: string) =>
    void lines.push(`${level}: ${message}`);
  setLogger({
    error: line('error'),
    warn: line('warn'),
    info: line('info'),
    debug: line('debug'),
  });
  const changing = new ChangingConfig();
  const updates: MetricsUpdate[] = [];
  const end = followConfig(changing.config, live, update => {
    if (update.cardinalityLimit === 0) {
      throw new Error('backend.metrics.cardinalityLimit: found 0');
    }
    if (update.exporters?.otlp === false) {
      throw new Error('backend.metrics.exporters.otlp: found a change');
    }
    updates.push(update);
  });
  return { changing, updates, lines, end };
}

describe('a change of the configuration while the backend runs', () => {
  afterEach(() => setLogger(undefined as unknown as Logger));

  test('is applied where it can be', () => {
    const { changing, updates, lines, end } = follow();
    const views = [{ selector: { unit: 's' }, stream: {} }];
    changing.change({ views, cardinalityLimit: 10 });
    changing.change({ views, cardinalityLimit: 10 });
    changing.change({ cardinalityLimit: 10 });
    end();
    changing.change({});
    assert.deepEqual(updates, [
      { views, cardinalityLimit: 10 },
      { views: null },
    ]);
    assert.equal(lines.length, 2);
    assert.match(
      lines[0],
      /info: .*backend\.metrics\.views, backend\.metrics\.cardinalityLimit/,
    );
  });

  test('is a warning where it needs another start', () => {
    const { changing, updates, lines } = follow(['plugin']);
    changing.change({ exporters: { otlp: false }, views: [] });
    assert.deepEqual(updates, []);
    assert.equal(lines.length, 1);
    assert.match(
      lines[0],
      /warn: .*backend\.metrics\.exporters, backend\.metrics\.views .*again/,
    );
  });

  test('of exporters takes nothing else with it where they cannot take it on', () => {
    const { changing, updates, lines } = follow();
    changing.change({ exporters: { otlp: false }, cardinalityLimit: 5 });
    assert.deepEqual(updates, [{ cardinalityLimit: 5 }]);
    assert.match(lines.join(), /error: .*metrics\.exporters is not applied/);
    const exporters = { otlp: { interval: 1000 } };
    changing.change({ exporters, cardinalityLimit: 5 });
    assert.deepEqual(updates.slice(1), [{ exporters }]);
  });

  test('is an error where it is not valid, and tried again once it is', () => {
    const { changing, updates, lines } = follow();
    changing.change({ cardinalityLimit: 0 });
    assert.match(lines.join(), /error: .*cardinalityLimit: found 0/);
    changing.change({ cardinalityLimit: 5 });
    assert.deepEqual(updates, [{ cardinalityLimit: 5 }]);
  });
});
