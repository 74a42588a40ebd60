/* A test aid, never shipped: Wine 8 has no bcryptprimitives.dll, from which Rust's standard library
   takes its random numbers. This one passes them on from advapi32 (SystemFunction036 is RtlGenRandom). */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    return SystemFunction036(buffer, (ULONG)length);
}
