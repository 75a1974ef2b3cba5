/** The smallest guest that proves that code runs: it does what the start of any kernel does, and says so. */

/** What it writes to the debug port when it has come through. */
export const probeWord = 'K';

/**
 * A boot sector: real mode, A20, page tables, long mode, a 64-bit division and CPUID, then `out 0x501, 'K'`, then halt
 * for good. In the assembly of Intel's manual (volume 3, "Switching to 64-bit mode"), by lines:
 *
 *     xor ax,ax; mov ds,ax; mov es,ax; mov ss,ax; mov sp,0x7c00; cli; in al,0x92; or al,2; out 0x92,al
 *     mov edi,0x1000; xor eax,eax; mov ecx,3072; cld; rep stosd               ; three empty page tables
 *     mov [0x1000],0x2003; mov [0x2000],0x3003; mov [0x3000],0x83             ; the first 2 MiB, as they are
 *     CR4.PAE = 1; CR3 = 0x1000; EFER.LME = 1; lgdt [gdtr]; CR0.PG = CR0.PE = 1; jmp 8:long
 *     gdt: null; 64-bit code; data; gdtr: 23, gdt
 *     long: mov ds,16; mov ss,16; rax = 0x4b4b4b4b4b4b4b4b / 3; cpuid(0); mov dx,0x501; mov al,'K'; out dx,al
 *     cli; hlt; jmp $-1
 */
const code =
  '31c08ed88ec08ed0bc007cfae4920c02e692' +
  '66bf001000006631c066b9000c0000fcf366ab' +
  '66c70600100320000066c70600200330000066c706003083000000' +
  '0f20e06683c8200f22e066b8001000000f22d866b9800000c00f32660d000100000f300f20c0660d010000800f0116987c0f22c0' +
  'ea9e7c0800909090909090900000000000000000ffff0000009aaf00ffff00000092cf001700807c0000' +
  '66b810008ed88ed048b84b4b4b4b4b4b4b4b31d2b90300000048f7f131c00fa266ba0105b04bee' +
  'faf4ebfc';

/** SeaBIOS boots no disk that is much smaller. */
const diskBytes = 1024 * 1024;

/** A disk that boots the sector by BIOS. */
export function bootDisk(sector: string = code): Uint8Array {
  const disk = Buffer.alloc(diskBytes);
  disk.write(sector, 'hex');
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}
