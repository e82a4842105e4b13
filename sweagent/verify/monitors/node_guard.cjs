// Keep what tests of JavaScript compare with from being exchanged; it can still be added to.
const assert = require('assert');
for (const owner of [assert, assert.strict]) {
  for (const name of Object.keys(owner)) {
    Object.defineProperty(owner, name, { writable: false, configurable: false });
  }
}
