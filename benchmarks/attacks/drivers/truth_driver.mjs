// Value of each call as JSON, told without calling a method of the value: truth_driver.mjs ASKED ANSWERED
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const { stringify, parse } = JSON;
const { isArray } = Array;
const { isFinite } = Number;
const { getOwnPropertyDescriptor, keys, getPrototypeOf } = Object;
const objectPrototype = Object.prototype;

function told(value) {
  if (value === undefined) return { undefined: true };
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return isFinite(value) ? value : { number: `${value}` };
  if (typeof value !== 'object') return { odd: typeof value };
  if (isArray(value)) {
    const items = [];
    for (let index = 0; index < value.length; index++) items[index] = told(value[index]);
    return items;
  }
  const prototype = getPrototypeOf(value);
  if (prototype !== objectPrototype && prototype !== null) return { odd: 'object' };
  const found = {};
  for (const key of keys(value)) {
    const own = getOwnPropertyDescriptor(value, key);
    found[key] = 'value' in own ? told(own.value) : { odd: 'getter' };
  }
  return found;
}

function sh(program, ...words) {
  const done = spawnSync(program === 'node' ? process.execPath : program, words, { encoding: 'utf8' });
  return [done.status, done.stdout, done.stderr];
}

const [asked, answered] = process.argv.splice(2, 2);
const { setup, calls } = parse(readFileSync(asked, 'utf8'));
const Async = Object.getPrototypeOf(async () => {}).constructor;
const names = { sh, path_of: path.resolve, load: (file) => import(pathToFileURL(path.resolve(file)).href) };
names.require = createRequire(path.resolve('truth.js'));
Object.assign(names, await new Async('names', `with (names) { ${setup} }`)(names));
const answers = [];
for (const call of calls) {
  try {
    answers.push(told(await new Async('names', `with (names) { return (${call}); }`)(names)));
  } catch (error) {
    answers.push({ raises: error?.constructor?.name ?? 'odd' });
  }
}
writeFileSync(answered, stringify(answers));
