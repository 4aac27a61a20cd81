import type { App } from '../App';
import type { Finding } from '../Finding';
import { readMetricsPage } from '../MetricsPage';
import { type PageSettings, pageUrl } from '../PageSettings';

const BACKEND_DEFAULT = 7007;
const SETTING = 'backend.metrics.exporters.prometheus.port';

/** Whether the page can have its port. */
export async function port(app: App): Promise<Finding[]> {
  const { page } = app;
  if (!page?.server || !(page.port > 0 && page.port < 65536)) {
    return [];
  }
  const finding =
    page.port === backendPort(app)
      ? sameAsBackend(app, page)
      : await inUse(app, page);
  return finding ? [finding] : [];
}

function sameAsBackend(app: App, { port }: PageSettings): Finding {
  return {
    check: 'port',
    severity: 'problem',
    message: `the metrics page and the backend itself (backend.listen) both want port ${port}; whichever comes second has none.`,
    file: app.configFiles,
    fix: `Set \`${SETTING}: 9464\`, or serve the page on the backend's port: \`server: false\` and \`onBackend: true\` under \`backend.metrics.exporters.prometheus\`.`,
  };
}

async function inUse(
  app: App,
  page: PageSettings,
): Promise<Finding | undefined> {
  const url = pageUrl(page);
  // Without the token: it is not for whoever else may listen there.
  const found = await readMetricsPage(url, undefined);
  if (found.state !== 'foreign') {
    return undefined;
  }
  return {
    check: 'port',
    severity: 'problem',
    message: `something else has port ${page.port} already: ${url} answers ${found.answer} and is no page of @nativestage/metrics.`,
    file: app.configFiles,
    fix: `Stop it (\`ss -ltnp 'sport = :${page.port}'\` names it), or set \`${SETTING}\` to a free port and tell the scraper.`,
  };
}

/** As `@backstage/backend-defaults` reads it. */
function backendPort({ appConfig }: App): number | undefined {
  const listen: unknown = appConfig.config?.getOptional('backend.listen');
  if (typeof listen === 'string' || typeof listen === 'number') {
    return Number(String(listen).split(':').at(-1));
  }
  const { port } = (listen ?? {}) as { port?: unknown };
  return Number(port ?? BACKEND_DEFAULT);
}
