/** What fields of a launch configuration have to do with each other. */
import type { MachineSlot } from './devices';
import { countDevices, MACHINE_SLOTS, SLOTS, writtenDevices } from './devices';
import { ConfigurationError } from './fields';
import type { LaunchMode, ParsedGuest, ParsedHypervisor, ParsedMachine } from './launch-fields';
import { MOST_HARTS } from './launch-fields';

/** A guest with the field that it was written in, for messages. */
type WrittenGuest = ParsedGuest & { readonly field: string };

/** @throws ConfigurationError for what guests of the hypervisor have no use for */
export function refuseForGuests(
  launch: {
    readonly dtb?: string | undefined;
    readonly machine: ParsedMachine;
    readonly hypervisor: ParsedHypervisor;
  },
  guests: readonly ParsedGuest[],
): void {
  if (launch.dtb !== undefined) {
    throw new ConfigurationError(
      'dtb',
      'has no meaning for guests of the hypervisor, which makes their device trees; set "mode" to "bare".',
    );
  }
  const { timeSlice } = launch.hypervisor;
  const vcpus = guests.reduce((sum, guest) => sum + (guest.vcpus ?? 1), 0);
  const { harts = MOST_HARTS } = launch.machine;
  if (timeSlice !== undefined && vcpus <= harts) {
    const remedy =
      vcpus > 1 ? `set "machine.harts" to less than ${vcpus}` : 'set "guests[0].vcpus" and "machine.harts"';
    throw new ConfigurationError(
      'hypervisor.timeSlice',
      `has no meaning when each vCPU has a hart of its own; remove it, or ${remedy}.`,
    );
  }
}

/** Each device of the machine is one guest's, and each guest has room for its own. @throws ConfigurationError */
export function checkPassthrough(guests: readonly WrittenGuest[], machine: ParsedMachine): void {
  const passed = guests.flatMap(({ passthrough = [] }) => passthrough);
  for (const guest of guests) {
    const own = countDevices(guest) + (guest.passthrough?.length ?? 0);
    if (guest.passthrough && own > SLOTS) {
      throw new ConfigurationError(`${guest.field}.passthrough`, `makes ${own} devices, and there are ${SLOTS} slots.`);
    }
    for (const [index, slot] of (guest.passthrough ?? []).entries()) {
      const field = `${guest.field}.passthrough[${index}]`;
      if (Number(slot.slice('virtio'.length)) >= countDevices(machine)) {
        throw new ConfigurationError(field, `is "${slot}", and "machine" has no such device; name one there.`);
      }
      if (passed.filter((other) => other === slot).length > 1) {
        throw new ConfigurationError(field, `is "${slot}" more than once; leave one.`);
      }
    }
  }
  const [name] = writtenDevices(machine);
  const unused = Object.keys(MACHINE_SLOTS)
    .slice(0, countDevices(machine))
    .find((slot) => !passed.includes(slot as MachineSlot));
  if (name !== undefined && unused !== undefined) {
    throw new ConfigurationError(
      `machine.${name}`,
      `has no meaning for guests that do not drive it; write it as "guests[0].${name}", or pass "${unused}" through to one.`,
    );
  }
}

/** @throws ConfigurationError for what guests of the hypervisor have and a kernel on the machine has not */
export function refuseOnMachine(
  { mode, firmware }: { readonly mode: LaunchMode; readonly firmware?: string | undefined },
  guests: readonly ParsedGuest[],
  describesHypervisor: boolean,
): void {
  const refuse = (field: string, remedy: string): never => {
    throw new ConfigurationError(field, `has no meaning when "mode" is "${mode}"; ${remedy}.`);
  };
  if (describesHypervisor) refuse('hypervisor', 'remove it');
  if (mode === 'machine' && firmware !== undefined) {
    refuse('firmware', 'remove it, or set "mode" to "bare" for a kernel that the firmware starts');
  }
  if (guests.length > 1) throw new ConfigurationError('guests', `must hold one guest only when "mode" is "${mode}".`);
  const [guest] = guests;
  if (guest!.passthrough !== undefined) refuse('guests[0].passthrough', 'remove it');
  const [name] = writtenDevices(guest!);
  if (name !== undefined) refuse(`guests[0].${name}`, `set "machine.${name}" instead`);
  if (guest!.memory !== undefined) refuse('guests[0].memory', 'set "machine.memory" instead');
  if (guest!.vcpus !== undefined) refuse('guests[0].vcpus', 'set "machine.harts" instead');
}
