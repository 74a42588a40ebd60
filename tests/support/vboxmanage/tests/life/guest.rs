//! The smallest guest that obeys the power button: one sector of code on a CD.

/// What runs: it waits for the button, as VirtualBox's board or QEMU's shows it, and switches off. The
/// registers are those of ACPI's power management: status and enable at the base, control at base + 4.
/// VirtualBox has the base at 0x4000 and wants 5 for S5, QEMU has it at 0x600 and wants 0.
const CODE: &[u8] = &[
    0xfa, //                         cli
    0xba, 0x02, 0x06, //             mov dx, 0x602
    0xb8, 0x00, 0x01, //             mov ax, 0x100
    0xef, //                         out dx, ax         enable the button on QEMU's
    0xba, 0x00, 0x40, //       look: mov dx, 0x4000
    0xed, //                         in ax, dx
    0x3d, 0xff, 0xff, //             cmp ax, 0xffff     nothing there
    0x74, 0x05, //                   je other
    0xf6, 0xc4, 0x01, //             test ah, 1
    0x75, 0x15, //                   jnz off
    0xba, 0x00, 0x06, //      other: mov dx, 0x600
    0xed, //                         in ax, dx
    0x3d, 0xff, 0xff, //             cmp ax, 0xffff
    0x74, 0xe9, //                   je look
    0xf6, 0xc4, 0x01, //             test ah, 1
    0x74, 0xe4, //                   jz look
    0xba, 0x04, 0x06, //             mov dx, 0x604
    0xb8, 0x00, 0x20, //             mov ax, 0x2000
    0xef, //                         out dx, ax
    0xba, 0x04, 0x40, //        off: mov dx, 0x4004
    0xb8, 0x00, 0x34, //             mov ax, 0x3400
    0xef, //                         out dx, ax
    0xeb, 0xfe, //                   jmp $
];

const SECTOR: usize = 2048;

/// A CD that boots it: ISO 9660 with El Torito, no emulation, and no files.
pub(crate) fn iso() -> Vec<u8> {
    let mut iso = vec![0; 32 * SECTOR];
    let mut put = |sector: usize, at: usize, bytes: &[u8]| {
        let start = sector * SECTOR + at;
        iso[start..start + bytes.len()].copy_from_slice(bytes);
    };
    put(16, 0, b"\x01CD001\x01");
    put(16, 40, format!("{:32}", "button-v1").as_bytes());
    put(17, 0, b"\x00CD001\x01EL TORITO SPECIFICATION");
    put(17, 71, &19_u32.to_le_bytes());
    put(18, 0, b"\xffCD001\x01");
    // The catalogue: an entry whose 16-bit words add up to 0, then one that boots sector 20.
    put(19, 0, &[1]);
    put(19, 28, &[0xaa, 0x55, 0x55, 0xaa]);
    put(19, 32, &[0x88, 0, 0, 0, 0, 0, 4, 0]);
    put(19, 40, &20_u32.to_le_bytes());
    put(20, 0, CODE);
    iso
}
