import path from 'node:path';
import type { TestContext } from 'node:test';
import type { JsonObject } from '@backstage/types';
import type { Page } from 'playwright-core';
import { Browser } from '../support/Browser';
import { freePort } from '../support/ports';
import { PortalFixture, type PortalOptions } from '../prometheus/PortalFixture';
import { serveApp } from './serveApp';

/** Modules of apps, among the pages. */
export type AppName = 'legacyApp' | 'newApp';

export interface AppOptions extends Omit<PortalOptions, 'app'> {
  app?: AppName;
  /** The app's first module, in place of one among the pages. */
  entry?: string;
  /** What the app's configuration has beside its addresses. */
  appConfig?: JsonObject;
}

export interface View {
  /** Below the entity's page. */
  tab?: string;
  search?: string;
  viewport?: { width: number; height: number };
  colorScheme?: 'light' | 'dark';
  timeZone?: string;
  /** Errors on the console that belong to what is shown. */
  expected?: RegExp;
}

/** A Backstage app in a browser, in front of a real backend. */
export class AppFixture {
  private constructor(
    readonly portal: PortalFixture,
    private readonly url: string,
    private readonly browser: Browser,
    private readonly pages: Page[],
  ) {}

  static async start(
    t: TestContext,
    {
      app = 'legacyApp',
      entry = path.join(__dirname, `pages/${app}.tsx`),
      appConfig = {},
      ...options
    }: AppOptions,
  ): Promise<AppFixture> {
    const pages: Page[] = [];
    // Before the backend ends: a page that is open would say that it cannot reach it.
    t.after(() => Promise.all(pages.map(page => page.context().close())));
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const portal = await PortalFixture.start(t, { ...options, app: url });
    await serveApp(t, entry, port, {
      ...appConfig,
      app: {
        title: 'Portal',
        baseUrl: url,
        ...(appConfig.app as JsonObject),
      },
      backend: { baseUrl: portal.url },
      auth: { environment: 'development' },
    });
    return new AppFixture(portal, url, await Browser.launch(t), pages);
  }

  /** Opens the page of an entity as a guest. */
  async open(
    t: Pick<TestContext, 'after'>,
    entity: string,
    { tab = 'prometheus', ...view }: View = {},
  ): Promise<Page> {
    return this.openPath(
      t,
      `/catalog/default/component/${entity}/${tab}`,
      view,
    );
  }

  /** Opens any page as a guest. */
  async openPath(
    t: Pick<TestContext, 'after'>,
    pathname: string,
    { search = '', ...look }: Omit<View, 'tab'> = {},
  ): Promise<Page> {
    const page = await this.browser.page(t, {
      viewport: { width: 1400, height: 1000 },
      ...look,
    });
    this.pages.push(page);
    await page.goto(`${this.url}${pathname}${search}`);
    return page;
  }
}
