'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');

const { parse, stringify } = require('..');

describe('repeated fields', () => {
  it('become a list', () => {
    assert.deepStrictEqual(parse('tag=red&tag=blue'), { tag: ['red', 'blue'] });
  });

  it('come back', () => {
    assert.strictEqual(stringify(parse('a=1&b=2&a=3')), 'a=1&a=3&b=2');
  });
});
