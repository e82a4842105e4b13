// Watch the tests of Node from within: every Node process of a run is started with this, and Node's runner reports to it.
const fs = require('fs');
const path = require('path');
const Module = require('module');
const assert = require('assert');
const { fileURLToPath } = require('url');
const { inspect } = require('util');

const [RECORD, PACKAGES] = ['', []];
const MOST = 4000; // characters of a failure
const TESTS = /(^|\/)(tests?|__tests__|specs?)\/|[.-](test|spec)\.[cm]?[jt]sx?$|\.config\.[cm]?[jt]s$/;
const { appendFileSync } = fs;
const { stringify } = JSON;

function write(...entry) {
  appendFileSync(RECORD, `${stringify(entry)}\n`);
}

function ended(file, name, word, error) {
  const id = file ? `${file}::${name}` : name;
  if (file) write(file, 'collected', [id]);
  if (!error) return write(id, 'ended', word, '');
  const text = typeof error.stack === 'string' ? error.stack : inspect(error);
  const lines = String((error && error.message) || text).split('\n').map((line) => line.trim()).filter(Boolean);
  // What stands behind a colon are the values.
  const message = lines.slice(0, (lines[0] || '').endsWith(':') ? undefined : 1).join(' ');
  return write(id, 'ended', word, text.slice(0, MOST), message.slice(0, 300));
}

write('', 'present');

// What tests compare with cannot be exchanged; it can still be added to.
for (const owner of [assert, assert.strict]) {
  for (const name of Object.keys(owner)) {
    Object.defineProperty(owner, name, { writable: false, configurable: false });
  }
}

// The first file of each watched package that is loaded from the work tree, and the first from an installed copy.
function watch(packages) {
  const told = new Set();
  function tell(name, kind, file) {
    if (!told.has(name + kind)) write(name, 'origin', file);
    told.add(name + kind);
  }
  function loaded(url) {
    let file = url;
    try {
      file = url.startsWith('file:') ? fileURLToPath(url) : url;
    } catch (error) {
      return;
    }
    if (!path.isAbsolute(file)) return;
    const installed = file.split('/node_modules/').slice(1).pop();
    for (const [name, folder, inner] of packages) {
      if (installed !== undefined) {
        if (installed.startsWith(`${name}/`)) tell(name, 'installed', file);
      } else if (file.startsWith(`${folder}/`) && !inner.some((other) => file.startsWith(`${other}/`))) {
        if (!TESTS.test(file.slice(folder.length + 1))) tell(name, 'own', file);
      }
    }
  }
  const { Session } = require('inspector');
  const session = new Session();
  session.connect();
  session.on('Debugger.scriptParsed', ({ params }) => loaded(params.url));
  session.post('Debugger.enable');
  session.post('Debugger.setSkipAllPauses', { skip: true });
}

try {
  if (PACKAGES.length) watch(PACKAGES);
} catch (error) {
  // A Node without an inspector: where its modules come from is not known.
}

// Mocha tells its runner's listeners.
function watchMocha(prototype) {
  const run = prototype.run;
  const fileOf = (item) => item.file || (item.parent && item.parent.file) || '';
  prototype.run = function (...args) {
    this.on('pass', (test) => ended(fileOf(test), test.fullTitle(), 'passed'));
    this.on('pending', (test) => ended(fileOf(test), test.fullTitle(), 'skipped'));
    this.on('fail', (test, error) => {
      ended(fileOf(test), test.fullTitle(), test.type === 'hook' ? 'error' : 'failed', error || new Error('failed'));
    });
    return run.apply(this, args);
  };
}

const load = Module._extensions['.js'];
Module._extensions['.js'] = function (module, filename) {
  load.apply(this, arguments);
  if (/\/mocha\/lib\/runner\.js$/.test(filename) && module.exports && module.exports.prototype) {
    watchMocha(module.exports.prototype);
  }
};

// Node's own runner tells its reporters, of which this is one.
module.exports = async function* report(events) {
  const names = [];
  const inner = [];
  const run = new Set();
  for await (const { type, data } of events) {
    if (type === 'test:enqueue' && data.file && data.nesting === 0 && path.resolve(data.name) === data.file) {
      run.add(data.file);
    }
    if (type === 'test:start') {
      names.length = data.nesting;
      names[data.nesting] = data.name;
    }
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    note(data, type === 'test:fail' && data.todo === undefined, names, inner, run);
  }
};

function note(data, bad, names, inner, run) {
  const depth = data.nesting;
  const deeper = inner.splice(depth + 1).filter((level) => level !== undefined);
  inner[depth] = Boolean(inner[depth]) || bad;
  // What holds others counts only where it fails and none of them did.
  if (deeper.length && !(bad && !deeper.some(Boolean))) return;
  const left = data.skip !== undefined || data.todo !== undefined;
  const word = bad ? 'failed' : left ? 'skipped' : 'passed';
  const error = bad ? (data.details.error && data.details.error.cause) || data.details.error || 'failed' : undefined;
  if (depth === 0 && data.file && path.resolve(data.name) === data.file) {
    const text = String((error && error.message) || error || '');
    write(data.file, 'collected', [data.file]);
    write(data.file, 'ended', bad ? 'error' : word, text.slice(0, MOST), text.slice(0, 300));
    return;
  }
  ended(fileOf(data, run), [...names.slice(0, depth), data.name].join(' > '), word, error);
}

// A test that a helper defines belongs to the file that was run, which Node tells since 24.
function fileOf(data, run) {
  if (data.entryFile) return data.entryFile;
  if (!run.size || run.has(data.file)) return data.file || '';
  return run.size === 1 ? [...run][0] : '';
}
