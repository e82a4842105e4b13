'use strict';

const { decode } = require('./codec');

/** The fields of a query string, by name. */
function parse(query) {
  const fields = {};
  const text = query.startsWith('?') ? query.slice(1) : query;
  if (text === '') return fields;
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    const name = decode(at < 0 ? pair : pair.slice(0, at));
    const value = at < 0 ? '' : decode(pair.slice(at + 1));
    fields[name] = value;
  }
  return fields;
}

module.exports = { parse };
