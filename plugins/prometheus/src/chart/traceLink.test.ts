import assert from 'node:assert/strict';
import test from 'node:test';
import { traceLink } from './traceLink';

const TEMPLATE = 'https://traces.example/trace/{{trace_id}}?span={{ span_id }}';

test('a trace link has the labels of the exemplar, as parts of an address', () => {
  assert.equal(
    traceLink(TEMPLATE, { trace_id: 'a/b&c', span_id: '7' }),
    'https://traces.example/trace/a%2Fb%26c?span=7',
  );
});

test('there is no link without a template, a label, or an HTTP address', () => {
  assert.equal(traceLink(undefined, { trace_id: 'a' }), undefined);
  assert.equal(traceLink(TEMPLATE, { trace_id: 'a' }), undefined);
  assert.equal(traceLink(TEMPLATE, { trace_id: 'a', span_id: '' }), undefined);
  assert.equal(
    traceLink('javascript:alert("{{trace_id}}")', { trace_id: 'a' }),
    undefined,
  );
});
