import type { Endpoint } from './Endpoint';
import type { ServerTexts } from './ServerTexts';
import { Silences } from './Silences';
import { Upstream, type UpstreamOptions } from './Upstream';

/** Milliseconds: alerts do not wait longer for what is only said beside them. */
const MAX_TIMEOUT = 5_000;

const EVERY_ALERT: [string, string][] = [
  ['active', 'true'],
  ['silenced', 'true'],
  ['inhibited', 'true'],
];

/** Alertmanager's API, version 2. */
export class AlertmanagerClient {
  private readonly upstream: Upstream;

  constructor(
    readonly endpoint: Endpoint,
    texts: ServerTexts,
    options: UpstreamOptions,
  ) {
    const timeout = Math.min(options.timeout, MAX_TIMEOUT);
    this.upstream = new Upstream(endpoint, texts, { ...options, timeout });
  }

  /** Fails as {@link Upstream.send} does. */
  async silences(signal?: AbortSignal): Promise<Silences> {
    const silences = await this.upstream.ask(
      {
        method: 'GET',
        path: '/api/v2/alerts',
        parameters: EVERY_ALERT,
        signal,
      },
      Silences.reading(),
    );
    return silences.isEmpty ? silences : this.withDetails(silences, signal);
  }

  /** Who silenced them is only said beside that they are: without an answer it is left out. */
  private async withDetails(
    silences: Silences,
    signal?: AbortSignal,
  ): Promise<Silences> {
    try {
      return await this.upstream.ask(
        { method: 'GET', path: '/api/v2/silences', parameters: [], signal },
        silences.readingDetails(),
      );
    } catch {
      // What it said is in the log already.
      signal?.throwIfAborted();
      return silences;
    }
  }

  /** Ends all connections. */
  close(): Promise<void> {
    return this.upstream.close();
  }

  /** As {@link close}, after the requests that are under way. */
  retire(): Promise<void> {
    return this.upstream.retire();
  }
}
