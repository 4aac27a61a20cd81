import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { createMeterProvider } from '@nativestage/metrics/sdk';
import { parse, parseAllDocuments } from 'yaml';
import {
  KUSTOMIZE,
  pipe,
  prometheus,
  PYTHON,
  python,
  without,
} from '../support/tools';
import { type AppConfig, endingSeconds } from './appConfig';
import { type Container, type Resource, resource } from './kubernetes';
import { portOf, readCollectorConfig } from './otelCollector';

const FOLDER = 'deploy/kubernetes';
const KUSTOMIZATIONS = ['base', 'collector'];

for (const name of KUSTOMIZATIONS) {
  describe(`kustomize builds ${name}`, { skip: without(KUSTOMIZE) }, () => {
    const resources = existsSync(KUSTOMIZE) ? build(name) : [];
    const pods = resources.filter(one => one.kind === 'Deployment');

    test(
      'with what the schemas of Kubernetes and of the operator allow',
      { skip: without(PYTHON) },
      async () => assert.deepEqual(await problems(resources), []),
    );

    test(
      'and with no key that they do not know',
      { skip: without(PYTHON) },
      async () => {
        const found = await problems(resources.map(one => withUnknownKey(one)));
        for (const [index, { kind, metadata }] of resources.entries()) {
          assert.match(
            found[index],
            new RegExp(`^${kind} ${metadata.name}: .*nonsense`, 's'),
          );
        }
      },
    );

    test('with every resource in the namespace', () => {
      for (const { kind, metadata } of resources) {
        assert.equal(
          metadata.namespace,
          kind === 'Namespace' ? undefined : 'backstage',
          `${kind} ${metadata.name}`,
        );
      }
    });

    test('with pods that the standard "restricted" admits', () => {
      assert.ok(pods.length > 0);
      for (const { spec } of pods) {
        const pod = spec.template.spec;
        assert.equal(pod.automountServiceAccountToken, false);
        const { runAsNonRoot, seccompProfile } = pod.securityContext;
        assert.equal(runAsNonRoot, true);
        assert.deepEqual(seccompProfile, { type: 'RuntimeDefault' });
        for (const { securityContext } of pod.containers) {
          assert.deepEqual(securityContext, {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          });
        }
      }
    });

    test('with every ConfigMap that pods name', () => {
      for (const { spec } of pods) {
        const { containers, volumes } = spec.template.spec;
        for (const { configMap } of volumes) {
          if (configMap) {
            resource(resources, 'ConfigMap', configMap.name);
          }
        }
        for (const { valueFrom } of containers.flatMap(({ env }) => env)) {
          const { name, key } = valueFrom?.configMapKeyRef ?? {};
          if (name && key) {
            const { data } = resource(resources, 'ConfigMap', name);
            assert.ok(key in data, key);
          }
        }
      }
    });

    test('with Services, policies and monitors that find pods and ports', () => {
      for (const { labels, ports } of selections(resources)) {
        const [pod, ...others] = pods.filter(({ spec }) =>
          Object.entries(labels).every(
            ([key, value]) => spec.template.metadata.labels?.[key] === value,
          ),
        );
        assert.ok(pod, JSON.stringify(labels));
        assert.deepEqual(others, []);
        const names = pod.spec.template.spec.containers.flatMap(container =>
          container.ports.map(port => port.name),
        );
        for (const port of ports) {
          assert.ok(names.includes(port), port);
        }
      }
    });
  });
}

