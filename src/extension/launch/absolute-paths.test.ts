// Relative paths in launch configurations.
import assert from 'node:assert/strict';
import { withAbsolutePaths } from './absolute-paths';

describe('paths of a launch configuration', () => {
  it('are taken relative to the workspace folder', () => {
    assert.deepEqual(
      withAbsolutePaths(
        {
          program: 'kernel.elf',
          guests: [{ name: 'a', program: './build/a.elf', initrd: '/abs/initrd', symbols: ['user/a', '/abs/b'] }],
          sourceMap: { '/build': 'src', '/other': '/abs/src' },
          stopOnEntry: true,
        },
        '/home/me/kernel',
      ),
      {
        program: '/home/me/kernel/kernel.elf',
        guests: [
          {
            name: 'a',
            program: '/home/me/kernel/build/a.elf',
            initrd: '/abs/initrd',
            symbols: ['/home/me/kernel/user/a', '/abs/b'],
          },
        ],
        sourceMap: { '/build': '/home/me/kernel/src', '/other': '/abs/src' },
        stopOnEntry: true,
      },
    );
  });

  it('are left alone where they are not paths, so that the check can name the field', () => {
    const wrong = { program: 7, guests: ['x', { program: '' }], sourceMap: ['y'] };
    assert.deepEqual(withAbsolutePaths(wrong, '/folder'), wrong);
  });
});
