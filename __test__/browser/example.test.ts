import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { Browser } from '../support/Browser';
import { eventually } from '../support/eventually';
import { Program } from '../support/Program';
import { CHROMIUM, prometheus, without } from '../support/tools';
import { keepPicture, pointAt } from './appPage';

const ROOT = path.join(__dirname, '../..');
const PAGE =
  'http://localhost:7007/catalog/default/component/pizza-orders/prometheus';

// On the ports of the example: it has to be stopped elsewhere.
describe('npm start', { skip: without(prometheus(3).server, CHROMIUM) }, () => {
  let browser: Browser;
  let program: Program;
  const cleanUps: (() => unknown)[] = [];

  before(async () => {
    const scope = {
      after: (cleanUp: () => unknown) => cleanUps.push(cleanUp),
    } as unknown as TestContext;
    await promisify(execFile)(
      'npm',
      ['run', 'build', '--workspace', 'packages/app'],
      { cwd: ROOT },
    );
    program = Program.command(scope, process.execPath, ['scripts/start.mjs'], {
      cwd: ROOT,
      env: { PATH: process.env.PATH! },
      limit: 300_000,
    });
    cleanUps.push(() => program.stop('SIGTERM'));
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

  after(async () => {
    for (const cleanUp of cleanUps.reverse()) {
      await cleanUp();
    }
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
    await keepPicture(page, 'example');
  });

  it('ends with all that it started', async () => {
    await program.stop('SIGTERM');
    for (const port of [7007, 9090, 9464]) {
      await assert.rejects(fetch(`http://localhost:${port}/`), TypeError);
    }
  });
});