describe('the Deployment of Backstage', { skip: without(KUSTOMIZE) }, () => {
  const resources = existsSync(KUSTOMIZE) ? build('base') : [];
  const deployment = () => resource(resources, 'Deployment', 'backstage');
  const container = () => deployment().spec.template.spec.containers[0];
  const config = parse(
    readFileSync(`${FOLDER}/base/app-config.production.yaml`, 'utf8'),
  ) as AppConfig;

  test('has two replicas, with the time for their last export', () => {
    const { replicas, template } = deployment().spec;
    assert.equal(replicas, 2);
    assert.ok(
      template.spec.terminationGracePeriodSeconds! > endingSeconds(config),
    );
  });

  test('is asked for its health where Backstage answers', () => {
    const { readinessProbe, livenessProbe, startupProbe } = container();
    const router = readFileSync(
      'node_modules/@backstage/backend-defaults/dist/entrypoints/rootHttpRouter/createHealthRouter.cjs.js',
      'utf8',
    );
    for (const probe of [readinessProbe, livenessProbe, startupProbe!]) {
      assert.equal(probe.httpGet.port, 'http');
      assert.ok(router.includes(probe.httpGet.path), probe.httpGet.path);
    }
  });

  test('names each instance by its pod', () => {
    const attributes = environment(container())
      .OTEL_RESOURCE_ATTRIBUTES!.split(',')
      .map(pair => pair.split('='));
    assert.deepEqual(Object.fromEntries(attributes), {
      'service.instance.id': '$(POD_NAMESPACE).$(POD_NAME).backstage',
      'k8s.namespace.name': '$(POD_NAMESPACE)',
      'k8s.pod.name': '$(POD_NAME)',
      'k8s.pod.uid': '$(POD_UID)',
      'k8s.node.name': '$(NODE_NAME)',
      'k8s.container.name': 'backstage',
    });
  });

  test('defines a variable before the ones that are made of it', () => {
    const { env } = container();
    const names = env.map(({ name }) => name);
    for (const [index, { value = '' }] of env.entries()) {
      for (const [, name] of value.matchAll(/\$\((\w+)\)/g)) {
        const defined = names.indexOf(name);
        assert.ok(defined >= 0 && defined < index, name);
      }
    }
  });

  test('has the ports of the page and of the backend', () => {
    assert.deepEqual(
      container().ports.map(port => [port.name, port.containerPort]),
      [
        ['http', 7007],
        ['metrics', 9464],
      ],
    );
  });

  test('finds every secret of its configuration, which the documentation makes', () => {
    const { volumes } = deployment().spec.template.spec;
    const { secret } = volumes.find(({ name }) => name === 'secrets')!;
    const mount = container().volumeMounts.find(
      ({ name }) => name === 'secrets',
    )!;
    const files = JSON.stringify(config).matchAll(/"\$file":"([^"]+)"/g);
    assert.deepEqual(
      Array.from(files, ([, file]) => file).sort(),
      secret!.items.map(({ path }) => `${mount.mountPath}/${path}`).sort(),
    );
    const page = readFileSync('docs/deploying.md', 'utf8');
    assert.ok(page.includes(`secret generic ${secret!.secretName} `));
    for (const { key } of secret!.items) {
      assert.match(page, new RegExp(`--from-(literal|file)=${key}=`));
    }
  });

  test('has a page that other pods reach, with the token that the monitor sends', () => {
    const { prometheus: page } = config.backend.metrics.exporters;
    assert.equal(page.host, '0.0.0.0');
    const { spec } = resource(resources, 'PodMonitor', 'backstage');
    const [{ authorization }] = spec.podMetricsEndpoints;
    const { name, key } = authorization.credentials;
    assert.equal(page.token.$file, `/etc/backstage/secrets/${key}`);
    const volumes = deployment().spec.template.spec.volumes;
    assert.ok(volumes.some(({ secret }) => secret?.secretName === name));
  });

  test('has metrics that the package takes', t => {
    const { exporters, ...rest } = config.backend.metrics;
    const provider = createMeterProvider({
      ...rest,
      exporters: {
        ...exporters,
        prometheus: { host: '127.0.0.1', port: 0, token: 'token' },
      },
    });
    t.after(() => provider.shutdown());
    assert.equal(provider.problem, undefined);
  });

  test('lets the namespace of Prometheus alone read the page', () => {
    const { spec } = resource(resources, 'NetworkPolicy', 'backstage');
    const [page, ...others] = spec.ingress.filter(({ ports }) =>
      ports.some(({ port }) => port === 'metrics'),
    );
    assert.deepEqual(others, []);
    assert.deepEqual(page.ports, [{ port: 'metrics' }]);
    assert.deepEqual(page.from, [
      {
        namespaceSelector: {
          matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' },
        },
      },
    ]);
  });
});

describe("the operator's rules", { skip: without(KUSTOMIZE) }, () => {
  const resources = existsSync(KUSTOMIZE) ? build('base') : [];
  const groups = () =>
    resource(resources, 'PrometheusRule', 'backstage').spec.groups;

  test('are those of deploy/prometheus, as the script writes them', () => {
    execFileSync(process.execPath, ['scripts/prometheusRule.mjs', '--check']);
    const files = ['recording-rules.yaml', 'alerts.yaml'].flatMap(
      file =>
        (
          parse(readFileSync(`deploy/prometheus/${file}`, 'utf8')) as {
            groups: { rules: object[] }[];
          }
        ).groups,
    );
    assert.deepEqual(
      groups().flatMap(({ rules }) => rules),
      files.flatMap(({ rules }) => rules),
    );
  });

  test('are in groups with names of their own', () => {
    const names = groups().map(({ name }) => name);
    assert.deepEqual(names, [...new Set(names)]);
  });

  for (const major of [2, 3] as const) {
    const { promtool } = prometheus(major);
    test(
      `promtool of Prometheus ${major} finds them in order`,
      { skip: without(promtool) },
      async t => {
        const folder = mkdtempSync(path.join(tmpdir(), 'metrics-rules-'));
        t.after(() => rmSync(folder, { recursive: true }));
        const file = path.join(folder, 'rules.yaml');
        // JSON is YAML.
        writeFileSync(file, JSON.stringify({ groups: groups() }));
        const { code, stderr } = await pipe(
          promtool,
          ['check', 'rules', file],
          '',
        );
        assert.equal(code, 0, stderr);
      },
    );
  }
});

