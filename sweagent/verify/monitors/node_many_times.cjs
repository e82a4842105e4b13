// Load a file of tests again and again in one process, which is some days old after the first time.
const path = require('path');
const { pathToFileURL } = require('url');

const FILE = '';
const ROUNDS = 8;
const AGE = 3 * 24 * 3600 * 1000;

function age(owner) {
  const real = owner.now.bind(owner);
  owner.now = () => real() + AGE;
}

(async () => {
  const file = path.resolve(FILE);
  for (let round = 0; round < ROUNDS; round += 1) {
    delete require.cache[file];
    await import(`${pathToFileURL(file)}?round=${round}`);
    await new Promise((done) => setTimeout(done, 10));
    if (round === 0) [Date, performance].forEach(age);
  }
})();
