import {
  coreServices,
  createBackendPlugin,
} from '@backstage/backend-plugin-api';
import { catalogServiceRef } from '@backstage/plugin-catalog-node';
import { prometheusPermissions } from '@nativestage/backstage-plugin-prometheus-common';
import { assertBackstage } from './assertBackstage';
import type { RequestSigner } from './client';
import {
  type InstanceChooser,
  prometheusInstanceExtensionPoint,
} from './instanceExtensionPoint';
import { createRouter } from './router';

assertBackstage();

/** Serves the panels and alerts of entities from Prometheus. */
export const prometheusPlugin = createBackendPlugin({
  pluginId: 'prometheus',
  register(env) {
    let chooseInstance: InstanceChooser | undefined;
    let signRequest: RequestSigner | undefined;
    env.registerExtensionPoint(prometheusInstanceExtensionPoint, {
      setInstanceChooser(chooser) {
        if (chooseInstance) {
          throw new Error('An instance chooser is set already; there is one');
        }
        chooseInstance = chooser;
      },
      setRequestSigner(signer) {
        if (signRequest) {
          throw new Error('A signer of requests is set already; there is one');
        }
        signRequest = signer;
      },
    });
    env.registerInit({
      deps: {
        catalog: catalogServiceRef,
        config: coreServices.rootConfig,
        httpAuth: coreServices.httpAuth,
        httpRouter: coreServices.httpRouter,
        lifecycle: coreServices.lifecycle,
        logger: coreServices.logger,
        permissions: coreServices.permissions,
        permissionsRegistry: coreServices.permissionsRegistry,
      },
      async init({ httpRouter, permissionsRegistry, ...services }) {
        permissionsRegistry.addPermissions(prometheusPermissions);
        httpRouter.use(
          await createRouter({ ...services, chooseInstance, signRequest }),
        );
      },
    });
  },
});
