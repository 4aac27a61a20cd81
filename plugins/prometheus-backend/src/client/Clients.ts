import { AlertmanagerClient } from './AlertmanagerClient';
import { type ClientOptions, PrometheusClient } from './PrometheusClient';
import type { PrometheusInstance } from './PrometheusInstance';

/** Who asks the servers of an instance. */
export interface InstanceClients {
  prometheus: PrometheusClient;
  alertmanager?: AlertmanagerClient;
}

/** Instances whose connections are kept: those that are computed may be any number. */
const MAX_CLIENTS = 1000;

/** The clients of instances, each made when it is first asked. */
export class Clients {
  /** By the instance's key, the one that was asked last at the end. */
  private readonly known = new Map<string, InstanceClients>();

  constructor(private readonly options: ClientOptions) {}

  of(instance: PrometheusInstance): InstanceClients {
    const { key } = instance;
    const clients = this.known.get(key) ?? this.connect(instance);
    this.known.delete(key);
    this.known.set(key, clients);
    for (const [oldest, { prometheus, alertmanager }] of this.known) {
      if (this.known.size <= MAX_CLIENTS) {
        break;
      }
      this.known.delete(oldest);
      // What is under way goes on until it is answered.
      void prometheus.retire();
      void alertmanager?.retire();
    }
    return clients;
  }

  /** Ends all connections, and with them the requests that are under way. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.known.values()].map(async ({ prometheus, alertmanager }) => {
        await prometheus.close();
        await alertmanager?.close();
      }),
    );
  }

  private connect(instance: PrometheusInstance): InstanceClients {
    const prometheus = new PrometheusClient(instance, this.options);
    return {
      prometheus,
      alertmanager:
        instance.alertmanager &&
        new AlertmanagerClient(
          instance.alertmanager,
          prometheus.texts,
          this.options,
        ),
    };
  }
}
