import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { pipe, prometheus, without } from '../support/tools';
import { charts, dashboards, type Panel, queries } from './dashboards';

const SOURCE = { type: 'prometheus', uid: '${datasource}' };

for (const dashboard of dashboards) {
  const { panels, templating } = dashboard;
  describe(`the dashboard ${dashboard.title}`, () => {
    test('can be imported into any Grafana from 10 on', () => {
      assert.equal(dashboard.id, undefined);
      assert.match(dashboard.uid, /^backstage-[a-z-]{1,30}$/);
      assert.equal(dashboard.schemaVersion, 39);
      assert.deepEqual(templating.list[0].name, 'datasource');
      const sources = [
        ...templating.list.slice(1),
        ...charts(dashboard),
        ...charts(dashboard).flatMap(panel => panel.targets!),
      ].map(({ datasource }) => datasource);
      for (const source of sources) {
        assert.deepEqual(source, SOURCE);
      }
    });

    test('has panels with numbers of their own, side by side', () => {
      assert.deepEqual(
        panels.map(({ id }) => id),
        panels.map((_, index) => index + 1),
      );
      for (const [index, panel] of panels.entries()) {
        const { x, w } = panel.gridPos;
        assert.ok(x >= 0 && x + w <= 24, panel.title);
        for (const other of panels.slice(0, index)) {
          assert.ok(
            !overlap(panel, other),
            `${panel.title} lies on ${other.title}`,
          );
        }
      }
    });

    test('says of each panel what it shows, in which unit, and what to do', () => {
      for (const { title, description, fieldConfig } of charts(dashboard)) {
        assert.ok((description ?? '').length > 60, title);
        assert.ok(fieldConfig?.defaults.unit, title);
      }
    });

    test('names the lines of each graph by all that tells them apart', () => {
      for (const { type, title, targets } of charts(dashboard)) {
        for (const { expr, legendFormat } of targets!) {
          const grouping = /^[^(]*by \(([^)]*)\)/.exec(expr)?.[1] ?? '';
          const labels = grouping
            .split(', ')
            .filter(label => label && label !== 'le');
          for (const label of type === 'timeseries' ? labels : []) {
            assert.ok(
              legendFormat.includes(`{{${label}}}`) || legendFormat === label,
              `${title}: ${label} is not in ${legendFormat}`,
            );
          }
        }
        const legends = targets!.map(({ legendFormat }) => legendFormat);
        assert.equal(new Set(legends).size, legends.length, title);
      }
    });

    test('chooses by cluster, namespace, job and instance in everything it asks for', () => {
      const [, ...names] = templating.list.map(({ name }) => name);
      assert.deepEqual(names.slice(0, 4), [
        'cluster',
        'namespace',
        'job',
        'instance',
      ]);
      const all =
        /cluster=~"\$cluster", namespace=~"\$namespace", job=~"\$job", instance=~"\$instance"/;
      for (const { title, targets } of charts(dashboard)) {
        for (const { expr } of targets!) {
          for (const [selector] of expr.matchAll(/\{[^{}]*\}/g)) {
            assert.match(selector, all, title);
          }
        }
      }
      // `All` of jobs is those that are offered: others have `up` and metrics of an SDK as well.
      const job = templating.list.find(({ name }) => name === 'job');
      assert.equal(job!.allValue, null);
    });

    test('looks back far enough for a scrape a minute', () => {
      for (const { title, targets } of charts(dashboard)) {
        for (const { expr, interval } of targets!) {
          assert.equal(
            interval,
            expr.includes('$__interval')
              ? '2m'
              : expr.includes('$__rate_interval')
                ? '1m'
                : undefined,
            title,
          );
        }
      }
    });

    test('asks for no job, instance or plugin by name', () => {
      for (const { title, targets } of charts(dashboard)) {
        for (const { expr } of targets!) {
          assert.doesNotMatch(expr, /\b(job|instance|plugin)=~?"[^$]/, title);
          assert.doesNotMatch(expr, /by \([^)]*otel_scope/, title);
        }
      }
    });
  });
}

test('the dashboards have uids of their own', () => {
  const uids = dashboards.map(({ uid }) => uid);
  assert.equal(new Set(uids).size, uids.length);
});

for (const major of [2, 3] as const) {
  const { promtool } = prometheus(major);
  test(
    `Prometheus ${major} understands the queries of the dashboards`,
    { skip: without(promtool) },
    async t => {
      const folder = mkdtempSync(path.join(tmpdir(), 'metrics-queries-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const file = path.join(folder, 'queries.yaml');
      const rules = queries.map(({ expr }, index) => ({
        record: `query:${index}`,
        expr,
      }));
      // JSON is YAML.
      writeFileSync(
        file,
        JSON.stringify({ groups: [{ name: 'dashboards', rules }] }),
      );
      const { code, stdout, stderr } = await pipe(
        promtool,
        ['check', 'rules', file],
        '',
      );
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, new RegExp(`${queries.length} rules found`));
    },
  );
}

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return (
    a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
  );
}
