// Load the tests of Node's runners in place of running them: every Node process is started with this.
const fs = require('fs');
const path = require('path');
const Module = require('module');
const { ChildProcess } = require('child_process');

const FOUND = process.env.FIX_ISSUE_COLLECTED;
const NEVER = '--test-name-pattern=(?!)';
const OPTIONS = { jest: '--testNamePattern=(?!)', vitest: '--testNamePattern=(?!)' };

function note(line) {
  try {
    fs.appendFileSync(FOUND, `${line}\n`);
  } catch (error) {
    // Nowhere to write: the collection says nothing then.
  }
}

function program() {
  const name = path.basename(process.argv[1] || '').replace(/\.[cm]?js$/, '');
  return name.replace(/^_(?=mocha$)/, '');
}

// Node's own runner starts a process for each file.
const spawn = ChildProcess.prototype.spawn;
ChildProcess.prototype.spawn = function (options) {
  if ((options.envPairs || []).some((pair) => pair.startsWith('NODE_TEST_CONTEXT='))) options.args.splice(1, 0, NEVER);
  return spawn.apply(this, arguments);
};
if (process.env.NODE_TEST_CONTEXT) {
  process.on('exit', (code) => { if (!code) note('loaded'); });
} else if (process.execArgv.some((word) => word === '--test')) {
  note('runner node');
}

if (program() in OPTIONS) {
  note(`runner ${program()}`);
  process.argv.push(OPTIONS[program()]);
}

// Mocha has all its tests when it starts to run them.
if (program() === 'mocha') note('runner mocha');
const load = Module._extensions['.js'];
Module._extensions['.js'] = function (module, filename) {
  load.apply(this, arguments);
  const runner = module.exports && module.exports.prototype;
  if (!/[\\/]mocha[\\/]lib[\\/]runner\.js$/.test(filename) || !runner || !runner.run) return;
  runner.run = function () {
    note(`collected ${this.suite.total()} items`);
    process.exit(0);
  };
};
