import { ProxiedSignInPage } from '@backstage/core-components';
import { createApp } from '@backstage/frontend-defaults';
import { createFrontendModule } from '@backstage/frontend-plugin-api';
import { SignInPageBlueprint } from '@backstage/plugin-app-react';
import catalogPlugin from '@backstage/plugin-catalog/alpha';
import prometheusPlugin from '@nativestage/backstage-plugin-prometheus/alpha';
import userSettingsPlugin from '@backstage/plugin-user-settings/alpha';

/** Everybody is a guest: an example on one's own machine. */
const signInPage = SignInPageBlueprint.make({
  params: {
    loader: () =>
      Promise.resolve(props => (
        <ProxiedSignInPage {...props} provider="guest" />
      )),
  },
});

export const app = createApp({
  features: [
    catalogPlugin,
    prometheusPlugin,
    userSettingsPlugin,
    createFrontendModule({ pluginId: 'app', extensions: [signInPage] }),
  ],
});
