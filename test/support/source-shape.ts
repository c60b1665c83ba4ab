/** How long the files, functions and classes of a source are: what `test/unit/repository-shape.test.ts` judges. */
import ts from "typescript";

/** Lines of a file and of a function, members of a class. */
export const shapeLimits = { fileLines: 250, functionLines: 70, publicMembers: 12, members: 25 } as const;

/** Everything in one source file that is over a limit: `file <path>`, `function <path> <name>`, `public <path> <class>`, `members <path> <class>`. */
export function overIn(path: string, text: string): readonly string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const over: string[] = [];
  if (linesOf(text) > shapeLimits.fileLines) over.push(`file ${path}`);
  const visit = (node: ts.Node, names: readonly string[]): void => {
    const inner = isFunction(node) || ts.isClassLike(node) ? [...names, nameOf(node)] : names;
    if (isFunction(node) && heightOf(source, node) > shapeLimits.functionLines) over.push(`function ${path} ${inner.join(".")}`);
    if (ts.isClassLike(node)) {
      const members = membersOf(node);
      if (members.length > shapeLimits.members) over.push(`members ${path} ${inner.join(".")}`);
      if (members.filter(isPublic).length > shapeLimits.publicMembers) over.push(`public ${path} ${inner.join(".")}`);
    }
    ts.forEachChild(node, (child) => visit(child, inner));
  };
  visit(source, []);
  return over;
}

export function linesOf(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

function heightOf(source: ts.SourceFile, node: ts.Node): number {
  const line = (position: number): number => source.getLineAndCharacterOfPosition(position).line;
  return line(node.getEnd()) - line(node.getStart(source)) + 1;
}

function isFunction(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && "body" in node && node.body !== undefined;
}

/** Its own name, or that of the variable, property or argument that holds it. */
function nameOf(node: ts.FunctionLikeDeclaration | ts.ClassLikeDeclaration): string {
  if (ts.isConstructorDeclaration(node)) return "constructor";
  if (node.name !== undefined) return node.name.getText();
  const holder = node.parent;
  if (ts.isVariableDeclaration(holder) || ts.isPropertyAssignment(holder) || ts.isPropertyDeclaration(holder)) return holder.name.getText();
  if (ts.isCallExpression(holder)) return `${holder.expression.getText().split(/[\s(]/)[0]}()`;
  return "()";
}

type Member = ts.ClassElement | ts.ParameterDeclaration;

/** Fields, methods and accessors; a getter and a setter of one name count once, and parameters of the constructor count when they are fields. */
function membersOf(node: ts.ClassLikeDeclaration): readonly Member[] {
  const members = new Map<string, Member>();
  for (const member of node.members) {
    if (!ts.isConstructorDeclaration(member)) {
      if (member.name !== undefined) members.set(member.name.getText(), member);
      continue;
    }
    for (const parameter of member.parameters) if (ts.isParameterPropertyDeclaration(parameter, member)) members.set(parameter.name.getText(), parameter);
  }
  return [...members.values()];
}

function isPublic(member: Member): boolean {
  if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) return false;
  return (ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) === 0;
}
