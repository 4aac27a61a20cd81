// The memory of another process, as Linux counts it.
import { readFileSync, writeFileSync } from 'node:fs';

/** Megabytes: `VmRSS` is what is resident, `VmHWM` the most that was since the last reset. */
export function residentMemory(pid, field) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (Number(status.match(`${field}:\\s+(\\d+) kB`)[1]) * 1024) / 1e6;
}

/** Begins a new `VmHWM` (proc_pid_clear_refs(5)). */
export function resetPeak(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
