// Which kernels this processor can run, and which of them are used.

#include "kernels_internal.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#if STELLAR_X86
#include <cpuid.h>
#elif STELLAR_ARM64 && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

static const stellar_isa every_isa[] = {STELLAR_ISA_AVX512, STELLAR_ISA_AVX2, STELLAR_ISA_NEON, STELLAR_ISA_SCALAR};  // best first
static const size_t isa_count = sizeof every_isa / sizeof every_isa[0];

const char *stellar_isa_name(stellar_isa isa) {
    switch (isa) {
    case STELLAR_ISA_SCALAR: return "scalar";
    case STELLAR_ISA_AVX2: return "avx2";
    case STELLAR_ISA_AVX512: return "avx512";
    case STELLAR_ISA_NEON: return "neon";
    }
    return "unknown";
}

#if STELLAR_X86
// __builtin_cpu_supports also asks whether the operating system saves the wide registers.

static bool has_avx2(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

/// AVX-VNNI (CPUID 7.1, EAX bit 4); __builtin_cpu_supports does not know it in all compilers.
static bool has_avx_vnni(void) {
    unsigned eax, ebx, ecx, edx;
    return has_avx2() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & 1u << 4);
}

static bool has_avx512_bf16(void) { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }

/// On AMD's processors products of BF16 pairs do twice the work of fused multiply-adds; on Intel's (Sapphire Rapids) they do less of it.
static bool has_fast_bf16_pairs(void) { return has_avx512_bf16() && __builtin_cpu_is("amd"); }
static bool has_slow_bf16_pairs(void) { return has_avx512_bf16() && !__builtin_cpu_is("amd"); }
#elif STELLAR_ARM64

/// Whether the processor adds products of four bytes at once.
static bool has_dot_products(void) {
#if defined(__linux__)
    return getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
#else
    return true;  // all of Apple's
#endif
}
#endif

static bool always(void) { return true; }

/// All tables of this build, best first.
static const struct {
    const stellar_kernels *kernels;
    bool (*are_available)(void);
} tables[] = {
#if STELLAR_X86
    {&stellar_kernels_avx512_bf16, has_fast_bf16_pairs},
    {&stellar_kernels_avx512, has_avx512},
    {&stellar_kernels_avx512_bf16, has_slow_bf16_pairs},
    {&stellar_kernels_avx2_vnni, has_avx_vnni},
    {&stellar_kernels_avx2, has_avx2},
#elif STELLAR_ARM64
    {&stellar_kernels_neon_dot, has_dot_products},
    {&stellar_kernels_neon, always},
#endif
    {&stellar_kernels_scalar, always},
};
static const size_t table_count = sizeof tables / sizeof tables[0];

size_t stellar_kernels_available(const stellar_kernels **kernels, size_t capacity) {
    size_t count = 0;
    for (size_t i = 0; i < table_count; i++) {
        if (!tables[i].are_available()) { continue; }
        if (count < capacity) { kernels[count] = tables[i].kernels; }
        count++;
    }
    return count;
}

const stellar_kernels *stellar_kernels_for(stellar_isa isa) {
    for (size_t i = 0; i < table_count; i++) {
        if (tables[i].kernels->isa == isa && tables[i].are_available()) { return tables[i].kernels; }
    }
    return NULL;
}

static const stellar_kernels *best_kernels(void) {
    const stellar_kernels *best = &stellar_kernels_scalar;
    stellar_kernels_available(&best, 1);
    return best;
}

/// The names that can be chosen here, best first.
static void list_available(char *buffer, size_t capacity) {
    size_t length = 0;
    buffer[0] = 0;
    for (size_t i = 0; i < isa_count && length < capacity; i++) {
        if (stellar_kernels_for(every_isa[i]) == NULL) { continue; }
        length += (size_t)snprintf(buffer + length, capacity - length, "%s%s", length ? ", " : "", stellar_isa_name(every_isa[i]));
    }
}

