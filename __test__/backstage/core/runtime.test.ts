import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectGarbage } from '../../support/collectGarbage';
import { eventually } from '../../support/eventually';
import { startBackend } from './support';

const RUNTIME = 'backstage.core.runtime';

describe('runtime metrics', () => {
  test('are there for every reader, also for one right behind another', async t => {
    const { metrics } = await startBackend(t, { features: [] });
    await eventually(async () => {
      const collection = await metrics.collect();
      assert.ok(collection.metric(`${RUNTIME}.nodejs.eventloop.delay.p99`));
    });
    for (let reader = 0; reader < 5; reader += 1) {
      const collection = await metrics.collect();
      const delay = `${RUNTIME}.nodejs.eventloop.delay.p99`;
      assert.ok(collection.value(delay)! > 0, `reader ${reader}`);
    }
  });

  test('tell of the event loop, the heap, the garbage collector and the process', async t => {
    const { metrics, stop } = await startBackend(t, { features: [] });
    collectGarbage();
    await sleep(200);
    await eventually(async () => {
      const collection = await metrics.collect();
      const names = collection.metrics
        .map(({ name }) => name)
        .filter(name => name.startsWith(RUNTIME));
      for (const name of [
        'nodejs.eventloop.delay.p99',
        'nodejs.eventloop.time',
        'nodejs.eventloop.utilization',
        'v8js.gc.duration',
        'v8js.memory.heap.space.size',
        'process.cpu.time',
        'process.memory.usage',
        'process.uptime',
        'process.handles',
      ]) {
        assert.ok(
          names.includes(`${RUNTIME}.${name}`),
          `${name} of ${names.join()}`,
        );
      }
    });

    const collection = await metrics.collect();
    const value = (name: string, attributes = {}) =>
      collection.value(`${RUNTIME}.${name}`, attributes)!;
    assert.ok(Math.abs(value('process.uptime') - process.uptime()) < 5);
    const cpu =
      value('process.cpu.time', { 'cpu.mode': 'user' }) +
      value('process.cpu.time', { 'cpu.mode': 'system' });
    const { user, system } = process.cpuUsage();
    assert.ok(Math.abs(cpu - (user + system) / 1e6) < 5, `${cpu}`);
    const rss = process.memoryUsage.rss();
    assert.ok(Math.abs(value('process.memory.usage') / rss - 1) < 0.5);

    await stop();
    const after = await metrics.collect();
    assert.equal(after.metric(`${RUNTIME}.process.uptime`), undefined);
    for (const name of ['utilization', 'delay.p99']) {
      assert.equal(
        after.metric(`${RUNTIME}.nodejs.eventloop.${name}`),
        undefined,
      );
    }
  });

  test('count handles by type, also when there are none any more', async t => {
    const { metrics } = await startBackend(t, { features: [] });
    const servers = async () =>
      (await metrics.collect()).value(`${RUNTIME}.process.handles`, {
        // Not of TCP: those of other tests' backends may still be closing.
        type: 'PipeWrap',
      });
    const before = (await servers()) ?? 0;
    const more = [createServer(), createServer()];
    t.after(() => more.forEach(server => server.close()));
    for (const [index, server] of more.entries()) {
      const socket = path.join(tmpdir(), `handles-${process.pid}-${index}`);
      await new Promise<void>(resolve =>
        server.listen(socket, () => resolve()),
      );
    }
    assert.equal(await servers(), before + 2);
    for (const server of more) {
      await new Promise(resolve => server.close(resolve));
    }
    // A handle goes after its server's callback has been called.
    await eventually(async () => assert.equal(await servers(), before));
  });
});
