import {
  type Context,
  context,
  propagation,
  SpanKind,
  trace,
} from '@opentelemetry/api';
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

  // Whatever is recorded within a sampled span may be exported with its trace, as an exemplar. An
  // instrumentation of HTTP would make the span as well; without a tracer this one costs next to nothing.
  const tracer = trace.getTracer('example');
  router.use((req, res, next) => {
    tracer.startActiveSpan(
      req.method,
      { kind: SpanKind.SERVER },
      callerOf(req),
      span => {
        res.once('close', () => {
          span.updateName(`${req.method} ${routeOf(req)}`).end();
        });
        next();
      },
    );
  });

  router.use((req, res, next) => {
    const start = performance.now();
    const within = context.active();
    res.once('finish', () => {
      metrics.requestDuration.record(
        (performance.now() - start) / 1000,
        {
          method: req.method,
          // The route's template, never the URL: every distinct value is a series of its own.
          route: routeOf(req),
          status: res.statusCode,
        },
        // Who emits this event need not be within the span.
        within,
      );
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

/** The span that is active, or else the one that the client says it is in. */
function callerOf(req: express.Request): Context {
  const active = context.active();
  return trace.getSpan(active)
    ? active
    : propagation.extract(active, req.headers);
}

function routeOf(req: express.Request): string {
  const { path } = (req.route ?? {}) as { path?: string };
  return path ?? 'unmatched';
}
