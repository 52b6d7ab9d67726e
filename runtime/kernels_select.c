/* Which variant runs here. On x86 that is asked of the processor and the system (AVX state saved) through the compiler's own detection; every
 * 64-bit Arm processor has NEON. */
#include <stdio.h>
#include <string.h>

#include "runtime/kernels_isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

typedef struct variant {
    const rt_kernels *kernels;
    bool (*runs_here)(void);
} variant;

static bool always(void) { return true; }

#if defined(__x86_64__)
/* Not every compiler's __builtin_cpu_supports knows F16C. Its registers are AVX's, whose state the system saves if avx2 is supported. */
static bool has_f16c(void) {
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

static bool has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c(); }

static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

static bool has_vnni(void) { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }

static bool has_bit(unsigned bit, unsigned word) { return (word >> bit & 1) != 0; }

/* Compilers learn the names of newer sets late: CPUID leaf 7, subleaf 1, EAX bit 4; and leaf 7, EDX bits 24 and 25. */
static bool has_avx2_vnni(void) {
    unsigned eax, ebx, ecx, edx;
    return has_avx2() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && has_bit(4, eax);
}

/* The system gives a process tile registers, 8 KiB of state, only when asked. */
static bool may_use_tiles(void) {
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0;
}

static bool has_amx(void) {
    unsigned eax, ebx, ecx, edx;
    return has_vnni() && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && has_bit(24, edx) && has_bit(25, edx) && may_use_tiles();
}
#endif

#if defined(__aarch64__)
static bool has_dotprod(void) { return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0; }
#endif

/* Best first. */
static const variant variants[] = {
#if defined(__x86_64__)
    {&rt_kernels_avx512_amx, has_amx},
    {&rt_kernels_avx512_vnni, has_vnni},
    {&rt_kernels_avx512, has_avx512},
    {&rt_kernels_avx2_vnni, has_avx2_vnni},
    {&rt_kernels_avx2, has_avx2},
#elif defined(__aarch64__)
    {&rt_kernels_neon_dotprod, has_dotprod},
    {&rt_kernels_neon, always},
#endif
    {&rt_kernels_ref, always},
};

enum { N_VARIANTS = sizeof variants / sizeof variants[0] };

/* "avx512, avx2, ref": the names that this machine runs. A set and its extensions share one. */
enum { NAMES_SIZE = 64 };
static const char *names_here(char names[NAMES_SIZE]) {
    const char *last = "";
    size_t n = 0;
    names[0] = '\0';
    for (size_t i = 0; i < N_VARIANTS; i++) {
        if (!variants[i].runs_here() || strcmp(variants[i].kernels->isa, last) == 0) continue;
        n += (size_t)snprintf(names + n, NAMES_SIZE - n, "%s%s", n > 0 ? ", " : "", variants[i].kernels->isa);
        last = variants[i].kernels->isa;
    }
    return names;
}

rt_status rt_kernels_choose(const char *force, const rt_kernels **kernels, rt_error *err) {
    const bool forced = force != NULL && force[0] != '\0';
    for (size_t i = 0; i < N_VARIANTS; i++) {
        if (forced && strcmp(force, variants[i].kernels->isa) != 0) continue;
        if (variants[i].runs_here()) {
            *kernels = variants[i].kernels;
            return RT_OK;
        }
    }
    char shown[RT_QUOTE_SIZE], names[NAMES_SIZE];
    return rt_fail(err, RT_ERR_USAGE, "T5K_ISA=%s: this machine has no such instruction set (it runs %s)", rt_quote(shown, force, strlen(force)),
                   names_here(names));
}

size_t rt_kernels_runnable(const rt_kernels *runnable[RT_MAX_VARIANTS]) {
    size_t n = 0;
    for (size_t i = 0; i < N_VARIANTS; i++) {
        if (variants[i].runs_here()) runnable[n++] = variants[i].kernels;
    }
    return n;
}
