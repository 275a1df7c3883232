/** The one rule that leaves a file or folder out, and the one that lifts it. Pure. */

/** Where a path lies, and what it is. */
export interface IPlace {
  /** Below the home. */
  path: string;
  folder: boolean;
}

/** Writes a path as a gitignore pattern that means it alone. */
export function ruleOf({ path, folder }: IPlace): string {
  const plain = path.replace(/[\\*?[\]]/g, '\\$&').replace(/ $/, '\\ ');
  return `/${plain}${folder ? '/' : ''}`;
}

/** The rules with those places left out; what lifted them is taken away. */
export function excluding(rules: readonly string[], places: readonly IPlace[]): string[] {
  const own = places.map(ruleOf);
  const lifting = own.map(rule => `!${rule}`);
  const kept = rules.filter(rule => !lifting.includes(rule.trim()) && !own.includes(rule.trim()));
  return [...kept, ...own];
}

/** The rules with those places copied: what left them out is taken away, else it is lifted. */
export function including(rules: readonly string[], places: readonly IPlace[]): string[] {
  let now = [...rules];
  for (const rule of places.map(ruleOf)) {
    const bare = rule.replace(/\/$/, '');
    const kept = now.filter(each => each.trim() !== rule && each.trim() !== bare);
    now = kept.length < now.length ? kept : [...kept, `!${rule}`];
  }
  return now;
}
