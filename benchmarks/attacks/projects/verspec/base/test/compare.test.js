import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compare, sort } from '../src/index.js';

test('numbers are compared as numbers', () => {
  assert.equal(compare('1.10.0', '1.9.0'), 1);
  assert.equal(compare('1.0.0', '1.0.1'), -1);
  assert.equal(compare('v2.0.0', '2.0.0'), 0);
});

test('a prerelease is older than its release', () => {
  assert.equal(compare('1.0.0-alpha', '1.0.0'), -1);
  assert.equal(compare('1.0.0', '1.0.0-beta'), 1);
});

test('prereleases by their words', () => {
  assert.equal(compare('1.0.0-alpha', '1.0.0-beta'), -1);
  assert.equal(compare('1.0.0-alpha', '1.0.0-alpha.1'), -1);
});

test('sort gives a copy', () => {
  const versions = ['2.0.0', '1.0.0'];
  assert.deepEqual(sort(versions), ['1.0.0', '2.0.0']);
  assert.deepEqual(versions, ['2.0.0', '1.0.0']);
});
