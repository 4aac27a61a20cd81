import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { HADOLINT, pipe, without } from '../support/tools';

const FILE = path.resolve('deploy/docker/Dockerfile');
const dockerfile = readFileSync(FILE, 'utf8').replaceAll('\\\n', '');
const image = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));

test(
  'hadolint finds the Dockerfile in order',
  { skip: without(HADOLINT) },
  async () => {
    const { code, stdout, stderr } = await pipe(HADOLINT, [FILE], '');
    assert.equal(code, 0, stdout + stderr);
  },
);

test('nothing is installed or compiled in the image that runs', () => {
  assert.match(image, /^\nFROM node:24-trixie-slim\n/);
  assert.match(dockerfile, /^FROM node:24-trixie AS packages$/m);
  assert.doesNotMatch(image, /apt-get|yarn |node-gyp/);
});

test('the image has the ports of the backend and of the page', () => {
  assert.match(image, /^EXPOSE 7007 9464$/m);
});

test('SIGTERM reaches Node: no shell is between', () => {
  const [, command] = /^CMD (.*)$/m.exec(image)!;
  const [program] = JSON.parse(command) as string[];
  assert.equal(program, 'node');
});

test('the build ends where the addon does not load', async () => {
  const [, command] = /^RUN (.*)$/m.exec(image)!;
  const [program, ...args] = JSON.parse(command) as string[];
  assert.equal(program, 'node');
  // The layout of the image is that of a Backstage app, and so is this repository's.
  const run = promisify(execFile);
  await run(process.execPath, args);
  await assert.rejects(
    run(process.execPath, args, { cwd: '/' }),
    /Cannot find module '@nativestage\/metrics\/sdk'/,
  );
});
