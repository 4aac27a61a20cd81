// Writes deploy/kubernetes/base/prometheusrule.yaml, the rules of deploy/prometheus as a resource of the
// Prometheus Operator; `--check` only compares.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { parse, stringify } from 'yaml';

const deploy = fileURLToPath(new URL('../deploy', import.meta.url));
const file = path.join(deploy, 'kubernetes/base/prometheusrule.yaml');

/** Names of groups are unique in a resource, not over the two files. */
async function groups(name, prefix) {
  const text = await readFile(path.join(deploy, 'prometheus', name), 'utf8');
  return parse(text).groups.map(group => ({
    ...group,
    name: `${prefix}-${group.name}`,
  }));
}

const rule = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: { name: 'backstage' },
  spec: {
    groups: [
      ...(await groups('recording-rules.yaml', 'record')),
      ...(await groups('alerts.yaml', 'alert')),
    ],
  },
};
const yaml = stringify(rule, { blockQuote: 'literal', lineWidth: 0 });
const after = await format(
  `# Written by \`npm run rules\` from deploy/prometheus, where the comments are.\n${yaml}`,
  { parser: 'yaml', singleQuote: true },
);

if (!process.argv.includes('--check')) {
  await writeFile(file, after);
} else if ((await readFile(file, 'utf8').catch(() => '')) !== after) {
  console.error(`${file} is out of date: run \`npm run rules\``);
  process.exitCode = 1;
}
