// What TypeDoc and its Markdown leave out: entry points are named as apps import them, and the members of a union are listed
// with their comments.

import { Comment, Converter, ReflectionKind } from 'typedoc';

const NAMES = { index: 'paceline', 'static/serve-files': 'paceline/static' };

export function load({ converter }) {
  converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) module.name = NAMES[module.name] ?? module.name;
    for (const alias of project.getReflectionsByKind(ReflectionKind.TypeAlias)) listMembers(alias);
  });
}

function listMembers(alias) {
  const { types, elementSummaries } = alias.type ?? {};
  if (!elementSummaries) return;
  alias.comment ??= new Comment();
  for (const [index, type] of types.entries())
    alias.comment.summary.push({ kind: 'text', text: `\n- \`${type}\`: ` }, ...elementSummaries[index]);
}
