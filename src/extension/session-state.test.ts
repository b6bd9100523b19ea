import assert from 'node:assert/strict';
import { SessionStateMachine } from './session-state';

describe('the state of a debug session', () => {
  const request = (command: string) => ({ type: 'request', command });
  const response = (command: string, success = true) => ({ type: 'response', command, success });
  const event = (name: string) => ({ type: 'event', event: name });

  function after(...messages: readonly unknown[]): string {
    const session = new SessionStateMachine();
    for (const message of messages) session.read(message);
    return session.state;
  }
  const started = [request('configurationDone'), response('configurationDone')];

  it('follows requests, stops and events', () => {
    assert.equal(after(), 'starting');
    assert.equal(after(...started), 'running');
    assert.equal(after(...started, event('stopped')), 'stopped');
    assert.equal(after(...started, event('stopped'), request('next')), 'running');
    assert.equal(after(...started, event('stopped'), request('evaluate'), response('evaluate')), 'stopped');
    assert.equal(after(...started, event('stopped'), event('continued')), 'running');
  });

  it('has stopped also when the answer comes behind the stop', () => {
    assert.equal(after(request('configurationDone'), event('stopped'), response('configurationDone')), 'stopped');
    assert.equal(after(...started, event('stopped'), request('next'), event('stopped'), response('next')), 'stopped');
  });

  it('stays as it was when a request is refused', () => {
    assert.equal(after(...started, event('stopped'), request('next'), response('next', false)), 'stopped');
    assert.equal(after(...started, request('continue'), response('continue', false)), 'running');
  });

  it('tells what there is to be seen', () => {
    const session = new SessionStateMachine();
    const news = [event('output'), request('configurationDone'), event('stopped'), event('memory'), request('threads')];
    assert.deepEqual(
      news.map((message) => session.read(message)),
      [false, true, true, true, false],
    );
  });
});
