'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');

const { parse } = require('..');

describe('parse', () => {
  it('reads fields', () => {
    assert.deepStrictEqual(parse('?a=1&b=two'), { a: '1', b: 'two' });
  });

  it('decodes', () => {
    assert.deepStrictEqual(parse('q=a+b%26c'), { q: 'a b&c' });
    assert.strictEqual(parse('q=%zz').q, '%zz');
  });

  it('takes what has no value', () => {
    assert.deepStrictEqual(parse('a&b=&&'), { a: '', b: '' });
  });

  it('takes nothing', () => {
    assert.deepStrictEqual(parse(''), {});
    assert.deepStrictEqual(parse('?'), {});
  });
});
