import assert from 'node:assert/strict';
import { groupViews, viewName } from './view-name';

describe('names of shadow views', () => {
  it('are one by one, and together where the same is said of several vCPUs', () => {
    const names = [viewName('vS', 0), viewName('vU', 0), viewName('vS', 1), viewName('vS', 2)];
    assert.equal(names[0], 'vS of vCPU 0');
    assert.equal(groupViews(names), 'vS (vCPU 0, 1, 2), vU (vCPU 0)');
    assert.equal(
      groupViews(names, (_, index) => (index < 3 ? 'DAR' : 'R')),
      'vS DAR (vCPU 0, 1), vU DAR (vCPU 0), vS R (vCPU 2)',
    );
    assert.equal(
      groupViews(['vS', 'vU'], (name) => name.slice(1)),
      'vS S, vU U',
    );
  });
});
