'use strict';

const { encode } = require('./codec');

/** The query string of fields; a list gives its name again and again. */
function stringify(fields) {
  const pairs = [];
  for (const [name, value] of Object.entries(fields)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined && item !== null) pairs.push(`${encode(name)}=${encode(item)}`);
    }
  }
  return pairs.join('&');
}

module.exports = { stringify };
