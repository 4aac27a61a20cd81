import {
  type EventParams,
  type EventsService,
  eventsServiceRef,
  type EventsServiceSubscribeOptions,
} from '@backstage/plugin-events-node';
import type {
  MetricsCounter,
  MetricsHistogram,
  MetricsService,
} from '../../services/services';
import { decorate } from './decorate';
import { pluginObserver, type ServiceObserver } from './pluginObserver';
import { type Outcome, timed } from './timed';
import { dataOf, isObject, viewOf } from './transparent';

const WHAT = 'backstage.core.events';

/** Topics may come from outside, as the names of webhooks' events do. */
const MAX_TOPICS = 200;
const OTHER = '_OTHER';

const SECONDS = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

class EventsObserver implements ServiceObserver<EventsService> {
  private readonly topics = new Set<string>();
  private readonly published: MetricsCounter;
  private readonly processed: MetricsCounter;
  private readonly duration: MetricsHistogram;

  constructor(metrics: MetricsService) {
    this.published = metrics.createCounter('messages.published.total', {
      description: 'Events that were published',
      unit: '{message}',
    });
    this.processed = metrics.createCounter('messages.processed.total', {
      description: 'Events that subscribers were given, by what came of it',
      unit: '{message}',
    });
    this.duration = metrics.createHistogram('messages.duration', {
      description: 'How long subscribers took to process an event',
      unit: 's',
      advice: { explicitBucketBoundaries: SECONDS },
    });
  }

  observe(events: EventsService, plugin: string): void {
    decorate<[EventParams, ...unknown[]], Promise<void>>(
      WHAT,
      events,
      'publish',
      (call, args) =>
        timed(
          WHAT,
          () => call(...args),
          ({ failed }) => {
            if (!failed) {
              const topic = this.topicOf(args[0]);
              this.published.add(1, { plugin, topic });
            }
          },
        ),
    );
    decorate<[EventsServiceSubscribeOptions, ...unknown[]], Promise<void>>(
      WHAT,
      events,
      'subscribe',
      (call, args) => {
        const [options, ...rest] = args;
        return isObject(options)
          ? call(this.counted(options, plugin), ...rest)
          : call(...args);
      },
    );
  }

  private counted(
    options: EventsServiceSubscribeOptions,
    plugin: string,
  ): EventsServiceSubscribeOptions {
    const view = viewOf(options, 'onEvent', (call, args) =>
      timed(
        WHAT,
        () => call(...args),
        outcome => this.record(plugin, view.read('id'), args[0], outcome),
      ),
    );
    return view.object;
  }

  private record(
    plugin: string,
    id: unknown,
    event: unknown,
    { failed, seconds }: Outcome,
  ): void {
    const topic = this.topicOf(event);
    const subscriber = typeof id === 'string' ? id : OTHER;
    const result = failed ? 'error' : 'ok';
    this.processed.add(1, { plugin, topic, subscriber, result });
    this.duration.record(seconds, { plugin, topic });
  }

  /** Where a getter gives the topic it is nobody's to call but the service's. */
  private topicOf(event: unknown): string {
    const topic = dataOf(event, 'topic');
    return typeof topic === 'string' ? this.bounded(topic) : OTHER;
  }

  private bounded(topic: string): string {
    if (this.topics.has(topic)) {
      return topic;
    }
    if (this.topics.size === MAX_TOPICS) {
      return OTHER;
    }
    this.topics.add(topic);
    return topic;
  }
}

/** Metrics of what plugins publish and process through `eventsServiceRef`. */
export const eventsMetrics = pluginObserver(
  'events',
  eventsServiceRef,
  metrics => new EventsObserver(metrics),
);
