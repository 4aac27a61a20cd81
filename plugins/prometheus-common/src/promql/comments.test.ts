import assert from 'node:assert/strict';
import { test } from 'node:test';
import { panelsOf } from '../panels/panelsOf';
import { queryTitle, withoutComments } from './comments';

for (const [query, title] of [
  ['up', 'up'],
  ['# All of them\nup', 'up'],
  ['sum( # all\r\n  up\n)', 'sum( up )'],
  ['up{a="#  b"} # c', 'up{a="#  b"}'],
  ["up{a='\\'# b'} # c", "up{a='\\'# b'}"],
  ['up{a=`# b`}', 'up{a=`# b`}'],
  ['# nothing', ''],
]) {
  test(`the title of ${JSON.stringify(query)} is ${JSON.stringify(title)}`, () => {
    assert.equal(queryTitle(query), title);
  });
}

test('places stay where they are without comments', () => {
  const query = 'sum( # all\nup)';
  const text = withoutComments(query);
  assert.equal(text.length, query.length);
  assert.equal(text.indexOf('up'), query.indexOf('up'));
});

test('a panel whose query begins with a comment has its unit and a title without it', () => {
  const { panels } = panelsOf({
    apiVersion: 'v1',
    kind: 'Component',
    metadata: {
      name: 'a',
      annotations: { 'prometheus.io/rule': '# Memory, in use\nused_bytes' },
    },
  });
  assert.deepEqual(
    panels.map(({ title, unit, query }) => [title, unit, query]),
    [['used_bytes', 'bytes', '# Memory, in use\nused_bytes']],
  );
});
