import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Browser } from '../support/Browser';
import { eventually } from '../support/eventually';
import { Program } from '../support/Program';
import { CHROMIUM, prometheus, without } from '../support/tools';
import { suiteScope } from '../support/suiteScope';
import { keepPicture, pointAt } from './appPage';

const ROOT = path.join(__dirname, '../..');
const PAGE =
  'http://localhost:7007/catalog/default/component/pizza-orders/prometheus';
const API = 'http://localhost:7007/api';

// On the ports of the example: it has to be stopped elsewhere.
describe('npm start', { skip: without(prometheus(3).server, CHROMIUM) }, () => {
  let browser: Browser;
  let program: Program;
  const scope = suiteScope();

  before(async () => {
    await promisify(execFile)(
      'npm',
      ['run', 'build', '--workspace', 'packages/app'],
      { cwd: ROOT },
    );
    program = Program.command(scope, process.execPath, ['scripts/start.mjs'], {
      cwd: ROOT,
      // A preload finds what is compiled for the Node that runs this.
      env: {
        PATH: process.env.PATH!,
        NODE_OPTIONS: process.env.NODE_OPTIONS ?? '',
      },
      limit: 300_000,
    });
    scope.after(() => program.stop('SIGTERM'));
    browser = await Browser.launch(scope);
    await eventually(async () => {
      const ready = await fetch(
        'http://localhost:7007/.backstage/health/v1/readiness',
      );
      assert.equal(ready.status, 200);
    }, 90_000).catch((error: unknown) => {
      throw new Error(program.stdout + program.stderr, { cause: error });
    });
  });

  it('says where to look', () => {
    assert.ok(program.stdout.includes(PAGE), program.stdout);
  });

  it('shows a service its own metrics, one alert that fires and one that waits', async t => {
    const page = await browser.page(t, {
      viewport: { width: 1400, height: 1250 },
    });
    await page.goto(`${PAGE}?range=5m&refresh=5s`);
    const firing = page.getByRole('row', { name: /PhoneRarelyRings/ });
    await firing.getByText('Firing').waitFor({ timeout: 90_000 });
    const pending = page.getByRole('row', { name: /KitchenHasTimeToSpare/ });
    await pending.getByText('Pending').waitFor();
    await page.getByRole('heading', { name: 'Orders placed' }).waitFor();
    await eventually(async () => {
      const text = await pointAt(page, 'Orders placed', 0.97);
      assert.match(text, /phone 0\.0\d+\/s/);
    }, 60_000);
    await eventually(async () => {
      const text = await pointAt(page, 'Power of the oven', 0.97);
      assert.match(text, /\d (k|M)?W/);
    }, 60_000);
    if (process.env.UPDATE_DOCS) {
      // Graphs of a minute are nothing to look at.
      await sleep(150_000);
      await page.mouse.move(0, 0);
      await page.getByRole('heading', { level: 1 }).scrollIntoViewIfNeeded();
    }
    await keepPicture(page, 'example');
  });

  it('keeps traces of what its graphs show', async () => {
    const token = await guest();
    for (const title of ['Orders placed', 'Time to answer, 95th percentile']) {
      await eventually(async () => {
        const { panels } = (await ask(token, 'panels')) as {
          panels: { id: string; title: string }[];
        };
        const panel = panels.find(one => one.title === title);
        assert.ok(panel, JSON.stringify(panels));
        const end = Date.now() / 1000;
        const exemplars = JSON.stringify(
          await ask(token, `panels/${panel.id}/exemplars`, {
            start: end - 300,
            end,
          }),
        );
        assert.match(exemplars, /"trace_id":"[\da-f]{32}"/, title);
      });
    }
  });

  it('ends with all that it started', async () => {
    await program.stop('SIGTERM');
    for (const port of [7007, 9090, 9464]) {
      await assert.rejects(fetch(`http://localhost:${port}/`), TypeError);
    }
  });
});

async function guest(): Promise<string> {
  const response = await fetch(`${API}/auth/guest/refresh`, { method: 'POST' });
  const { backstageIdentity } = (await response.json()) as {
    backstageIdentity: { token: string };
  };
  return backstageIdentity.token;
}

/** Asks the Prometheus plugin for something of the service's. */
async function ask(
  token: string,
  what: string,
  body?: object,
): Promise<unknown> {
  const response = await fetch(
    `${API}/prometheus/entities/component/default/pizza-orders/${what}`,
    {
      method: body ? 'POST' : 'GET',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    },
  );
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}
