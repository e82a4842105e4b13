'use strict';

/** A text as it stands in a query string. */
function encode(text) {
  return encodeURIComponent(String(text)).replace(/%20/g, '+');
}

/** The text of a part of a query string. */
function decode(part) {
  try {
    return decodeURIComponent(part.replace(/\+/g, ' '));
  } catch {
    return part;
  }
}

module.exports = { encode, decode };
