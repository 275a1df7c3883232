/** Prints what the front end says, as JSON: each message, its plural, its context, its place. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

/** Which argument of the translator's methods is what. */
const METHODS = {
  __: { id: 0 },
  gettext: { id: 0 },
  _n: { id: 0, plural: 1 },
  ngettext: { id: 0, plural: 1 },
  _p: { context: 0, id: 1 },
  pgettext: { context: 0, id: 1 },
  _np: { context: 0, id: 1, plural: 2 },
  npgettext: { context: 0, id: 1, plural: 2 }
};

const home = join(import.meta.dirname, '..');
const found = [];
const wrong = [];

function literal(node, file) {
  if (node && ts.isStringLiteralLike(node)) {
    return node.text;
  }
  const { line } = file.getLineAndCharacterOfPosition(node ? node.getStart(file) : 0);
  wrong.push(
    `${relative(home, file.fileName)}:${line + 1}: what is said has to stand there as it is`
  );
  return '';
}

function visit(node, file) {
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const method = METHODS[node.expression.name.text];
    const owner = node.expression.expression.getText(file);
    if (method && /(^|\.|_)trans$/.test(owner)) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
      found.push({
        id: literal(node.arguments[method.id], file),
        plural: method.plural === undefined ? '' : literal(node.arguments[method.plural], file),
        context: method.context === undefined ? '' : literal(node.arguments[method.context], file),
        place: [relative(home, file.fileName), line + 1]
      });
    }
  }
  ts.forEachChild(node, child => visit(child, file));
}

for (const name of readdirSync(join(home, 'labextension/src'), { recursive: true }).sort()) {
  if (/\.tsx?$/.test(name)) {
    const path = join(home, 'labextension/src', name);
    const file = ts.createSourceFile(
      path,
      readFileSync(path, 'utf8'),
      ts.ScriptTarget.Latest,
      true
    );
    visit(file, file);
  }
}

// What JupyterLab itself translates of a schema, under this context.
const place = ['labextension/schema/plugin.json', 1];
const schema = JSON.parse(readFileSync(join(home, place[0]), 'utf8'));
const say = (id, context) => found.push({ id, plural: '', context, place });
say(schema.title, 'schema');
say(schema.description, 'schema');
say(schema['jupyter.lab.setting-icon-label'], 'settings');
for (const property of Object.values(schema.properties)) {
  say(property.title, 'settings');
  if (property.description) {
    say(property.description, 'settings');
  }
  (property.oneOf ?? []).forEach(choice => say(choice.title, 'settings'));
}
for (const { submenu } of schema['jupyter.lab.menus'].context) {
  say(submenu.label, 'menu');
}

if (wrong.length > 0) {
  console.error(wrong.join('\n'));
  process.exit(1);
}
console.log(JSON.stringify(found));
