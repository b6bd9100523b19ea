/** The Debian installer, with its own kernel and initial RAM disk, to its first screen. */
import { CliConsole } from '../support/cli-console';
import { requireThirdPartyGuests } from '../support/third-party-guests';

const MOST_SECONDS = 280;

describe('The Debian installer', () => {
  it('asks for a language', async function () {
    const { installerLinux, installerInitrd } = requireThirdPartyGuests(this);
    const append = 'console=ttyS0 TERM=vt102';
    const devices = ['--devices', 'network,entropy'];
    const args = ['--bare', '--guest-memory', '1G', ...devices, '--append', append, '--initrd', installerInitrd];
    const console = new CliConsole([...args, installerLinux], MOST_SECONDS);
    try {
      await console.waitFor(/Select a language/);
      await console.waitFor(/Choose the language to be used/);
    } finally {
      await console.stop();
    }
  });
});
