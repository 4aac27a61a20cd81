import express from 'express';
import Router from 'express-promise-router';
import type { Kitchen } from './Kitchen';
import type { KitchenMetrics } from './metrics';

export function createRouter(
  kitchen: Kitchen,
  metrics: KitchenMetrics,
): express.Router {
  const router = Router();
  router.use(express.json());

  router.use((req, res, next) => {
    const start = performance.now();
    res.once('finish', () => {
      metrics.requestDuration.record((performance.now() - start) / 1000, {
        method: req.method,
        // The route's template, never the URL: every distinct value is a series of its own.
        route: routeOf(req),
        status: res.statusCode,
      });
    });
    next();
  });

  router.get('/orders', (_, res) => {
    res.json({ items: kitchen.queue });
  });

  router.post('/orders', (req, res) => {
    const { pizza, channel } = req.body as Record<string, unknown>;
    const order = kitchen.order(pizza, channel);
    metrics.orderPlaced(order);
    res.status(201).json(order);
  });

  return router;
}

function routeOf(req: express.Request): string {
  const { path } = (req.route ?? {}) as { path?: string };
  return path ?? 'unmatched';
}
