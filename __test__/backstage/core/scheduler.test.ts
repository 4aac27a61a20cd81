import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  coreServices,
  createServiceFactory,
  type SchedulerService,
  type SchedulerServiceTaskInvocationDefinition,
  type SchedulerServiceTaskScheduleDefinition,
} from '@backstage/backend-plugin-api';
import { eventually } from '../../support/eventually';
import { pluginWith, startBackend } from './support';

const REGISTERED = 'backstage.core.scheduler.tasks.registered';
const ACTIVE = 'backstage.core.scheduler.tasks.active';

const schedule: SchedulerServiceTaskScheduleDefinition = {
  frequency: { hours: 1 },
  timeout: { minutes: 1 },
};

/** A scheduler as an app may have it: its runner does not go through `scheduleTask`. */
class OwnScheduler implements SchedulerService {
  readonly tasks: SchedulerServiceTaskInvocationDefinition[] = [];

  triggerTask(): Promise<void> {
    return Promise.resolve();
  }

  cancelTask(): Promise<void> {
    return Promise.resolve();
  }

  scheduleTask(task: SchedulerServiceTaskInvocationDefinition): Promise<void> {
    this.tasks.push(task);
    return Promise.resolve();
  }

  createScheduledTaskRunner() {
    return {
      run: (task: SchedulerServiceTaskInvocationDefinition) => {
        this.tasks.push(task);
        return Promise.resolve();
      },
    };
  }

  getScheduledTasks(): Promise<[]> {
    return Promise.resolve([]);
  }
}

describe('scheduler metrics', () => {
  test('tell how many tasks there are, and how many run', async t => {
    const { feature, service } = pluginWith('orders', coreServices.scheduler);
    const { metrics, stop } = await startBackend(t, { features: [feature] });
    const scheduler = await service;
    const ending = new AbortController();
    const finish: (() => void)[] = [];
    const fn = () => new Promise<void>(resolve => finish.push(resolve));

    await scheduler.scheduleTask({ ...schedule, id: 'global', fn });
    await scheduler.scheduleTask({
      ...schedule,
      id: 'local',
      scope: 'local',
      signal: ending.signal,
      fn,
    });
    await scheduler
      .createScheduledTaskRunner({ ...schedule, scope: 'local' })
      .run({
        id: 'by-runner',
        fn: async () => {
          await fn();
          throw new Error('failed');
        },
      });
    await assert.rejects(
      scheduler.scheduleTask({ ...schedule, id: '', fn }),
      /not a valid ID/,
    );
    const counts = async () => {
      const collection = await metrics.collect();
      return [
        collection.value(REGISTERED, { plugin: 'orders', scope: 'global' }),
        collection.value(REGISTERED, { plugin: 'orders', scope: 'local' }),
        collection.value(ACTIVE, { plugin: 'orders' }),
      ];
    };
    await eventually(async () => assert.deepEqual(await counts(), [1, 2, 3]));
    ending.abort();
    finish.forEach(end => end());
    await eventually(async () => assert.deepEqual(await counts(), [1, 1, 0]));
    await stop();
    assert.deepEqual(await counts(), [undefined, undefined, 0]);
  });

  test('count one id once for each scope, until its last schedule ends', async t => {
    const { feature, service } = pluginWith('orders', coreServices.scheduler);
    const { metrics } = await startBackend(t, { features: [feature] });
    const scheduler = await service;
    const fn = () => {};
    const endings = [1, 2, 3].map(() => new AbortController());
    for (const { signal } of endings) {
      const task = { ...schedule, id: 'refresh', signal, fn };
      await scheduler.scheduleTask({ ...task, scope: 'local' });
      await scheduler.scheduleTask(task);
      await scheduler.createScheduledTaskRunner(schedule).run(task);
    }
    await scheduler.scheduleTask({ ...schedule, id: 'other', fn });
    const counts = async () => {
      const collection = await metrics.collect();
      return ['global', 'local'].map(scope =>
        collection.value(REGISTERED, { plugin: 'orders', scope }),
      );
    };
    assert.deepEqual(await counts(), [2, 1]);
    endings[0].abort();
    endings[1].abort();
    assert.deepEqual(await counts(), [2, 1]);
    endings[2].abort();
    assert.deepEqual(await counts(), [1, 0]);
    const { signal } = new AbortController();
    await scheduler.scheduleTask({ ...schedule, id: 'refresh', signal, fn });
    assert.deepEqual(await counts(), [2, 0]);
  });

  test("work with the app's own scheduler", async t => {
    const own = new OwnScheduler();
    const { feature, service } = pluginWith('orders', coreServices.scheduler);
    const { metrics } = await startBackend(t, {
      features: [
        feature,
        createServiceFactory({
          service: coreServices.scheduler,
          deps: {},
          factory: () => own,
        }),
      ],
    });
    const scheduler = await service;
    assert.ok(Object.is(scheduler, own));
    let during: number | undefined;
    const fn = async () => {
      const collection = await metrics.collect();
      during = collection.value(ACTIVE, { plugin: 'orders' });
    };
    await scheduler.scheduleTask({ ...schedule, id: 'a', fn });
    await scheduler.createScheduledTaskRunner(schedule).run({ id: 'b', fn });
    assert.equal(own.tasks.length, 2);
    for (const task of own.tasks) {
      await task.fn(new AbortController().signal);
      assert.equal(during, 1);
    }
    const collection = await metrics.collect();
    assert.equal(
      collection.value(REGISTERED, { plugin: 'orders', scope: 'global' }),
      2,
    );
    assert.equal(collection.value(ACTIVE, { plugin: 'orders' }), 0);
  });
});
