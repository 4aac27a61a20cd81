import type { BatchObservableCallback, Observable } from '@opentelemetry/api';
import type { MetricsService } from '../../services/services';

/**
 * What the process takes from its machine, by Node's own account. Starts at once.
 *
 * @returns what ends it
 */
export function observeProcess(metrics: MetricsService): () => void {
  const cpu = metrics.createObservableCounter('process.cpu.time', {
    description: 'CPU time that the process took',
    unit: 's',
  });
  const memory = metrics.createObservableUpDownCounter('process.memory.usage', {
    description: 'Memory of the process that is in RAM',
    unit: 'By',
  });
  const uptime = metrics.createObservableGauge('process.uptime', {
    description: 'How long the process has been running',
    unit: 's',
  });
  const handles = metrics.createObservableUpDownCounter('process.handles', {
    description: 'What keeps the event loop alive, by type',
    unit: '{handle}',
  });
  const observables: Observable[] = [cpu, memory, uptime, handles];
  const types = new Set<string>();
  const observe: BatchObservableCallback = result => {
    const { user, system } = process.cpuUsage();
    result.observe(cpu, user / 1e6, { 'cpu.mode': 'user' });
    result.observe(cpu, system / 1e6, { 'cpu.mode': 'system' });
    result.observe(memory, process.memoryUsage.rss());
    result.observe(uptime, process.uptime());
    for (const [type, count] of handleCounts(types)) {
      result.observe(handles, count, { type });
    }
  };
  metrics.addBatchObservableCallback(observe, observables);
  return () => metrics.removeBatchObservableCallback(observe, observables);
}

/** By type; those seen before and gone now are 0. Node has some thirty types. */
function handleCounts(types: Set<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const type of types) {
    counts.set(type, 0);
  }
  for (const type of process.getActiveResourcesInfo()) {
    types.add(type);
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}
