'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');

const { parse, stringify } = require('..');

describe('stringify', () => {
  it('writes fields', () => {
    assert.strictEqual(stringify({ a: 1, b: 'x y' }), 'a=1&b=x+y');
  });

  it('writes lists', () => {
    assert.strictEqual(stringify({ tag: ['red', 'blue'] }), 'tag=red&tag=blue');
  });

  it('leaves out what is not there', () => {
    assert.strictEqual(stringify({ a: null, b: undefined, c: '' }), 'c=');
  });

  it('comes back', () => {
    const fields = { name: 'Ärger & Co', note: '1+1=2' };
    assert.deepStrictEqual(parse(stringify(fields)), fields);
  });
});
