import { parse } from './parse.js';

/** -1, 0 or 1, as the first version is older than, as old as, or newer than the second. */
export function compare(first, second) {
  const a = parse(first);
  const b = parse(second);
  for (const part of ['major', 'minor', 'patch']) {
    if (a[part] !== b[part]) return a[part] < b[part] ? -1 : 1;
  }
  return comparePrerelease(a.prerelease, b.prerelease);
}

function comparePrerelease(a, b) {
  if (!a.length || !b.length) return Math.sign(b.length - a.length);
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const left = a[index];
    const right = b[index];
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

/** A sorted copy, the oldest first. */
export function sort(versions) {
  return [...versions].sort(compare);
}
