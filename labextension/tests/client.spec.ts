import { ServerConnection } from '@jupyterlab/services';
import { Client, Refused, Unreachable, zone } from '../src/client';
import { NEW } from '../src/storages';
import { Server, settle } from './fixtures';

const COURSE = { ...NEW, name: 'a b', local: 'x', drive: 'y' };
const CHANGED = {
  local: 'x',
  drive: 'y',
  direction: 'import',
  credentials: 'auto',
  key_file: '',
  client_file: '',
  subject: '',
  schedule: '',
  includes: [],
  excludes: []
};
const TOLD = { name: 'a b', ...CHANGED };

describe('Client', () => {
  let server: Server;
  let client: Client;

  beforeEach(() => {
    server = new Server();
    client = server.client();
  });

  it.each<[string, (client: Client) => Promise<unknown>, string, unknown]>([
    ['status', c => c.status(), 'GET status', undefined],
    ['preview', c => c.preview(), 'GET preview', undefined],
    ['preview anew', c => c.preview(true), 'GET preview?refresh=1', undefined],
    ['sync', c => c.sync(), 'POST sync', {}],
    ['sync of paths', c => c.sync(['a/b']), 'POST sync', { paths: ['a/b'] }],
    ['cancel', c => c.cancel(), 'POST cancel', {}],
    [
      'authorize',
      c => c.authorize('Europe/Zurich'),
      'POST authorize',
      { time_zone: 'Europe/Zurich' }
    ],
    ['authorize elsewhere', c => c.authorize('', true), 'POST authorize', { device: true }],
    ['abandon', c => c.abandon(), 'DELETE authorize', undefined],
    ['about disconnecting', c => c.aboutDisconnect(), 'GET disconnect', undefined],
    ['disconnect', c => c.disconnect(true), 'POST disconnect', { revoke: true }],
    ['release', c => c.release('h', 'keep'), 'POST release', { id: 'h', choice: 'keep' }],
    [
      'release of paths',
      c => c.release('h', 'trash', ['a']),
      'POST release',
      { id: 'h', choice: 'trash', paths: ['a'] }
    ],
    ['held files', c => c.heldFiles('h/1', 500), 'GET holds/h%2F1/files?offset=500', undefined],
    ['the first held files', c => c.heldFiles('h'), 'GET holds/h/files?offset=0', undefined],
    ['history', c => c.history(2), 'GET history?limit=2', undefined],
    ['files of a run', c => c.runFiles(7), 'GET history/7/files?offset=0', undefined],
    [
      'failed files',
      c => c.runFiles(7, 500, 'failed'),
      'GET history/7/files?offset=500&outcome=failed',
      undefined
    ],
    ['space', c => c.space(), 'GET space', undefined],
    ['a plan', c => c.plan(), 'GET plan', undefined],
    ['a plan anew', c => c.plan(true), 'GET plan?refresh=1', undefined],
    ['rules', c => c.rules(), 'GET rules', undefined],
    ['what is apart', c => c.apart('newer'), 'GET apart?kind=newer&offset=0', undefined],
    [
      'more of what is apart',
      c => c.apart('newer', 500),
      'GET apart?kind=newer&offset=500',
      undefined
    ],
    ['a tree', c => c.tree('a b'), 'GET tree?path=a+b&offset=0', undefined],
    ['more of a tree', c => c.tree('', 500), 'GET tree?path=&offset=500', undefined],
    ['what can be undone', c => c.undoable(), 'GET undoable?offset=0', undefined],
    [
      'what can be undone of a run',
      c => c.undoable(7, 500),
      'GET undoable?run=7&offset=500',
      undefined
    ],
    ['undo', c => c.undo(7), 'POST undo', { run: 7 }],
    [
      'restore',
      c => c.restore({ paths: ['a'], dry_run: true }),
      'POST restore',
      { paths: ['a'], dry_run: true }
    ],
    ['storages', c => c.storages(), 'GET storages', undefined],
    [
      'a new storage',
      c => c.makeStorage(COURSE),
      'POST storages',
      { ...TOLD, check: true, time_zone: zone() }
    ],
    [
      'a changed storage',
      c => c.changeStorage({ ...COURSE, scope: 'drive' }, false),
      'PUT storages/a%20b',
      { ...CHANGED, scope: 'drive', check: false, time_zone: zone() }
    ],
    [
      'a storage that is tried first',
      c => c.changeStorage(COURSE),
      'PUT storages/a%20b',
      { ...CHANGED, check: true, time_zone: zone() }
    ],
    [
      'a storage as it is',
      c => c.makeStorage(COURSE, false),
      'POST storages',
      { ...TOLD, check: false, time_zone: zone() }
    ],
    ['courses', c => c.courses(), 'GET courses', undefined],
    ['no storage', c => c.removeStorage('a b'), 'DELETE storages/a%20b', undefined],
    ['a trial', c => c.validateStorage(COURSE), 'POST validate', TOLD],
    ['a run', c => c.runStorage('x'), 'POST storages/x/run', {}],
    ['no run', c => c.cancelStorage('x'), 'POST storages/x/cancel', {}],
    [
      'an answer',
      c => c.releaseStorage('x', 'h', 'keep'),
      'POST storages/x/release',
      { id: 'h', choice: 'keep' }
    ],
    [
      'an answer about some',
      c => c.releaseStorage('x', 'h', 'trash', ['a']),
      'POST storages/x/release',
      { id: 'h', choice: 'trash', paths: ['a'] }
    ],
    [
      'what it holds',
      c => c.storageHeldFiles('x', 'h/1', 500),
      'GET storages/x/holds/h%2F1/files?offset=500',
      undefined
    ],
    [
      'the first of what it holds',
      c => c.storageHeldFiles('x', 'h'),
      'GET storages/x/holds/h/files?offset=0',
      undefined
    ],
    ['its permission', c => c.authorizeStorage('x'), 'POST storages/x/authorize', {}],
    ['its history', c => c.storageHistory('x', 2), 'GET storages/x/history?limit=2', undefined],
    [
      'files of its run',
      c => c.storageRunFiles('x', 7),
      'GET storages/x/history/7/files?offset=0',
      undefined
    ],
    [
      'failed files of its run',
      c => c.storageRunFiles('x', 7, 500, 'failed'),
      'GET storages/x/history/7/files?offset=500&outcome=failed',
      undefined
    ],
    ['settings', c => c.getSettings(), 'GET settings', undefined],
    [
      'change',
      c => c.patchSettings({ paused_until: null }),
      'PATCH settings',
      { paused_until: null }
    ],
    ['prompt', c => c.prompt('claim', 't'), 'POST prompt', { action: 'claim', tab: 't' }],
    ['a folder', c => c.folder('a/ü'), 'GET folder?path=a%2F%C3%BC', undefined],
    ['versions', c => c.versions('a'), 'GET versions?path=a', undefined],
    ['a difference', c => c.difference('a', 'r'), 'GET difference?path=a&revision=r', undefined],
    [
      'a version for good',
      c => c.changeVersion('a', 'r', 'keep'),
      'POST versions',
      { path: 'a', revision: 'r', action: 'keep' }
    ],
    ['a file', c => c.bringVersion('a'), 'POST restore', { paths: ['a'] }],
    ['a copy', c => c.bringVersion('a', 'r'), 'POST restore', { paths: ['a'], revision: 'r' }],
    ['the last job', c => c.lastVersionJob(), 'GET restore', undefined],
    ['an object', c => c.object('a'), 'GET object?path=a', undefined],
    ['acknowledge', c => c.acknowledge('i'), 'POST acknowledge', { id: 'i' }]
  ])('asks for %s', async (_, call, route, body) => {
    const name = route.split('?')[0]!;
    server.answers[name] = { answer: 42 };
    await expect(call(client)).resolves.toEqual({ answer: 42 });
    expect(server.routes()).toEqual([route]);
    expect(server.asked[0]!.url).toContain('http://here/user/ann/drive-sync/api/');
    expect(server.asked[0]!.body).toEqual(body);
  });

  it('goes the way of all requests of Jupyter, with its token or XSRF cookie', async () => {
    const sent: Request[] = [];
    const settings = ServerConnection.makeSettings({
      baseUrl: 'http://here/user/ann/',
      token: 'of-the-test',
      fetch: (request: RequestInfo | URL) => {
        sent.push(request as Request);
        return Promise.resolve(new Response('{"seq": 1}'));
      }
    });
    await expect(new Client(settings).status()).resolves.toEqual({ seq: 1 });
    expect(sent[0]!.headers.get('Authorization')).toBe('token of-the-test');
  });

  it('changes settings one after the other, also after one that was refused', async () => {
    let answer: (response: Response) => void = () => undefined;
    const sent: unknown[] = [];
    const slow = new Client({ baseUrl: 'http://here/' } as never, (_, init) => {
      sent.push(JSON.parse(init.body as string));
      return new Promise<Response>(resolve => (answer = resolve));
    });
    const first = slow.patchSettings({ bandwidth: -1 });
    const second = slow.patchSettings({ bandwidth: 2 });
    await settle();
    expect(sent).toEqual([{ bandwidth: -1 }]);
    const no = { code: 'settings.invalid', who: 'user', sentence: 'Not so.', params: {} };
    answer(new Response(JSON.stringify(no), { status: 400 }));
    await expect(first).rejects.toBeInstanceOf(Refused);
    await settle();
    expect(sent).toEqual([{ bandwidth: -1 }, { bandwidth: 2 }]);
    answer(new Response('{"bandwidth": 2}'));
    await expect(second).resolves.toEqual({ bandwidth: 2 });
  });

  it('tells a refusal with the problem of the server', async () => {
    server.code = 409;
    const problem = { code: 'auth.missing', who: 'user', sentence: 'Not connected.', params: {} };
    server.answers['POST sync'] = problem;
    const refused = await client.sync().catch((reason: unknown) => reason);
    expect(refused).toBeInstanceOf(Refused);
    expect((refused as Refused).problem).toEqual(problem);
    expect((refused as Refused).status).toBe(409);
    expect((refused as Refused).message).toBe('Not connected.');
  });

  it.each<[string, number, unknown]>([
    ['nothing', 200, new TypeError('failed to fetch')],
    ['a page of a proxy', 200, '<html>'],
    ['an error of another server', 502, { message: 'bad gateway' }],
    ['a bare null', 500, 'null']
  ])('takes %s for no answer', async (_, code, answer) => {
    server.code = code;
    server.answers['GET status'] = answer;
    await expect(client.status()).rejects.toBeInstanceOf(Unreachable);
  });
});
