export type Scope = 'global' | 'local';

interface Task {
  plugin: string;
  scope: Scope;
  /** How often it was scheduled and has not ended: one id is one task. */
  schedules: number;
}

/** The tasks that this process has scheduled, by plugin, scope and id. */
export class TaskRegister {
  private readonly tasks = new Map<string, Task>();

  /** @returns what takes it out again */
  add(plugin: string, scope: Scope, id: string): () => void {
    const key = JSON.stringify([plugin, scope, id]);
    const task = this.tasks.get(key) ?? { plugin, scope, schedules: 0 };
    task.schedules++;
    this.tasks.set(key, task);
    return () => {
      task.schedules--;
      if (task.schedules === 0 && this.tasks.get(key) === task) {
        this.tasks.delete(key);
      }
    };
  }

  /** A plugin's tasks end with its backend. */
  forget(plugin: string): void {
    for (const [key, task] of this.tasks) {
      if (task.plugin === plugin) {
        this.tasks.delete(key);
      }
    }
  }

  counts(): Map<string, Record<Scope, number>> {
    const counts = new Map<string, Record<Scope, number>>();
    for (const { plugin, scope } of this.tasks.values()) {
      const scopes = counts.get(plugin) ?? { global: 0, local: 0 };
      scopes[scope]++;
      counts.set(plugin, scopes);
    }
    return counts;
  }
}
