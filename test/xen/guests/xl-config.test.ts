import { describe, expect, it } from '@jest/globals';
import { diskSpec, hvmConfig } from './xl-config.js';

describe('an xl configuration', () => {
  it('by default describes a guest without a screen, with QEMU in dom0', () => {
    const disks = [{ target: '/root/boot', vdev: 'hda' }];
    expect(hvmConfig({ name: 'plain', mebibytes: 32, serial: '/tmp/serial', disks })).toBe(`name = "plain"
type = "hvm"
memory = 32
vcpus = 1
boot = "c"
serial = "file:/tmp/serial"
disk = ["format=raw,vdev=hda,access=rw,target=/root/boot"]
vif = []
vga = "none"
vnc = 0
sdl = 0
nographic = 1
usb = 0
on_crash = "preserve"
device_model_version = "qemu-xen"
`);
  });

  it('names the kernel and the ramdisk of a stubdom', () => {
    const stubdom = { kernel: '/boot/k', ramdisk: '/boot/r', mebibytes: 192, cmdline: 'console=hvc0' };
    expect(hvmConfig({ name: 'g', mebibytes: 32, serial: '/s', disks: [], stubdom })).toMatch(
      /device_model_stubdomain_override = 1\nstubdomain_kernel = "\/boot\/k"\nstubdomain_ramdisk = "\/boot\/r"\nstubdomain_memory = 192\nstubdomain_cmdline = "console=hvc0"\n$/,
    );
  });

  it('lists the target of a disk last', () => {
    expect(diskSpec({ target: '/a,b', vdev: 'hdc', access: 'ro', devtype: 'cdrom', script: 'block-x' })).toBe(
      'format=raw,vdev=hdc,access=ro,devtype=cdrom,script=block-x,target=/a,b',
    );
  });
});
