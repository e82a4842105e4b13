import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compare, sort } from '../src/index.js';

test('rc.10 is newer than rc.9', () => {
  assert.equal(compare('2.0.0-rc.10', '2.0.0-rc.9'), 1);
  assert.equal(compare('2.0.0-rc.9', '2.0.0-rc.10'), -1);
});

test('sorted', () => {
  assert.deepEqual(sort(['1.0.0-rc.11', '1.0.0-rc.2']), ['1.0.0-rc.2', '1.0.0-rc.11']);
});
