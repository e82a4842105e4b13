export { parse, format } from './parse.js';
export { compare, sort } from './compare.js';
export { satisfies } from './range.js';
