/** What we cost the page is on the browser's timeline. */
import { loaded, spanned, stands } from '../src/spans';

describe('spans', () => {
  const measured: string[] = [];
  const marked: string[] = [];

  beforeEach(() => {
    // jsdom's timeline has no entries of a page's own.
    performance.measure = ((name: string) => measured.push(name)) as never;
    performance.mark = ((name: string) => marked.push(name)) as never;
  });

  it('tells of the modules, of each plugin, and when the page stands', () => {
    loaded();
    const plugin = spanned({ id: 'a', activate: (_: unknown, more: number) => more + 1 });
    expect(plugin.id).toBe('a');
    expect(plugin.activate({} as never, 2)).toBe(3);
    stands();
    expect(measured).toEqual(['drive-sync:load', 'drive-sync:activate a']);
    expect(marked).toEqual(['drive-sync:restored']);
  });
});
