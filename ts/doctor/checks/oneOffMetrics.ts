import type { App } from '../App';
import type { Finding } from '../Finding';
import type { SourceFile } from '../SourceFile';

const CLIENTS = ['prom-client', '@prometheus-io/client'];
/** A registry beside the default one; the names are those of a client alone. */
const PRIVATE =
  /\bnew\s+(?:\w+\s*\.\s*)?(?:OpenMetrics|Prometheus)?Registry\s*(?:<[^()]{0,100}>)?\(/;
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
  const own = imported ? source.text.search(PRIVATE) : -1;
  return {
    check: 'one-off-metrics',
    severity: own >= 0 ? 'problem' : 'warning',
    message: `this file ${does.join(' and ')}. ${own >= 0 ? `Metrics of the registry that it makes (line ${source.line(own)}) are not exported: only those of a client's default registry are` : "Metrics of a client's default registry are"} on the page of @nativestage/metrics too, under names outside of the rules.`,
    file: source.at(own >= 0 ? own : (imported?.index ?? served)),
    fix: `${imported ? "Ask for `metricsServiceRef` from '@nativestage/metrics' and make them with `createCounter`, `createHistogram` and the others. " : ''}${served >= 0 ? 'Remove the route, and scrape the page of @nativestage/metrics.' : ''}`.trim(),
  };
}
