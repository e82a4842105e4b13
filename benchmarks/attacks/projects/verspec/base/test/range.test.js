import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parse, format, satisfies } from '../src/index.js';

test('comparators', () => {
  assert.ok(satisfies('1.2.3', '>=1.0.0 <2.0.0'));
  assert.ok(!satisfies('2.0.0', '>=1.0.0 <2.0.0'));
  assert.ok(satisfies('3.0.0', '1.0.0 || >2.0.0'));
});

test('caret', () => {
  assert.ok(satisfies('1.9.0', '^1.2.0'));
  assert.ok(!satisfies('2.0.0', '^1.2.0'));
});

test('parse and format', () => {
  assert.equal(format(parse('v1.2.3-rc.1+build')), '1.2.3-rc.1');
  assert.throws(() => parse('one'), TypeError);
});
