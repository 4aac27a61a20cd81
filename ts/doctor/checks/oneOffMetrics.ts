import type { App } from '../App';
import type { Finding } from '../Finding';
import type { SourceFile } from '../SourceFile';

const CLIENTS = ['prom-client', '@prometheus-io/client'];
const SERVED = /\b\w*regist(?:er|ry)\s*\.\s*metrics\s*\(\s*\)/i;

/** Where the app's own code makes metrics of its own kind, or serves a page of its own. */
export function oneOffMetrics(app: App): Promise<Finding[]> {
  return Promise.resolve(
    app.packages
      .flatMap(({ sources }) => sources)
      .flatMap(source => oneOff(source) ?? []),
  );
}

function oneOff(source: SourceFile): Finding | undefined {
  const [imported] = source.imports(...CLIENTS);
  const served = source.text.search(SERVED);
  if (!imported && served < 0) {
    return undefined;
  }
  const does = [
    imported ? `makes metrics with ${imported[1]}` : undefined,
    served >= 0
      ? `serves a metrics page of its own (line ${source.line(served)})`
      : undefined,
  ].filter(part => part !== undefined);
  return {
    check: 'one-off-metrics',
    severity: 'warning',
    message: `this file ${does.join(' and ')}. Metrics of a client's default registry are on the page of @nativestage/metrics too, under names outside of the rules.`,
    file: source.at(imported?.index ?? served),
    fix: `${imported ? "Ask for `metricsServiceRef` from '@nativestage/metrics' and make them with `createCounter`, `createHistogram` and the others. " : ''}${served >= 0 ? 'Remove the route, and scrape the page of @nativestage/metrics.' : ''}`.trim(),
  };
}
