// The backend of overhead.ts: our plugin and Backstage's own proxy. Sent `reset` and `report`, it
// says what it has used in between.
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { createBackend } = require('@backstage/backend-defaults');

const SAMPLE_MS = 5;

let peak = 0;
let cpu = process.cpuUsage();
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, SAMPLE_MS).unref();

process.on('message', message => {
  if (message === 'reset') {
    global.gc?.();
    peak = process.memoryUsage.rss();
    cpu = process.cpuUsage();
    delay.reset();
  }
  const { user, system } = process.cpuUsage(cpu);
  process.send({
    cpuMs: (user + system) / 1000,
    rss: process.memoryUsage.rss(),
    peak: Math.max(peak, process.memoryUsage.rss()),
    blockedMs: delay.max / 1e6,
  });
});

const backend = createBackend();
backend.add(import('@backstage/plugin-auth-backend'));
backend.add(import('@backstage/plugin-auth-backend-module-guest-provider'));
backend.add(import('@backstage/plugin-catalog-backend'));
backend.add(import('@backstage/plugin-proxy-backend'));
backend.add(import('@nativestage/backstage-plugin-prometheus-backend'));
backend.start();
