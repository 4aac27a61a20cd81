import type { App } from '../App';
import type { Finding } from '../Finding';
import { isLoopback } from '../PageSettings';

const SECTION = 'backend.metrics.exporters.prometheus';

/** Whether others than this machine can read the page without a token. */
export function exposedPage(app: App): Promise<Finding[]> {
  const { page } = app;
  if (!page || page.token !== undefined) {
    return Promise.resolve([]);
  }
  const places = [
    page.server && !isLoopback(page.host)
      ? `on ${page.host}:${page.port}`
      : undefined,
    page.onBackend ? "on the backend's own port (onBackend)" : undefined,
  ].filter(place => place !== undefined);
  if (places.length === 0) {
    return Promise.resolve([]);
  }
  return Promise.resolve([
    {
      check: 'exposed-page',
      severity: 'warning',
      message: `everyone who reaches the backend's machine can read the metrics ${places.join(' and ')}: there is no token. A token from a variable that is not set counts as none.`,
      file: app.configFiles,
      fix: `Set \`${SECTION}.token: \${METRICS_TOKEN}\` and the same as bearer token of the scraper, or let only the scraper reach the port.`,
    },
  ]);
}
