import { compare, } from './compare.js';
import { parse } from './parse.js';

const TESTS = {
  '>=': (order) => order >= 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '<': (order) => order < 0,
  '=': (order) => order === 0,
};

/** Whether a version is in a range: comparators with blanks between (all hold), `||` between alternatives, `^` before one. */
export function satisfies(version, range) {
  return range.split('||').some((part) => part.trim().split(/\s+/).every((word) => holds(version, word)));
}

function holds(version, word) {
  if (word === '' || word === '*') return true;
  if (word.startsWith('^')) {
    const base = word.slice(1);
    return compare(version, base) >= 0 && parse(version).major === parse(base).major;
  }
  const [, operator = '=', base] = /^(>=|<=|>|<|=)?(.*)$/.exec(word);
  return TESTS[operator](compare(version, base));
}
