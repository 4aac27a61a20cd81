import type { App } from '../App';
import type { Finding } from '../Finding';
import { familiesOutsideOfRules } from '../families';

const SHOWN = 10;

/** What the running page says: whether it is ours, and which names keep no rule. */
export async function page(app: App): Promise<Finding[]> {
  if (!app.live) {
    return [];
  }
  const { url, isAskedFor, answer } = app.live;
  switch (answer.state) {
    case 'ours':
      return namedOutside(url, await familiesOutsideOfRules(app, answer.text));
    case 'locked':
      return [locked(url)];
    default:
      // Nobody runs the backend while it is looked at; what has its port is another check's.
      return isAskedFor ? [notOurs(url, describe(answer))] : [];
  }
}

function describe(
  answer:
    { state: 'absent'; reason: string } | { state: 'foreign'; answer: string },
): string {
  return answer.state === 'absent'
    ? `cannot be reached (${answer.reason})`
    : `is no page of @nativestage/metrics (${answer.answer})`;
}

function notOurs(url: string, state: string): Finding {
  return {
    check: 'page',
    severity: 'problem',
    message: `${url} ${state}.`,
    fix: 'Start the backend, and give the address that its log names: `--url http://127.0.0.1:9464/metrics`.',
  };
}

function locked(url: string): Finding {
  return {
    check: 'page',
    severity: 'note',
    message: `${url} asks for another token than the doctor has; its metrics were not looked at.`,
    fix: "Set METRICS_TOKEN to the page's token and run the doctor again.",
  };
}

function namedOutside(url: string, families: string[]): Finding[] {
  if (families.length === 0) {
    return [];
  }
  const more = families.length - SHOWN;
  const list = families.slice(0, SHOWN).join(', ');
  return [
    {
      check: 'page',
      severity: 'note',
      message: `${url} has metrics that were made through a plain meter or a Prometheus client and are named outside of the rules: ${list}${more > 0 ? ` and ${more} more` : ''}.`,
      fix: 'Make those that are your own through `metricsServiceRef`; leave those of libraries as they are.',
    },
  ];
}
