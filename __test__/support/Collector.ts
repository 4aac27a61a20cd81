import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { eventually } from './eventually';
import {
  attributesOf,
  metricsOf,
  type OtlpRequest,
  pointsOf,
} from './OtlpReceiver';

/** Answers one export; `take` counts its data as delivered. */
export type Answer = (
  response: ServerResponse,
  take: () => void,
) => void | Promise<void>;

export interface Attempt {
  at: number;
  headers: IncomingHttpHeaders;
}

/** An OTLP/JSON collector with faults, on a port that survives its restarts. Ends with the test. */
export class Collector {
  readonly attempts: Attempt[] = [];
  /** What was delivered, in its order. */
  readonly taken: OtlpRequest[] = [];
  /** How the next requests are answered; when none is left, they are taken. */
  readonly script: Answer[] = [];
  private server: Server | undefined;
  private underWay = 0;
  private chosen = 0;

  static async start(t: TestContext): Promise<Collector> {
    const collector = new Collector();
    t.after(() => collector.stop());
    await collector.start();
    return collector;
  }

  get port(): number {
    return this.chosen;
  }

  get url(): string {
    return `http://127.0.0.1:${this.chosen}`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.underWay++;
        response.once('close', () => this.underWay--);
        this.attempts.push({ at: performance.now(), headers: request.headers });
        const body = Buffer.concat(chunks).toString();
        const answer = this.script.shift() ?? taken;
        void answer(response, () => {
          this.taken.push(JSON.parse(body) as OtlpRequest);
        });
      });
    });
    server.listen(this.chosen, '127.0.0.1');
    await once(server, 'listening');
    this.chosen = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** Goes away, but not between taking an export and saying so: that is undecidable for anyone. */
  async stop(): Promise<void> {
    const { server } = this;
    if (!server) {
      return;
    }
    this.server = undefined;
    const closed = once(server, 'close');
    server.close();
    if (this.script.length === 0) {
      await eventually(() => {
        if (this.underWay > 0) {
          throw new Error(`${this.underWay} exports under way`);
        }
      }, 2000).catch(() => {});
    }
    server.closeAllConnections();
    await closed;
  }

  async until(condition: () => boolean): Promise<void> {
    await eventually(() => {
      if (!condition()) {
        throw new Error(`did not come: ${String(condition)}`);
      }
    });
  }

  /** The sum over all deliveries of a metric's points: for delta data, the total. */
  total(name: string, attributes: Record<string, unknown> = {}): number {
    return this.points(name, attributes).reduce((a, b) => a + b, 0);
  }

  /** The last delivered value. */
  last(
    name: string,
    attributes: Record<string, unknown> = {},
  ): number | undefined {
    return this.points(name, attributes).at(-1);
  }

  /** The values of the points that have at least these attributes. */
  private points(name: string, wanted: Record<string, unknown>): number[] {
    return this.taken
      .flatMap(metricsOf)
      .filter(metric => metric.name === name)
      .flatMap(pointsOf)
      .filter(point => {
        const attributes = attributesOf(point.attributes);
        return Object.entries(wanted).every(
          ([key, value]) => attributes[key] === value,
        );
      })
      .map(point => Number(point.asInt ?? point.asDouble));
  }
}

export const taken: Answer = (response, take) => {
  take();
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
};

/** Refuses with a status, for now or for good as the status says. */
export function refused(
  status: number,
  headers: Record<string, string> = {},
): Answer {
  return response => {
    response.writeHead(status, headers).end();
  };
}

/** Takes the request and never answers. */
export const silent: Answer = () => {};