static void explain(char *message, size_t capacity, const char *name, const char *problem) {
    if (message == NULL || capacity == 0) { return; }
    char available[64];
    list_available(available, sizeof available);
    snprintf(message, capacity, "instruction set '%.32s' %s; this machine has: %s (leave it empty for the best)", name, problem, available);
}

stellar_status stellar_kernels_select(const char *name, const stellar_kernels **kernels, char *message, size_t capacity) {
    if (message != NULL && capacity > 0) { message[0] = 0; }
    if (name == NULL || name[0] == 0) {
        *kernels = best_kernels();
        return STELLAR_STATUS_OK;
    }
    *kernels = NULL;
    for (size_t i = 0; i < isa_count; i++) {
        if (strcmp(name, stellar_isa_name(every_isa[i])) != 0) { continue; }
        *kernels = stellar_kernels_for(every_isa[i]);
        if (*kernels != NULL) { return STELLAR_STATUS_OK; }
        explain(message, capacity, name, "is not available");
        return STELLAR_STATUS_UNSUPPORTED_ISA;
    }
    explain(message, capacity, name, "is unknown");
    return STELLAR_STATUS_UNKNOWN_ISA;
}

// MARK: The choice of this process

// Written once: the first thread to finish choosing sets it, the others take what it set.
static _Atomic(const stellar_kernels *) active_kernels = NULL;

stellar_status stellar_kernels_status(char *message, size_t capacity) {
    const stellar_kernels *kernels;
    return stellar_kernels_select(getenv("STELLAR_ISA"), &kernels, message, capacity);
}

const stellar_kernels *stellar_kernels_active(void) {
    const stellar_kernels *kernels = atomic_load_explicit(&active_kernels, memory_order_acquire);
    if (kernels != NULL) { return kernels; }
    const stellar_kernels *chosen;
    if (stellar_kernels_select(getenv("STELLAR_ISA"), &chosen, NULL, 0) != STELLAR_STATUS_OK) { chosen = best_kernels(); }
    const stellar_kernels *expected = NULL;
    return atomic_compare_exchange_strong(&active_kernels, &expected, chosen) ? chosen : expected;
}

// MARK: Description

typedef struct description {
    char *buffer;
    size_t capacity;
    size_t length;
} description;

static void describe(description *text, const char *feature, bool present) {
    if (!present) { return; }
    const size_t used = text->length < text->capacity ? text->length : text->capacity;
    const int written = snprintf(used < text->capacity ? text->buffer + used : NULL, text->capacity - used, "%s%s",
                                 text->length ? " " : "", feature);
    if (written > 0) { text->length += (size_t)written; }
}

size_t stellar_cpu_description(char *buffer, size_t capacity) {
    description text = {buffer, buffer == NULL ? 0 : capacity, 0};
    if (text.capacity > 0) { buffer[0] = 0; }
#if STELLAR_X86
    __builtin_cpu_init();
    describe(&text, "sse4.2", __builtin_cpu_supports("sse4.2"));
    describe(&text, "avx", __builtin_cpu_supports("avx"));
    describe(&text, "avx2", __builtin_cpu_supports("avx2"));
    describe(&text, "fma", __builtin_cpu_supports("fma"));
    describe(&text, "f16c", __builtin_cpu_supports("f16c"));
    describe(&text, "avxvnni", has_avx_vnni());
    describe(&text, "avx512f", __builtin_cpu_supports("avx512f"));
    describe(&text, "avx512bw", __builtin_cpu_supports("avx512bw"));
    describe(&text, "avx512dq", __builtin_cpu_supports("avx512dq"));
    describe(&text, "avx512vl", __builtin_cpu_supports("avx512vl"));
    describe(&text, "avx512vnni", __builtin_cpu_supports("avx512vnni"));
    describe(&text, "avx512bf16", __builtin_cpu_supports("avx512bf16"));
    describe(&text, "avx512fp16", __builtin_cpu_supports("avx512fp16"));
#elif STELLAR_ARM64
    describe(&text, "neon", true);
    describe(&text, "dotprod", has_dot_products());
#endif
    return text.length;
}
