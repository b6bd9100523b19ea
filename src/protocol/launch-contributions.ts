/** What package.json says of launch configurations: the schema, and those to start from. */
import { objectSchema } from './fields';
import type { JsonSchema } from './fields';
import { DEBUG_TYPE } from './launch-configuration';
import { LAUNCH_FIELDS } from './launch-fields';
import type { GUEST_FIELDS, LaunchConfiguration } from './launch-fields';

/** The JSON schema for package.json's `contributes.debuggers[].configurationAttributes.launch`. */
export function launchSchema(): JsonSchema {
  return { properties: objectSchema(LAUNCH_FIELDS).properties!, allOf: CONTRADICTIONS };
}

/** What has no meaning without the hypervisor, and where it is said instead. */
const GUESTS_ONLY = [
  'vcpus',
  'memory',
  'disks',
  'devices',
  'share',
  'network',
  'passthrough',
] as const satisfies readonly (keyof typeof GUEST_FIELDS)[];

/** Without the hypervisor. */
const ON_MACHINE: JsonSchema = { required: ['mode'], properties: { mode: { enum: ['bare', 'machine'] } } };

/** A field that may not be there. */
const forbidden = (why: string): JsonSchema => ({ not: {}, errorMessage: why });

/** Fields that do not go together, as far as a schema can say: the rest of what `launch-checks.ts` refuses shows at launch. */
const CONTRADICTIONS: readonly JsonSchema[] = [
  { anyOf: [{ required: ['program'] }, { required: ['guests'] }] },
  { if: { required: ['guests'] }, then: { properties: { program: forbidden('Not together with "guests".') } } },
  {
    if: ON_MACHINE,
    then: {
      properties: {
        hypervisor: forbidden('Without meaning in this "mode": there is no hypervisor.'),
        guests: {
          maxItems: 1,
          items: {
            properties: Object.fromEntries(
              GUESTS_ONLY.map((name) => [name, forbidden('Without meaning in this "mode": "machine" says it.')]),
            ),
          },
        },
      },
    },
  },
  {
    if: { required: ['mode'], properties: { mode: { enum: ['machine'] } } },
    then: { properties: { firmware: forbidden('Without meaning in this "mode": the kernel starts in M-mode.') } },
  },
  {
    if: { properties: { mode: { enum: ['hypervisor'] } } },
    then: {
      properties: { dtb: forbidden('The hypervisor makes the device trees of its guests; "mode" may be "bare".') },
    },
  },
];

/** A launch configuration to start from: what F5 without launch.json uses, and the first snippet. */
export function initialConfiguration(program: string): LaunchConfiguration & Record<string, unknown> {
  return { type: DEBUG_TYPE, request: 'launch', name: 'Debug guest kernel', program, stopOnEntry: false };
}

/** Snippets for launch.json, as package.json's `configurationSnippets` wants them. */
export function launchSnippets(): readonly { label: string; description: string; body: Record<string, unknown> }[] {
  const program = '^"\\${workspaceFolder}/${1:kernel.elf}"';
  const common = { type: DEBUG_TYPE, request: 'launch' };
  return [
    {
      label: 'Hypocaust: debug a guest kernel',
      description: 'Boots a kernel as a guest under the hypervisor.',
      body: { ...common, name: 'Debug guest kernel', program },
    },
    {
      label: 'Hypocaust: debug a guest with options',
      description: 'A guest with memory size, command line and initial RAM disk.',
      body: {
        ...common,
        name: 'Debug guest',
        guests: [{ name: '${2:guest}', program, memory: '${3:128M}', bootargs: '${4}' }],
      },
    },
    {
      label: 'Hypocaust: debug a kernel on the bare machine',
      description: 'Boots a kernel in S-mode on the machine itself, without the hypervisor.',
      body: { ...common, name: 'Debug bare kernel', program, mode: 'bare' },
    },
    {
      label: 'Hypocaust: debug a kernel that starts in M-mode, such as xv6',
      description: 'Boots a kernel in M-mode on the machine itself, without firmware, with a disk.',
      body: {
        ...common,
        name: 'Debug xv6',
        program: '^"\\${workspaceFolder}/${1:kernel/kernel}"',
        mode: 'machine',
        machine: {
          memory: '128M',
          harts: 1,
          virtio: 'modern',
          disks: [{ file: '^"\\${workspaceFolder}/${2:fs.img}"' }],
        },
      },
    },
  ];
}