test(
  'every dashboard is a ConfigMap that the sidecar of Grafana finds',
  { skip: without(KUSTOMIZE) },
  () => {
    const resources = build('base');
    const files = readdirSync('deploy/grafana').filter(file =>
      file.endsWith('.json'),
    );
    assert.ok(files.length > 0);
    for (const file of files) {
      const name = file.replace('.json', '');
      const map = resource(
        resources,
        'ConfigMap',
        `backstage-dashboard-${name}`,
      );
      assert.equal(map.metadata.labels?.grafana_dashboard, '1');
      assert.deepEqual(map.data, {
        [`backstage-${file}`]: readFileSync(`deploy/grafana/${file}`, 'utf8'),
      });
    }
  },
);

describe('the collector', { skip: without(KUSTOMIZE) }, () => {
  const resources = existsSync(KUSTOMIZE) ? build('collector') : [];
  const config = readCollectorConfig(`${FOLDER}/collector/config.yaml`);
  const container = () =>
    resource(resources, 'Deployment', 'otel-collector').spec.template.spec
      .containers[0];

  test('listens where its Service, its probes and the backends ask', () => {
    const ports = Object.fromEntries(
      container().ports.map(({ name, containerPort }) => [name, containerPort]),
    );
    assert.deepEqual(ports, {
      'otlp-http': portOf(config.receivers.otlp.protocols.http.endpoint),
      health: portOf(config.extensions!.health_check.endpoint),
    });
    const { metadata, spec } = resource(resources, 'Service', 'otel-collector');
    const backstage = resource(resources, 'Deployment', 'backstage');
    const [backend] = backstage.spec.template.spec.containers;
    assert.equal(
      environment(backend).OTEL_EXPORTER_OTLP_ENDPOINT,
      `http://${metadata.name}:${spec.ports[0].port}`,
    );
  });

  test('has every variable that its configuration names', () => {
    const text = readFileSync(`${FOLDER}/collector/config.yaml`, 'utf8');
    const names = Array.from(
      text.matchAll(/\$\{env:(\w+)\}/g),
      ([, name]) => name,
    );
    assert.ok(names.length > 0);
    for (const name of names) {
      assert.ok(
        container().env.some(one => one.name === name),
        name,
      );
    }
  });

  test('reads the file that is mounted', () => {
    const { data } = resource(resources, 'ConfigMap', 'otel-collector');
    const [mount] = container().volumeMounts;
    assert.ok('config.yaml' in data);
    assert.equal(mount.mountPath, '/etc/otelcol');
  });
});

// Debian's Prometheus 2 is built without the discovery of Kubernetes.
const { promtool } = prometheus(3);
test(
  'promtool of Prometheus 3 finds the scrape without the operator in order',
  { skip: without(promtool) },
  async () => {
    // Not the token's file, which this machine has none of.
    const args = ['check', 'config', '--syntax-only'];
    const { code, stdout, stderr } = await pipe(
      promtool,
      [...args, `${FOLDER}/prometheus.yaml`],
      '',
    );
    assert.equal(code, 0, stdout + stderr);
  },
);

function build(kustomization: string): Resource[] {
  const folder = `${FOLDER}/${kustomization}`;
  const output = execFileSync(KUSTOMIZE, ['build', folder], {
    encoding: 'utf8',
  });
  return parseAllDocuments(output).map(document => document.toJS() as Resource);
}

async function problems(resources: object[]): Promise<string[]> {
  const input = JSON.stringify(resources);
  return (await python('check_manifests.py', input)) as string[];
}

/** Where every kind of resource has fields of its own. */
function withUnknownKey(one: Resource): object {
  return 'spec' in one
    ? { ...one, spec: { ...one.spec, nonsense: 1 } }
    : { ...one, nonsense: 1 };
}

/** Which pods, and which of their ports, resources select. */
function selections(
  resources: Resource[],
): { labels: Record<string, string>; ports: string[] }[] {
  return resources.flatMap(one => {
    switch (one.kind) {
      case 'Service':
        return {
          labels: one.spec.selector,
          ports: one.spec.ports.map(({ targetPort }) => targetPort),
        };
      case 'NetworkPolicy':
        return {
          labels: one.spec.podSelector.matchLabels,
          ports: one.spec.ingress.flatMap(({ ports }) =>
            ports.map(({ port }) => port),
          ),
        };
      case 'PodMonitor':
        return {
          labels: one.spec.selector.matchLabels,
          ports: one.spec.podMetricsEndpoints.map(({ port }) => port),
        };
      default:
        return [];
    }
  });
}

function environment({ env }: Container): Record<string, string | undefined> {
  return Object.fromEntries(env.map(({ name, value }) => [name, value]));
}
