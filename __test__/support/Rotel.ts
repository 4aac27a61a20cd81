import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import type { TestContext } from 'node:test';
import { eventually } from './eventually';
import { OtlpReceiver, type Received } from './OtlpReceiver';
import { freePort } from './ports';
import { Program } from './Program';
import { ROTEL } from './tools';

/** Longer than any test takes: it ends with the test that started it. */
const LIMIT_MS = 300_000;

/** A collector that others wrote: takes OTLP on two ports, passes it on as gzipped protobuf. */
export class Rotel {
  private constructor(
    readonly grpc: string,
    readonly http: string,
    private readonly behind: OtlpReceiver,
  ) {}

  static async start(t: TestContext): Promise<Rotel> {
    const behind = await OtlpReceiver.start(t);
    const [grpc, http] = [await freePort(), await freePort()];
    const program = Program.command(
      t,
      ROTEL,
      [
        'start',
        `--otlp-grpc-endpoint=127.0.0.1:${grpc}`,
        `--otlp-http-endpoint=127.0.0.1:${http}`,
        '--exporter=otlp',
        '--otlp-exporter-protocol=http',
        `--otlp-exporter-endpoint=${behind.url}`,
        '--batch-timeout=100ms',
      ],
      // It reads ROTEL_* and OTEL_*.
      {
        env: { PATH: process.env.PATH ?? '', HOME: homedir() },
        limit: LIMIT_MS,
      },
    );
    for (const port of [grpc, http]) {
      await eventually(async () => {
        const socket = connect(port, '127.0.0.1');
        try {
          await once(socket, 'connect');
        } catch (error) {
          throw new Error(`rotel does not listen: ${program.stderr}`, {
            cause: error,
          });
        } finally {
          socket.destroy();
        }
      });
    }
    return new Rotel(
      `http://127.0.0.1:${grpc}`,
      `http://127.0.0.1:${http}`,
      behind,
    );
  }

  /** What came through the collector. */
  async forwarded(): Promise<Received[]> {
    await eventually(() => assert.ok(this.behind.received.length > 0));
    return this.behind.received;
  }
}
