import {
  coreServices,
  type LifecycleService,
  type SchedulerService,
  type SchedulerServiceTaskInvocationDefinition,
  type SchedulerServiceTaskRunner,
  type SchedulerServiceTaskScheduleDefinition,
} from '@backstage/backend-plugin-api';
import { addAbortListener } from 'node:events';
import type {
  MetricsService,
  MetricsUpDownCounter,
} from '../../services/services';
import { decorate, harmless } from './decorate';
import { pluginObserver, type ServiceObserver } from './pluginObserver';
import { TaskRegister } from './TaskRegister';
import { timed } from './timed';
import { dataOf, isObject, viewOf } from './transparent';

const WHAT = 'backstage.core.scheduler';

/** A task as `scheduleTask` takes it. */
type ScheduledTask = SchedulerServiceTaskInvocationDefinition &
  SchedulerServiceTaskScheduleDefinition;

/** What a task was made of, as far as its scheduler has read it. */
type ReadTask = (name: 'id' | 'scope' | 'signal') => unknown;

/**
 * Runs and durations of tasks are Backstage's own to count, in its plugins' scopes; here is what
 * they leave out.
 */
class SchedulerObserver implements ServiceObserver<SchedulerService> {
  private readonly registered = new TaskRegister();
  private readonly active: MetricsUpDownCounter;
  /** Backstage's task runner hands over to `scheduleTask`: each function is counted once. */
  private readonly counted = new WeakSet<object>();
  private unnamed = 0;

  constructor(metrics: MetricsService) {
    this.active = metrics.createUpDownCounter('tasks.active', {
      description: 'Scheduled tasks that this process is running',
      unit: '{task}',
    });
    metrics
      .createObservableUpDownCounter('tasks.registered', {
        description: 'Tasks that this process has scheduled',
        unit: '{task}',
      })
      .addCallback(result => {
        for (const [plugin, scopes] of this.registered.counts()) {
          result.observe(scopes.global, { plugin, scope: 'global' });
          result.observe(scopes.local, { plugin, scope: 'local' });
        }
      });
  }

  observe(
    scheduler: SchedulerService,
    plugin: string,
    lifecycle: LifecycleService,
  ): void {
    decorate<[ScheduledTask, ...unknown[]], Promise<void>>(
      WHAT,
      scheduler,
      'scheduleTask',
      (call, args) => this.schedule(call, args, plugin),
    );
    decorate<
      [SchedulerServiceTaskScheduleDefinition, ...unknown[]],
      SchedulerServiceTaskRunner
    >(WHAT, scheduler, 'createScheduledTaskRunner', (call, args) => {
      const runner = call(...args);
      const scope = () => dataOf(args[0], 'scope');
      decorate<
        [SchedulerServiceTaskInvocationDefinition, ...unknown[]],
        Promise<void>
      >(WHAT, runner, 'run', (run, passed) =>
        this.schedule(run, passed, plugin, scope),
      );
      return runner;
    });
    lifecycle.addShutdownHook(() => this.registered.forget(plugin));
  }

  private schedule<T extends SchedulerServiceTaskInvocationDefinition>(
    call: (...args: [T, ...unknown[]]) => Promise<void>,
    args: [T, ...unknown[]],
    plugin: string,
    scopeOf?: () => unknown,
  ): Promise<void> {
    const [task, ...rest] = args;
    if (!isObject(task)) {
      return call(...args);
    }
    const view = viewOf(
      task,
      'fn',
      (run, passed) => this.run(() => run(...passed), plugin),
      this.counted,
    );
    const read: ReadTask = name =>
      name === 'scope' && scopeOf ? scopeOf() : view.read(name);
    return timed(
      WHAT,
      () => call(view.object, ...rest),
      ({ failed }) => {
        if (!failed) {
          this.register(plugin, read);
        }
      },
    );
  }

  private run<R>(call: () => R, plugin: string): R {
    harmless(WHAT, () => this.active.add(1, { plugin }));
    return timed(WHAT, call, () => this.active.add(-1, { plugin }));
  }

  private register(plugin: string, read: ReadTask): void {
    const signal = read('signal') as AbortSignal | undefined;
    if (signal?.aborted) {
      return;
    }
    const id = read('id');
    const ended = this.registered.add(
      plugin,
      read('scope') === 'local' ? 'local' : 'global',
      // Only a scheduler of the app's own has tasks without an id.
      typeof id === 'string' ? id : `\0${this.unnamed++}`,
    );
    if (signal) {
      addAbortListener(signal, ended);
    }
  }
}

/** Metrics of `coreServices.scheduler`. */
export const schedulerMetrics = pluginObserver(
  'scheduler',
  coreServices.scheduler,
  metrics => new SchedulerObserver(metrics),
);
