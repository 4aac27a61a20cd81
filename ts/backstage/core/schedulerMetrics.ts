import {
  coreServices,
  type LifecycleService,
  type SchedulerService,
  type SchedulerServiceTaskFunction,
  type SchedulerServiceTaskInvocationDefinition,
  type SchedulerServiceTaskRunner,
  type SchedulerServiceTaskScheduleDefinition,
} from '@backstage/backend-plugin-api';
import type { MetricsService, MetricsUpDownCounter } from '../../services';
import { decorate, harmless, timed } from './decorate';
import { pluginObserver, type ServiceObserver } from './pluginObserver';

const WHAT = 'backstage.core.scheduler';

type Scope = 'global' | 'local';

/** A task as `scheduleTask` takes it. */
type ScheduledTask = SchedulerServiceTaskInvocationDefinition &
  SchedulerServiceTaskScheduleDefinition;

/**
 * Runs and durations of tasks are Backstage's own to count, in its plugins' scopes; here is what
 * they leave out.
 */
class SchedulerObserver implements ServiceObserver<SchedulerService> {
  private readonly registered = new Set<{ plugin: string; scope: Scope }>();
  private readonly active: MetricsUpDownCounter;
  /** Backstage's task runner hands over to `scheduleTask`. */
  private readonly wrapped = new WeakSet<SchedulerServiceTaskFunction>();

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
        for (const [plugin, scopes] of this.counts()) {
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
      (call, task, ...rest) =>
        this.schedule(given => call(given, ...rest), task, plugin, task?.scope),
    );
    decorate<
      [SchedulerServiceTaskScheduleDefinition, ...unknown[]],
      SchedulerServiceTaskRunner
    >(
      WHAT,
      scheduler,
      'createScheduledTaskRunner',
      (call, schedule, ...rest) => {
        const runner = call(schedule, ...rest);
        decorate<
          [SchedulerServiceTaskInvocationDefinition, ...unknown[]],
          Promise<void>
        >(WHAT, runner, 'run', (run, task, ...others) =>
          this.schedule(
            given => run(given, ...others),
            task,
            plugin,
            schedule?.scope,
          ),
        );
        return runner;
      },
    );
    lifecycle.addShutdownHook(() => this.forget(plugin));
  }

  private schedule<T extends SchedulerServiceTaskInvocationDefinition>(
    call: (task: T) => Promise<void>,
    task: T,
    plugin: string,
    scope: Scope = 'global',
  ): Promise<void> {
    if (typeof task?.fn !== 'function' || this.wrapped.has(task.fn)) {
      return call(task);
    }
    const fn = this.counted(task.fn, plugin);
    return timed(
      WHAT,
      () => call({ ...task, fn }),
      ({ failed }) => {
        if (!failed && !task.signal?.aborted) {
          this.register(plugin, scope, task.signal);
        }
      },
    );
  }

  private counted(
    fn: SchedulerServiceTaskFunction,
    plugin: string,
  ): SchedulerServiceTaskFunction {
    const counted = new Proxy(fn, {
      apply: (call, self, args) => {
        harmless(WHAT, () => this.active.add(1, { plugin }));
        return timed(
          WHAT,
          () => Reflect.apply(call, self, args) as void | Promise<void>,
          () => this.active.add(-1, { plugin }),
        );
      },
    });
    this.wrapped.add(counted);
    return counted;
  }

  private register(plugin: string, scope: Scope, signal?: AbortSignal): void {
    const task = { plugin, scope };
    this.registered.add(task);
    signal?.addEventListener('abort', () => this.registered.delete(task), {
      once: true,
    });
  }

  /** A plugin's tasks end with its backend. */
  private forget(plugin: string): void {
    for (const task of this.registered) {
      if (task.plugin === plugin) {
        this.registered.delete(task);
      }
    }
  }

  private counts(): Map<string, Record<Scope, number>> {
    const counts = new Map<string, Record<Scope, number>>();
    for (const { plugin, scope } of this.registered) {
      const scopes = counts.get(plugin) ?? { global: 0, local: 0 };
      scopes[scope]++;
      counts.set(plugin, scopes);
    }
    return counts;
  }
}

/** Metrics of `coreServices.scheduler`. */
export const schedulerMetrics = pluginObserver(
  'scheduler',
  coreServices.scheduler,
  metrics => new SchedulerObserver(metrics),
);
